import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { getPriority, platform } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Jobs } from '../../server/stores/jobs.ts';
import type { Objects } from '../../server/stores/objects.ts';
import type { Stores } from '../../server/stores/stores.ts';
import { redrive } from '../../warmer/redrive.ts';
import { corpusPath } from '../support/corpus.ts';
import { removeFolder, temporaryFolder } from '../support/folders.ts';
import { freePort } from '../support/ports.ts';
import { startServer } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';
import { altered, createWarmer, spawnWarmer, type TestWarmer, withPut } from '../support/warmer.ts';

const small = await readFile(corpusPath('photos/kodim23.png'));
const large = await readFile(corpusPath('photos/snow-forest-20mp.jpg'));
/** Enough work for one slot to be met in the middle of it. */
const SLOW = ['fmt=avif&w=700', 'fmt=avif&w=600', 'fmt=avif&w=500'];

async function warmer(
  t: Test,
  env: Record<string, string> = {},
  alter?: (stores: Stores) => Stores,
): Promise<TestWarmer> {
  const created = await createWarmer({ VISIBILITY_SECONDS: '1', SWEEP_SECONDS: '1', ...env }, alter);
  t.teardown(() => created.close());
  return created;
}

async function folder(t: Test): Promise<string> {
  const path = await temporaryFolder();
  t.teardown(() => removeFolder(path));
  return path;
}

const statusOf = async ({ stores }: TestWarmer, id: string) => (await stores.records.images.get(id))?.status;
const jobLines = ({ lines }: { lines: Record<string, unknown>[] }) =>
  lines.filter(({ msg }) => msg === 'job');

t.test('a job that takes longer than the visibility is not delivered twice', async (t) => {
  let extensions = 0;
  const alter = (stores: Stores): Stores => {
    const { jobs, results } = stores;
    const extend: Jobs['extend'] = (...given) => {
      extensions += 1;
      return jobs.extend(...given);
    };
    const put: Objects['put'] = async (...given) => {
      // Hidden for a second each time.
      await waitFor(() => extensions > 3);
      return results.put(...given);
    };
    return { ...stores, jobs: altered(jobs, { extend }), results: withPut(results, put) };
  };
  const testWarmer = await warmer(t, {}, alter);
  const two = await warmer(t, { DATA_DIR: testWarmer.config.dataDir }, alter);
  await testWarmer.ask('a', small, ['fmt=webp&w=320', 'fmt=jpeg&w=320', 'fmt=webp&w=100']);
  const run = two.worker.run();
  await testWarmer.until(async () => (await statusOf(testWarmer, 'a')) === 'completed');
  two.worker.stop();
  await run;
  t.match(
    [...jobLines(testWarmer), ...jobLines(two)].map(({ receives, ready }) => [receives, ready]),
    [[1, 3]],
  );
  for (const { attempts, variant } of await testWarmer.variants('a')) t.equal(attempts, 1, variant);
});

t.test('several processes share a queue, and each variant is rendered once', async (t) => {
  const DATA_DIR = await folder(t);
  const testWarmer = await warmer(t, { DATA_DIR });
  const processes = await Promise.all([spawnWarmer({ DATA_DIR }), spawnWarmer({ DATA_DIR })]);
  const ids = Array.from({ length: 12 }, (_, index) => `image-${index}`);
  for (const id of ids)
    await testWarmer.ask(id, small, ['fmt=webp&w=320', 'fmt=jpeg&w=320', 'fmt=webp&w=100']);
  await waitFor(async () => {
    const statuses = await Promise.all(ids.map((id) => statusOf(testWarmer, id)));
    return statuses.every((status) => status === 'completed');
  });
  for (const process of processes) t.equal(await process.end('SIGTERM'), 0);
  const shares = processes.map((process) => jobLines(process).length);
  t.equal((shares[0] ?? 0) + (shares[1] ?? 0), 12);
  t.ok(
    shares.every((share) => share > 0),
    `${shares}`,
  );
  for (const id of ids) {
    for (const { attempts, variant } of await testWarmer.variants(id))
      t.equal(attempts, 1, `${id} ${variant}`);
  }
});

