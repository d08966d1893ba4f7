import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { masterPrefix } from '../../../server/core/query/id.ts';
import { clearMasters, Masters } from '../../../server/reading/masters.ts';
import { type Launch, strongestLaunch } from '../../../server/sandbox/launch.ts';
import { RenderPool } from '../../../server/sandbox/pool.ts';
import { Admission } from '../../../server/shared/admission.ts';
import { openScratch } from '../../../server/shared/scratch.ts';
import type { Objects } from '../../../server/stores/objects.ts';
import { keysOf } from '../../support/api.ts';
import { corpus } from '../../support/corpus.ts';
import { removeFolder, temporaryFolder } from '../../support/folders.ts';
import { startServer } from '../../support/server.ts';
import { altered } from '../../support/warmer.ts';

const FILE = 'heic/RGB_8__128x128.heif';

/** Runs before anything else in a render process, and alters what it says of masters: a decoder that was taken over. */
const captured = (alter: string): string =>
  `data:text/javascript,${encodeURIComponent(`
    import { truncateSync } from 'node:fs';
    const runs = new Map();
    const send = process.send.bind(process);
    process.on('message', ({ task, run }) => run && runs.set(task, run));
    const alter = ${alter};
    process.send = (message) => {
      const run = runs.get(message.task);
      send(run?.kind === 'master' && message.answer ? alter(message, run) : message);
    };
  `)}`;

/** A launch with more flags, on each rung: a folder of tests is private, and another user cannot enter it. */
const withFlags = (launch: Launch, flags: readonly string[]): Launch => ({
  ...launch,
  nodeFlags: [...launch.nodeFlags, ...flags],
  weaker: launch.weaker && (() => withFlags(launch.weaker?.() ?? launch, flags)),
});

/** Masters made by processes that were taken over, and whatever lies in the scratch behind them. */
async function mastersOf(
  t: Test,
  alter: string,
  alterResults: (results: Objects) => Objects = (results) => results,
) {
  const folder = await temporaryFolder();
  const scratch = await openScratch(folder);
  const launch = strongestLaunch({ scratch, niceness: 0 });
  const pool = new RenderPool({
    launch: withFlags(launch, ['--import', captured(alter)]),
    slots: 1,
    recycleBytes: 2 ** 31,
    recycleTasks: 100,
    now: () => performance.now(),
    onEvent: () => undefined,
  });
  const server = await startServer();
  t.teardown(async () => {
    pool.close();
    await server.close();
    await scratch.close();
    await removeFolder(folder);
  });
  const bounds = {
    slots: 1,
    bytes: 2 ** 31,
    maxWaitMs: Number.POSITIVE_INFINITY,
    burstWaitMs: 0,
    name: 'renders',
  };
  const masters = new Masters({
    originals: server.stores.originals,
    results: alterResults(server.stores.results),
    pool,
    admission: new Admission(bounds, () => performance.now()),
    scratch,
    limits: { maxPixels: 1e8, maxFrames: 1 },
    deadlineMs: 60_000,
    maxPriceBytes: 2 ** 31,
    isOn: true,
    now: () => performance.now(),
    onStoreFailure: (error) => t.error(error),
  });
  const bytes = await corpus(FILE);
  const path = scratch.path();
  await writeFile(path, bytes);
  await server.put('a', bytes);
  await server.put('a/b', bytes);
  /** By default of the version that is there. */
  const obtain = async (id = 'a', etag?: string) => {
    const current = (await server.stores.originals.head(id))?.etag ?? '';
    return masters.obtain({ id, etag: etag ?? current, ref: { path, bytes: bytes.length } });
  };
  const entries = async () => (await readdir(folder, { recursive: true })).length;
  return { results: server.stores.results, obtain, entries };
}

t.test('a process that was taken over does not choose which file is read and removed', async (t) => {
  const victims = await temporaryFolder();
  t.teardown(() => removeFolder(victims));
  const victim = join(victims, 'tenants', 'database');
  await mkdir(join(victims, 'tenants'));
  await writeFile(victim, 'a key');
  const place = JSON.stringify(victim);
  const { obtain } = await mastersOf(
    t,
    `(message) => ({ ...message, answer: { ...message.answer, path: ${place} } })`,
  );
  const master = await obtain();
  t.equal(await readFile(victim, 'utf8').catch(() => 'gone'), 'a key');
  t.match((await readFile(master.path)).subarray(1, 4).toString(), 'PNG');
  t.match(Object.keys(master).sort(), ['bytes', 'master', 'path']);
});

t.test(
  'of a file that grows without end no more is copied than its pixels take, and nothing stays',
  async (t) => {
    const grow = `(message, { fileName }) => {
    truncateSync(process.env.TMPDIR + '/' + fileName, 2 ** 30);
    return message;
  }`;
    const { obtain, entries } = await mastersOf(t, grow);
    const before = await entries();
    await t.rejects(obtain(), /more than \d+ bytes/);
    t.equal(await entries(), before);
  },
);

const AS_IT_IS = '(message) => message';

t.test('a master goes with its own image alone, and not for that of a version that has passed', async (t) => {
  const { results, obtain } = await mastersOf(t, AS_IT_IS);
  await obtain('a/b');
  await obtain();
  const both = await keysOf(results);
  t.equal(both.length, 2);
  await obtain('a', 'old');
  t.same(await keysOf(results), both, 'what was decoded of old bytes is not kept, and removes nothing');
  await clearMasters(results, 'a', undefined);
  t.equal((await keysOf(results)).length, 1);
  t.match(await keysOf(results), [/a\/b/]);
  const put = (id: string) =>
    results.put(`${masterPrefix(id)}1-old`, Buffer.from('x'), { contentType: 'image/png' });
  await Promise.all([put('a'), ...Array.from({ length: 100 }, (_, n) => put(`a/0${n}`))]);
  await clearMasters(results, 'a', 'new');
  t.equal(
    (await keysOf(results)).length,
    101,
    'that of the version before is found behind any number of others',
  );
});

t.test('a master that changes while it is read leaves nothing behind', async (t) => {
  const { obtain, entries } = await mastersOf(t, AS_IT_IS, (results) =>
    altered(results, {
      head: async (key) => {
        const facts = await results.head(key);
        if (facts) await results.put(key, Buffer.from('another'), { contentType: 'image/png' });
        return facts;
      },
    }),
  );
  const first = await obtain();
  const before = await entries();
  await rm((await obtain()).path);
  t.equal(await entries(), before);
  t.ok(first.bytes > 0);
});
