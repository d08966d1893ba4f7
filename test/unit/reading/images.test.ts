import t, { type Test } from 'tap';
import { ResultCache } from '../../../server/reading/result-cache.ts';
import { WriteBehind } from '../../../server/reading/write-behind.ts';
import { Deferred } from '../../../server/shared/deferred.ts';
import { corpus } from '../../support/corpus.ts';
import { removeFolder, temporaryFolder } from '../../support/folders.ts';
import { startServer, type TestServer } from '../../support/server.ts';
import { waitFor } from '../../support/wait.ts';

const VARIANT = { id: 'a', canonical: 'fmt=webp&w=64' };
const NEVER = new AbortController().signal;

/** A server that believes a version for a minute, with an image and, where asked for, its stored result. */
async function started(t: Test, { isStored }: { isStored: boolean }): Promise<TestServer> {
  const DATA_DIR = await temporaryFolder();
  t.teardown(() => removeFolder(DATA_DIR));
  const env = { DATA_DIR, VERSION_SECONDS: '60' };
  const first = await startServer(env);
  await first.put('a', await corpus('samples/ladybug.jpg'));
  if (isStored) await first.composed.images.find(VARIANT, NEVER);
  await first.close();
  const server = await startServer(env);
  t.teardown(() => server.close());
  return server;
}

const held = async (server: TestServer) =>
  Number(/^rendition_memory_results (\d+)/m.exec(await (await server.get('/metrics')).text())?.[1]);

t.test('a result whose original is overwritten while it is made stays nowhere', async (t) => {
  const server = await started(t, { isStored: false });
  const { originals, results } = server.stores;
  // Without links originals come by the call that every store has.
  Object.assign(originals, { link: undefined });
  const get = originals.get.bind(originals);
  const other = await corpus('samples/flower-macro.jpg');
  originals.get = async (...given) => {
    originals.get = get;
    const object = await get(...given);
    await server.put('a', other);
    return object;
  };
  t.equal((await server.composed.images.find(VARIANT, NEVER)).tier, 'miss');
  await server.composed.images.settle();
  t.equal(await held(server), 0, 'not in memory');
  t.equal(await results.head('img/a/fmt=webp&w=64'), undefined, 'nor in the bucket');
});

t.test('who joins a read goes on when the one who began it leaves', async (t) => {
  const server = await started(t, { isStored: true });
  const { images, core } = server.composed;
  const { results, originals } = server.stores;
  const get = results.get.bind(results);
  let reads = 0;
  results.get = async (key, signal) => {
    reads += 1;
    // The first, which the leaver began, never comes to its end.
    if (reads === 1) return new Promise((_resolve, reject) => signal?.addEventListener('abort', reject));
    return get(key, signal);
  };
  let fetched = 0;
  Object.assign(originals, { link: undefined });
  originals.get = async () => {
    fetched += 1;
    return undefined;
  };
  const leaver = new AbortController();
  const first = images.find(VARIANT, leaver.signal);
  await waitFor(() => core.originals.isSettled('a') && images.load.flights === 1);
  const second = images.find(VARIANT, NEVER);
  // The version is known: it joins the flight within this turn.
  await new Promise((resolve) => setImmediate(resolve));
  leaver.abort();
  await t.rejects(first, { name: 'AbortError' });
  t.match(await second, { tier: 'coalesced', result: { canonical: VARIANT.canonical } });
  t.equal(reads, 2);
  t.equal(fetched, 0, 'nothing was rendered');
});

/** Another picture under the version of the first: what a warmer with other settings makes. */
async function keepOther(server: TestServer): Promise<string> {
  const { images, core } = server.composed;
  const { version } = await core.originals.identify('a');
  const { result } = await images.find({ id: 'a', canonical: 'fmt=webp&w=65' }, NEVER);
  await core.results.keep({ ...result, ...VARIANT, version }, async () => true);
  return result.etag;
}

t.test('whoever finds what another one stored while it rendered answers with that', async (t) => {
  const server = await started(t, { isStored: false });
  const { images, core } = server.composed;
  await images.find({ id: 'a', canonical: 'fmt=webp&w=65' }, NEVER);
  const slots = core.admissions.render;
  const permit = await slots.acquire({ ms: 1, bytes: 2 ** 40 });
  const answer = images.find(VARIANT, NEVER);
  await waitFor(() => slots.load.waiting === 1);
  const other = await keepOther(server);
  permit.release();
  t.match(await answer, { tier: 'miss', result: { etag: other } });
  t.match(await images.find(VARIANT, NEVER), { tier: 'memory', result: { etag: other } });
});

t.test('what another one stored before us goes before ours in memory, for the hit path too', async (t) => {
  const server = await started(t, { isStored: false });
  const { results } = server.stores;
  const put = results.put.bind(results);
  let other = '';
  results.put = async (...given) => {
    results.put = put;
    other = await keepOther(server);
    return put(...given);
  };
  const url = '/img/a?w=64&fmt=webp';
  const etagOf = async () => (await server.get(url)).headers.get('etag');
  t.not(await etagOf(), '');
  await server.composed.images.settle();
  for (let lap = 0; lap < 3; lap++) t.equal(await etagOf(), `"${other}"`);
  t.match((await server.get(url)).headers.get('x-image-cache'), 'memory');
});

t.test('results that wait for a bucket that never answers are bounded', async (t) => {
  const server = await started(t, { isStored: false });
  const { results } = server.stores;
  const put = results.put.bind(results);
  const goOn = Promise.withResolvers<void>();
  results.put = (...given) => goOn.promise.then(() => put(...given));
  const { memory, deferred } = { memory: new ResultCache(1e9), deferred: new Deferred() };
  const { core } = server.composed;
  const writes = new WriteBehind({
    ...core,
    memory,
    deferred,
    onStoreFailure: () => undefined,
    remember: () => undefined,
  });
  const bytes = Buffer.alloc(20 * 2 ** 20);
  const { result } = await server.composed.images.find(VARIANT, NEVER);
  for (let w = 1; w <= 5; w++) writes.store({ ...result, canonical: `fmt=webp&w=${w}`, bytes });
  t.match(writes.load, { storing: 3, bytes: 3 * bytes.length, dropped: 2 });
  t.match(
    await (await server.get('/metrics')).text(),
    /^rendition_results_dropped_total 0$/m,
    'and are counted',
  );
  goOn.resolve();
  deferred.flush();
  await writes.settle();
});

t.test('a result comes from memory, from its bucket, or by one render, and says so', async (t) => {
  const server = await started(t, { isStored: true });
  const { images } = server.composed;
  const tierOf = async (canonical: string) => (await images.find({ id: 'a', canonical }, NEVER)).tier;
  t.equal(await tierOf('fmt=webp&w=64'), 'stored');
  t.equal(await tierOf('fmt=webp&w=64'), 'memory');
  const both = await Promise.all([tierOf('fmt=webp&w=32'), tierOf('fmt=webp&w=32')]);
  t.same(both.sort(), ['coalesced', 'miss']);
  t.match(await images.facts({ id: 'a', canonical: 'fmt=webp&w=32' }, NEVER), { tier: 'memory' });
  t.equal(
    await images.facts({ id: 'a', canonical: 'fmt=webp&w=16' }, NEVER),
    undefined,
    'is not made for its facts',
  );
  await t.rejects(images.find({ id: 'none', canonical: 'w=1' }, NEVER), { code: 'image_not_found' });
});