t.test('a warmer that is told to stop gives its job back and ends with 0', async (t) => {
  const DATA_DIR = await folder(t);
  const testWarmer = await warmer(t, { DATA_DIR });
  await testWarmer.ask('a', large, SLOW);
  const process = await spawnWarmer({ DATA_DIR, VISIBILITY_SECONDS: '60', WARM_SLOTS: '1' });
  await waitFor(async () => (await testWarmer.variants('a')).some(({ status }) => status === 'rendering'));
  t.equal(await process.end('SIGTERM'), 0);
  t.same(await testWarmer.stores.jobs.depth(), { ready: 1, inFlight: 0, dead: 0 });
  const variants = await testWarmer.variants('a');
  t.notOk(variants.some(({ status }) => status === 'rendering'));
  t.ok(variants.some(({ status }) => status === 'queued'));
  await testWarmer.until(async () => (await statusOf(testWarmer, 'a')) === 'completed');
  for (const { attempts, variant } of await testWarmer.variants('a'))
    t.ok(attempts <= 2, `${variant}: ${attempts}`);
});

t.test('a job is given up after its receives, and sent again by redrive', async (t) => {
  const testWarmer = await warmer(t, { WARM_ATTEMPTS: '2' });
  const results = join(testWarmer.config.dataDir, 'results');
  await testWarmer.ask('a', small, ['fmt=webp&w=320', 'fmt=webp&w=100']);
  await rename(results, `${results}.away`);
  await writeFile(results, 'a file where a folder should be');
  await testWarmer.until(async () => (await testWarmer.stores.jobs.depth()).dead === 1);
  t.match(await testWarmer.variants('a'), [
    { status: 'queued', attempts: 2, error: /^store_unavailable: / },
    { status: 'queued', attempts: 2, error: /^store_unavailable: / },
  ]);
  await waitFor(async () => {
    await testWarmer.rounds.run();
    return (await statusOf(testWarmer, 'a')) === 'failed';
  });
  t.match(await testWarmer.stores.records.images.get('a'), { error: /^gave_up: store_unavailable: / });
  t.match(await testWarmer.variants('a'), [{ status: 'failed', error: /^gave_up: / }, { status: 'failed' }]);
  t.equal((await testWarmer.stores.jobs.depth()).dead, 1, 'the dead letter stays');

  await rm(results);
  await rename(`${results}.away`, results);
  t.same(await redrive(testWarmer.stores), { messages: 1, variants: 2 });
  t.equal(await statusOf(testWarmer, 'a'), 'processing');
  t.match(await testWarmer.variants('a'), [{ status: 'queued' }, { status: 'queued' }]);
  const two = await warmer(t, { DATA_DIR: testWarmer.config.dataDir });
  // A sweep that came late has sent it a second time: that one is done as well.
  const isEmpty = async () =>
    Object.values(await testWarmer.stores.jobs.depth()).every((count) => count === 0);
  await two.until(async () => (await statusOf(testWarmer, 'a')) === 'completed' && (await isEmpty()));
  t.match(await testWarmer.variants('a'), [{ status: 'ready' }, { status: 'ready' }]);
});

t.test('a dead letter that was sent again by other means is worked on as well', async (t) => {
  const testWarmer = await warmer(t);
  await testWarmer.ask('a', small, ['fmt=webp&w=320']);
  const version = (await testWarmer.stores.records.images.get('a'))?.version ?? '';
  const error = 'gave_up: No attempt came to an end.';
  await testWarmer.stores.records.variants.update('a', 'fmt=webp&w=320', version, ['queued'], {
    status: 'failed',
    error,
  });
  await testWarmer.until(async () => (await statusOf(testWarmer, 'a')) === 'completed');
  t.match(await testWarmer.variants('a'), [{ status: 'ready' }]);
});

t.test('a message that nobody understands becomes a dead letter', async (t) => {
  const testWarmer = await warmer(t, { WARM_ATTEMPTS: '2' });
  await testWarmer.stores.jobs.send(['what is this']);
  await testWarmer.until(async () => (await testWarmer.stores.jobs.depth()).dead === 1);
  await testWarmer.rounds.run();
  t.equal((await testWarmer.stores.jobs.depth()).dead, 1);
  t.match(
    testWarmer.lines.find(({ msg }) => msg === 'job not done'),
    { err: { message: 'Unknown message: not JSON.' } },
  );
});

