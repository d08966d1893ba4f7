import type { Test } from 'tap';
import { call, form, keysOf, noise } from '../support/api.ts';
import { corpus } from '../support/corpus.ts';
import { type RemoteServer, remoteServer } from '../support/remote.ts';
import { startServer } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';
import { createWarmer, isDrained } from '../support/warmer.ts';

const [first, second, third] = [noise(60, 40, 1), noise(50, 50, 2), noise(30, 20, 3)];

/** Settings of new stores. */
type Settings = (t: Test) => Promise<Record<string, string>>;

/** A server and a warmer that works until the test ends, beside a server of somebody else. */
async function deploy(t: Test, stores: Settings) {
  const remote = await remoteServer(t);
  const settings = {
    ...(await stores(t)),
    IMPORT_HOSTS: remote.base,
    IMPORT_PRIVATE: '1',
    IMPORT_RATE_PER_MINUTE: '0',
  };
  const server = await startServer(settings);
  const warmer = await createWarmer(settings);
  const run = warmer.worker.run();
  t.teardown(async () => {
    warmer.worker.stop();
    await run;
    await warmer.close();
    await server.close();
  });
  const { records, jobs, results, originals } = server.stores;
  const record = async () => records.images.get('a');
  return {
    remote,
    server,
    originals,
    record,
    ask: (url: string) => call(server, 'POST', '/api/images/import', { urls: [{ url, id: 'a' }] }),
    remove: () => call(server, 'DELETE', '/api/images/a'),
    put: (bytes: Buffer) => call(server, 'PUT', '/api/images/a/original', form([['file', bytes]])),
    refresh: () => call(server, 'POST', '/api/images/a/refresh'),
    masters: async () => (await keysOf(results)).filter((key) => key.startsWith('master/')),
    arrived: () => waitFor(async () => (await record())?.version !== undefined),
    /** Until one fetch alone is under way. */
    alone: () => waitFor(async () => (await jobs.depth()).inFlight === 1),
    reconcile: () => warmer.management.reconciler.reconcile('a'),
    idle: () => waitFor(() => isDrained({ jobs })),
  };
}

/** A picture that is on its way until it is let go. */
function slow({ answer }: RemoteServer, path: string, bytes: Uint8Array) {
  const [gate, asked] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const url = answer(path, async (_, response) => {
    response.writeHead(200, { 'content-length': bytes.length }).write(bytes.subarray(0, 100));
    asked.resolve();
    await gate.promise;
    response.end(bytes.subarray(100));
  });
  return { url, letGo: gate.resolve, asked: asked.promise };
}

/** What holds for originals on their way, whatever becomes of their image meanwhile and whatever the stores are. */
export function overtakenFlows(t: Test, stores: Settings): void {
  t.test(
    'what an image was deleted under comes neither to the next of its id nor to its source',
    async (t) => {
      const { remote, ask, remove, record, arrived, alone, idle, refresh } = await deploy(t, stores);
      const old = slow(remote, '/old.jpg', await first);
      await ask(old.url);
      await old.asked;
      await remove();
      const url = remote.picture('/new.jpg', await second);
      await ask(url);
      await arrived();
      old.letGo();
      await idle();
      t.match(await record(), { original: { width: 50 }, source: { url } }, 'which came first');
      t.equal((await refresh()).status, 202);
      await idle();
      t.match(await record(), { original: { width: 50 }, source: { url } });

      await remove();
      const [older, newer] = [slow(remote, '/old.jpg', await first), slow(remote, '/new.jpg', await second)];
      await ask(older.url);
      await older.asked;
      await remove();
      await ask(newer.url);
      await newer.asked;
      older.letGo();
      await alone();
      newer.letGo();
      await arrived();
      await idle();
      t.match(await record(), { original: { width: 50 }, source: { url } }, 'which came last');
    },
  );

  t.test('nor does its failure', async (t) => {
    const { remote, ask, remove, record, arrived, alone, idle } = await deploy(t, stores);
    const broken = slow(remote, '/old.jpg', Buffer.alloc(2000, 'no picture '));
    await ask(broken.url);
    await broken.asked;
    await remove();
    const good = slow(remote, '/new.jpg', await second);
    await ask(good.url);
    await good.asked;
    broken.letGo();
    await alone();
    good.letGo();
    await arrived();
    await idle();
    t.match(await record(), { original: { width: 50 }, source: { url: good.url }, error: undefined });
  });

  t.test('bytes that somebody has put in the place of fetched ones are his', async (t) => {
    const { remote, ask, put, record, arrived, idle, refresh } = await deploy(t, stores);
    await ask(remote.picture('/a.jpg', await first));
    await arrived();
    await idle();
    const again = slow(remote, '/a.jpg', await second);
    t.equal((await refresh()).status, 202);
    await again.asked;
    t.equal((await put(await third)).status, 202);
    again.letGo();
    await idle();
    t.match(await record(), { original: { width: 30 }, source: undefined, owed: undefined }, 'under way');
    t.match(await refresh(), { status: 409, body: { code: 'conflict' } });
  });

  t.test('also what somebody has put into the bucket', async (t) => {
    const { remote, server, ask, record, arrived, reconcile, idle, refresh } = await deploy(t, stores);
    await ask(remote.picture('/a.jpg', await first));
    await arrived();
    await idle();
    await server.put('a', await third);
    t.equal((await refresh()).status, 202, 'before anybody has heard of it');
    remote.picture('/a.jpg', await second);
    await idle();
    await reconcile();
    t.match(await record(), { original: { width: 30 } });
    t.match(await refresh(), { status: 409, body: { code: 'conflict' } });
    t.match(await record(), { original: { width: 30 } });
  });

  t.test('nothing of a HEIC stays that was deleted on its way', async (t) => {
    const { remote, ask, remove, record, idle, originals, masters } = await deploy(t, stores);
    const one = slow(remote, '/a.heic', await corpus('heic/RGB_8__128x128.heif'));
    await ask(one.url);
    await one.asked;
    await remove();
    one.letGo();
    await idle();
    t.equal(await record(), undefined);
    t.equal(await originals.head('a'), undefined);
    t.same(await masters(), []);
  });
}
