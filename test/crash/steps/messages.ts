import type { Test } from 'tap';
import { type Job, objectJob } from '../../../server/warming/jobs.ts';
import { call, form, noise } from '../../support/api.ts';
import { removeFolder, temporaryFolder } from '../../support/folders.ts';
import { type Receiver, receiver } from '../../support/receiver.ts';
import { storedKey } from '../../support/results.ts';
import { startServer, type TestServer } from '../../support/server.ts';
import { createWarmer, isDrained } from '../../support/warmer.ts';
import { FAR, prepare } from './calls.ts';
import { ENV, type Requested, settled } from './kills.ts';
import { type Mortal, mortal } from './mortal.ts';

/** What leads to a message, each kind and each event; the message is then worked on by a warmer that dies. */
interface Cause {
  readonly act: (server: TestServer, webhook: Receiver) => Promise<unknown>;
  /** What has to be true in the end beside that all agree. */
  readonly fault?: (seen: Seen) => string | undefined | Promise<string | undefined>;
  /** What it makes beside what is listed. */
  readonly requested?: readonly Requested[];
}

interface Seen {
  readonly server: TestServer;
  readonly cleared: readonly string[];
  readonly webhook: Receiver;
}

const [foreign, newer] = await Promise.all([noise(30, 20, 31), noise(50, 40, 32)]);
const jpeg = { contentType: 'image/jpeg' };
const edgeFault: Cause['fault'] = ({ cleared }) =>
  cleared.some((path) => path === '/img/a*' || path === '/img/a') ? undefined : 'the edge was not told';

const MADE = 'fmt=webp&w=50';
const smallerFault: Cause['fault'] = async ({ server }) => {
  // Only the count in the record tells a server that what it has in memory is not the last.
  await server.composed.core.originals.refresh('a');
  const served = Buffer.from(await (await server.get(`/img/a?${MADE}`)).arrayBuffer());
  const stored = await (await server.stores.results.get(storedKey('a', MADE)))?.bytes();
  return stored?.equals(served) ? undefined : 'the server does not serve what lies in the bucket';
};

const WARM: Cause = {
  act: (server) =>
    call(server, 'POST', '/api/images/a/variants', { variants: ['fmt=png&w=9', 'fmt=webp&w=8'] }),
};

/** A kind of message that is not here does not compile. One that no version has written becomes a dead letter. */
const CAUSES: Readonly<Record<Exclude<Job['kind'], 'unknown'>, Readonly<Record<string, Cause>>>> = {
  warm: { 'variants that were asked for': WARM },
  objects: {
    'an object that others put': {
      act: async ({ stores }) => {
        await stores.originals.put('b', foreign, jpeg);
        await stores.jobs.send([objectJob('b', 'created')]);
      },
    },
    'an object that others put, as S3 tells of it': {
      act: async ({ stores }) => {
        await stores.originals.put('b', foreign, jpeg);
        const event = { Records: [{ eventName: 'ObjectCreated:Put', s3: { object: { key: 'b' } } }] };
        await stores.jobs.send([JSON.stringify(event)]);
      },
    },
    'an object that others overwrote': {
      fault: edgeFault,
      act: async ({ stores }) => {
        await stores.originals.put('a', newer, jpeg);
        await stores.jobs.send([objectJob('a', 'created')]);
      },
    },
    'an object that others removed, as EventBridge tells of it': {
      fault: edgeFault,
      act: async ({ stores }) => {
        await stores.originals.remove(['a']);
        const event = { source: 'aws.s3', 'detail-type': 'Object Deleted', detail: { object: { key: 'a' } } };
        await stores.jobs.send([JSON.stringify(event)]);
      },
    },
  },
  fetch: {
    'an original that lies elsewhere': {
      act: (server) =>
        call(server, 'POST', '/api/images/import', {
          urls: [{ url: FAR, id: 'far', collection: 'c', variants: ['w=9&fmt=png'] }],
        }),
    },
    'one that has changed there': {
      act: (server) => call(server, 'POST', '/api/images/a/refresh'),
      fault: edgeFault,
    },
  },
  upgrade: {
    'a result that was made on request': {
      requested: [{ id: 'a', form: MADE }],
      fault: smallerFault,
      act: async (server) => {
        await (await server.get(`/img/a?${MADE}`)).arrayBuffer();
        await server.composed.images.settle();
        await server.composed.upgrades.flush();
      },
    },
  },
  invalidate: {
    'a purge': { act: (server) => call(server, 'POST', '/api/images/a/purge?warm=true'), fault: edgeFault },
  },
  notify: {
    'an image that is finished': {
      act: (server, { url }) =>
        call(
          server,
          'POST',
          '/api/images',
          form([
            ['id', 'told'],
            ['webhook', url],
            ['variants', '["w=9&fmt=png"]'],
            ['file', foreign],
          ]),
        ),
      fault: ({ webhook: { calls } }) => (calls.length > 0 ? undefined : 'nobody was told'),
    },
  },
};

export const MESSAGES: readonly (readonly [name: string, cause: Cause])[] = Object.entries(CAUSES).flatMap(
  ([kind, causes]) => Object.entries(causes).map(([name, cause]) => [`${kind}: ${name}`, cause] as const),
);

/**
 * Works on a message by a warmer that is killed after its k-th write, then lets the queue and the sweep do the rest.
 *
 * @param stores  settings of others than those in a folder
 * @returns       how many writes it came to, and what is not as it should be
 */
export async function killedAtWork(
  t: Test,
  cause: Cause,
  k: number,
  stores: Readonly<Record<string, string>> = {},
): Promise<{ writes: number; faults: readonly string[] }> {
  const own = await temporaryFolder();
  const env = { ...ENV, DATA_DIR: own, ...stores };
  const cleared: string[] = [];
  const edge = { invalidate: async (paths: readonly string[]) => void cleared.push(...paths) };
  const live = await startServer(env, { edge });
  const warmer = await createWarmer(env, undefined, { edge });
  const webhook = await receiver(t);
  try {
    await prepare(live);
    await settled(warmer);
    cleared.length = 0;
    await cause.act(live, webhook);
    let doomed: Mortal | undefined;
    const dying = await createWarmer(
      env,
      (stores) => {
        doomed = mortal(stores, k);
        return doomed.stores;
      },
      { edge },
    );
    await dying.until(async () => (await isDrained(live.stores)) || (doomed?.writes() ?? 0) >= k);
    await dying.close();
    const faults = await settled(warmer, cause.requested);
    const more = await cause.fault?.({ server: live, cleared, webhook });
    return { writes: doomed?.writes() ?? 0, faults: more === undefined ? faults : [...faults, more] };
  } finally {
    await live.close();
    await warmer.close();
    await removeFolder(own);
  }
}