t.test('the sweep sends again what was written down and never sent', async (t) => {
  const testWarmer = await warmer(t);
  await testWarmer.stores.originals.put('a', small, { contentType: 'image/png' });
  await testWarmer.management.reconciler.reconcile('a');
  const record = await testWarmer.stores.records.images.get('a');
  await testWarmer.stores.records.variants.queue('a', record?.version ?? '', ['fmt=webp&w=320']);
  await testWarmer.stores.records.images.update('a', record?.revision ?? 0, { status: 'processing' });
  t.equal((await testWarmer.stores.jobs.depth()).ready, 0);
  // Before anybody takes it, and no more once it is sent: on a slow machine a later round would send it twice.
  await waitFor(async () => {
    await testWarmer.rounds.run();
    return (await testWarmer.stores.jobs.depth()).ready === 1;
  });
  await testWarmer.until(async () => (await statusOf(testWarmer, 'a')) === 'completed');
  t.match(await testWarmer.variants('a'), [{ status: 'ready', attempts: 1 }]);
});

t.test('the sweep settles an image whose last variant was the last thing that was written', async (t) => {
  const testWarmer = await warmer(t);
  await testWarmer.ask('a', small, ['fmt=webp&w=320']);
  await testWarmer.until(async () => (await statusOf(testWarmer, 'a')) === 'completed');
  const record = await testWarmer.stores.records.images.get('a');
  await testWarmer.stores.records.images.update('a', record?.revision ?? 0, { status: 'processing' });
  await waitFor(async () => {
    await testWarmer.rounds.run();
    return (await statusOf(testWarmer, 'a')) === 'completed';
  });
});

t.test('an object that anybody puts is known, warm, and served from its bucket', async (t) => {
  const DATA_DIR = await folder(t);
  const env = { DATA_DIR, WARM_DEFAULTS: 'w=100&fmt=webp w=200&fmt=jpeg' };
  const testWarmer = await warmer(t, env);
  const server = await startServer(env);
  t.teardown(() => server.close());
  await testWarmer.stores.originals.put('shoes/red.png', small, { contentType: 'image/png' });
  await testWarmer.stores.jobs.send([
    JSON.stringify({
      Records: [{ eventName: 'ObjectCreated:Put', s3: { object: { key: 'shoes/red.png', eTag: 'x' } } }],
    }),
  ]);
  await testWarmer.until(async () => (await statusOf(testWarmer, 'shoes/red.png')) === 'completed');
  for (const { variant } of await testWarmer.variants('shoes/red.png')) {
    const answer = await server.get(`/img/shoes/red.png?${variant}`);
    t.equal(answer.status, 200, variant);
    t.equal(answer.headers.get('x-image-cache'), 'stored', variant);
    await answer.arrayBuffer();
  }
  await testWarmer.stores.originals.remove(['shoes/red.png']);
  await testWarmer.stores.jobs.send([
    JSON.stringify({ kind: 'objects', events: [{ id: 'shoes/red.png', change: 'removed' }] }),
  ]);
  const two = await warmer(t, env);
  await two.until(async () => (await testWarmer.stores.records.images.get('shoes/red.png')) === undefined);
  t.same((await testWarmer.stores.results.list({ prefix: 'img/', limit: 10 })).items, []);
});

t.test('a container can ask whether the warmer still looks at its queue', async (t) => {
  const DATA_DIR = await folder(t);
  const port = await freePort();
  const process = await spawnWarmer({ DATA_DIR, WARMER_PORT: String(port) }, { isMeasured: true });
  t.equal((await fetch(`http://127.0.0.1:${port}/healthz`)).status, 200);
  t.equal((await fetch(`http://127.0.0.1:${port}/`)).status, 404);
  t.equal(await process.end('SIGTERM'), 0);
});

t.test('a warmer gives way as far as it is told to, with all its threads', async (t) => {
  const process = await spawnWarmer({ DATA_DIR: await folder(t), WARMER_NICE: '7' });
  t.teardown(() => process.end('SIGKILL'));
  const pid = process.child.pid ?? 0;
  t.equal(getPriority(pid), 7);
  if (platform() !== 'linux') return t.comment('only Linux has a priority per thread');
  const threads = await readdir(`/proc/${pid}/task`);
  t.ok(threads.length > 4, `${threads.length} threads`);
  for (const thread of threads) {
    const stat = await readFile(`/proc/${pid}/task/${thread}/stat`, 'utf8').catch(() => undefined);
    // The 19th field; the second is a name in brackets. A thread may have ended.
    if (stat) t.equal(stat.slice(stat.lastIndexOf(')')).split(' ')[17], '7', thread);
  }
});
