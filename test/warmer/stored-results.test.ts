import { randomBytes } from 'node:crypto';
import { stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { Uses } from '../../server/reading/uses.ts';
import { evict } from '../../server/stores/files/evict.ts';
import { FileObjects } from '../../server/stores/files/objects.ts';
import { call, noise } from '../support/api.ts';
import { corpus } from '../support/corpus.ts';
import { temporaryFolder } from '../support/folders.ts';
import { alwaysAsync } from '../support/property.ts';
import { storedKey } from '../support/results.ts';
import { bytesOf, startServer } from '../support/server.ts';
import { createWarmer } from '../support/warmer.ts';

const HOUR = 3600;
const NOW = Date.parse('2026-11-29T12:00:00Z');
const png = { contentType: 'image/png' };
const round = (maxBytes: number) => ({
  maxBytes,
  isStopping: () => false,
  removing: (_keys: readonly string[], remove: () => Promise<void>) => remove(),
  now: () => NOW,
});
const keysOf = async (store: FileObjects) => {
  const keys: string[] = [];
  for await (const key of store.keys('')) keys.push(key);
  return keys.sort();
};
const blocks = async (store: FileObjects, key: string) =>
  Math.ceil((await stat(store.fileOf(key))).size / 4096) * 4096;

t.test('what was used least recently goes, and no more than it takes', async (t) => {
  const object = fc.record({
    hoursAgo: fc.integer({ min: 0, max: 12 }),
    bytes: fc.integer({ min: 1, max: 20_000 }),
  });
  const share = fc.integer({ min: 0, max: 120 });
  await alwaysAsync(
    t,
    fc.asyncProperty(fc.array(object, { minLength: 1, maxLength: 12 }), share, async (objects, percent) => {
      const store = await FileObjects.open(await temporaryFolder(), { isCache: true });
      const hours = new Map<string, number>();
      const bytes = new Map<string, number>();
      for (const [index, { hoursAgo, bytes: size }] of objects.entries()) {
        const key = `img/${index % 3}/${index}`;
        await store.put(key, randomBytes(size), png);
        const used = NOW / 1000 - hoursAgo * HOUR - 60;
        await utimes(store.fileOf(key), used, NOW / 1000);
        hours.set(key, hoursAgo);
        bytes.set(key, await blocks(store, key));
      }
      const total = [...bytes.values()].reduce((sum, size) => sum + size, 0);
      const maxBytes = Math.floor((total * percent) / 100);
      const evicted = await evict(store, round(maxBytes));
      const kept = await keysOf(store);
      const gone = [...hours.keys()].filter((key) => !kept.includes(key));
      const rest = kept.reduce((sum, key) => sum + (bytes.get(key) ?? 0), 0);
      const isInOrder = gone.every((key) =>
        kept.every((other) => (hours.get(key) ?? 0) >= (hours.get(other) ?? 0)),
      );
      const largest = Math.max(...bytes.values());
      const isEnough = rest <= maxBytes && (total <= maxBytes ? gone.length === 0 : true);
      const isNoMore = gone.length === 0 || rest + largest > maxBytes * 0.9;
      return evicted.bytes === rest && evicted.removed === gone.length && isInOrder && isEnough && isNoMore;
    }),
    { numRuns: 40 },
  );
});

t.test('a clock that was ahead makes nothing outlive what is used now', async (t) => {
  const store = await FileObjects.open(await temporaryFolder(), { isCache: true });
  for (const key of ['ahead', 'now', 'old']) await store.put(key, randomBytes(3000), png);
  const seconds = NOW / 1000;
  await utimes(store.fileOf('ahead'), seconds + 1000 * HOUR, seconds);
  await utimes(store.fileOf('now'), seconds, seconds);
  await utimes(store.fileOf('old'), seconds - 5 * HOUR, seconds);
  t.match(await evict(store, round(10_000)), { removed: 1 });
  t.same(await keysOf(store), ['ahead', 'now']);
  t.match(await evict(store, { ...round(1), isStopping: () => true }), { removed: 0 });
});

t.test('hits note the use of a result by the hour, and touch no file themselves', async (t) => {
  const folder = await temporaryFolder();
  const server = await startServer({ DATA_DIR: folder, VERSION_SECONDS: '60' });
  t.teardown(() => server.close());
  await server.put('a.jpg', await corpus('samples/ladybug.jpg'));
  const url = '/img/a.jpg?w=64&fmt=webp';
  await bytesOf(await server.get(url));
  await server.composed.images.settle();
  const store = await FileObjects.open(join(folder, 'results'), { isCache: true });
  const [key = ''] = await keysOf(store);
  const long = NOW / 1000 - 100 * HOUR;
  const age = () => utimes(store.fileOf(key), long, long);
  const used = async () => (await stat(store.fileOf(key))).atimeMs / 1000;
  await age();
  for (let lap = 0; lap < 50; lap++) {
    const answer = await server.get(url);
    t.equal(answer.headers.get('x-image-cache'), 'memory');
    await bytesOf(answer);
  }
  t.equal(await used(), long, 'hits from memory touch nothing');
  await server.composed.uses.flush();
  t.ok((await used()) > Date.now() / 1000 - HOUR, 'they are told of later');
  t.equal((await stat(store.fileOf(key))).mtimeMs / 1000, long, 'as a use, not as a change');
  await age();
  await bytesOf(await server.get(url));
  await server.composed.uses.flush();
  t.equal(await used(), long, 'once an hour');
});

/** A server with one result in memory and on its disk, whose last use was told of more than an hour ago. */
async function withOldResult(t: Test, query: string) {
  let aheadMs = 0;
  const now = performance.now.bind(performance);
  t.intercept(performance, 'now', { value: () => now() + aheadMs });
  const DATA_DIR = await temporaryFolder();
  const server = await startServer({ DATA_DIR, VERSION_SECONDS: '60' });
  t.teardown(() => server.close());
  await server.put('a.jpg', await corpus('samples/ladybug.jpg'));
  const url = `/img/a.jpg?${query}`;
  const answer = await server.get(url);
  await bytesOf(answer);
  await server.composed.images.settle();
  const store = await FileObjects.open(join(DATA_DIR, 'results'), { isCache: true });
  const [key = '', ...others] = await keysOf(store);
  t.same(others, []);
  const hoursAgo = async () => {
    await server.composed.uses.flush();
    return (Date.now() - (await stat(store.fileOf(key))).atimeMs) / 1000 / HOUR;
  };
  t.ok((await hoursAgo()) < 1);
  const age = async () => {
    aheadMs += 2 * HOUR * 1000;
    const long = Date.now() / 1000 - 100 * HOUR;
    await utimes(store.fileOf(key), long, long);
  };
  await age();
  return { server, url, age, hoursAgo, headers: { 'if-none-match': answer.headers.get('etag') ?? '' } };
}

t.test('a picture of which somebody only asks whether it has changed is in use', async (t) => {
  const { server, url, hoursAgo, headers } = await withOldResult(t, 'w=64&fmt=webp');
  const dry = await server.get(url.replace('/img/', '/api/explain/'));
  t.match(await dry.json(), { tier: 'memory' });
  t.ok((await hoursAgo()) > 99, 'a dry run is no use');
  // The hit path leaves to the router what ends one day.
  const unchanged = await server.get(`${url}&exp=9999999999`, { headers });
  t.match([unchanged.status, unchanged.headers.get('x-image-cache')], [304, 'memory']);
  t.ok((await hoursAgo()) < 1);
});

t.test('a picture that is stored under a plainer form keeps the file of that form in use', async (t) => {
  const { server, url, age, hoursAgo, headers } = await withOldResult(t, 'w=6000&fmt=webp');
  const kinds = [
    ['by the hit path', url, {}],
    ['unchanged, by the hit path', url, { headers }],
    ['by the router', `${url}&exp=9999999999`, {}],
    ['unchanged, by the router', `${url}&exp=9999999999`, { headers }],
  ] as const;
  for (const [kind, asked, init] of kinds) {
    await age();
    const answer = await server.get(asked, init);
    await bytesOf(answer);
    t.equal(answer.headers.get('x-image-cache'), 'memory', kind);
    t.ok((await hoursAgo()) < 1, kind);
  }
});

t.test('each result is told of once an hour, and one that cannot be is no error of a hit', async (t) => {
  let nowMs = 0;
  const told: string[][] = [];
  const failures: unknown[] = [];
  const markUsed = async (variants: readonly { id: string }[]) => {
    told.push(variants.map(({ id }) => id));
    if (nowMs > 8e6) throw new Error('away');
  };
  const uses = new Uses({
    results: { markUsed },
    now: () => nowMs,
    onFailure: (error) => failures.push(error),
  });
  const serve = (id: string) => uses.add(id, { id, canonical: 'w=1' });
  for (const minutes of [0, 30, 61, 150]) {
    nowMs = minutes * 60_000;
    for (const id of ['a', 'a', ...(minutes === 30 ? ['b'] : [])]) serve(id);
    await uses.flush();
  }
  t.same(told, [['a'], ['b'], ['a'], ['a']]);
  t.match(failures, [{ message: 'away' }]);
});

t.test('a warmer keeps results below RESULTS_BYTES, and says how much they take', async (t) => {
  const folder = await temporaryFolder();
  const warmer = await createWarmer({ DATA_DIR: folder, RESULTS_BYTES: '40k' });
  t.teardown(() => warmer.close());
  const { results } = warmer.stores;
  for (let n = 0; n < 8; n++) {
    const key = `img/a/${n}`;
    await results.put(key, randomBytes(7000), png);
    const used = Date.now() / 1000 - (n + 1) * HOUR;
    await utimes(
      (await FileObjects.open(join(folder, 'results'), { isCache: true })).fileOf(key),
      used,
      used,
    );
  }
  await warmer.rounds.run();
  const { items } = await results.list({ prefix: '', limit: 10 });
  t.same(
    items.map(({ key }) => key),
    ['img/a/0', 'img/a/1', 'img/a/2', 'img/a/3'],
  );
  t.match(await warmer.metrics.text(), /rendition_results_stored_bytes 32768\n/);
  t.match(await warmer.metrics.text(), /rendition_results_evicted_total 4\n/);
  await warmer.rounds.run();
  t.equal((await results.list({ prefix: '', limit: 10 })).items.length, 4);
});

t.test('a variant whose result had to make room says so, and is made again for whoever asks', async (t) => {
  const before = await createWarmer();
  const DATA_DIR = before.config.dataDir;
  const warmer = await createWarmer({ DATA_DIR, RESULTS_BYTES: '10k' });
  const after = await createWarmer({ DATA_DIR });
  const server = await startServer({ DATA_DIR });
  t.teardown(async () => {
    await server.close();
    await after.close();
    await warmer.close();
    await before.close();
  });
  const forms = [20, 30, 40].map((width) => `fmt=png&w=${width}`);
  await before.ask('a', await noise(60, 40, 7), forms);
  const statuses = async () => (await before.variants('a')).map(({ status }) => status);
  await before.until(async () => (await statuses()).every((status) => status === 'ready'));
  await warmer.rounds.run();
  const seen = await statuses();
  t.ok(seen.includes('expired'));
  const lying = async (form: string) =>
    (await before.stores.results.head(storedKey('a', form))) !== undefined;
  const isThere = await Promise.all(forms.map(lying));
  t.same(
    seen.map((status) => status === 'ready'),
    isThere,
    'what is ready lies there',
  );
  const { body } = await call<{ variants: { status: string; error?: string }[] }>(
    server,
    'GET',
    '/api/images/a/status',
  );
  const [gone] = body.variants.filter(({ status }) => status === 'expired');
  t.match(gone, { error: /make room/ });
  await warmer.rounds.run();
  t.same(await statuses(), seen, 'by itself nobody makes it again, for it would take the room of others');
  t.equal((await call(server, 'POST', '/api/images/a/variants', { variants: forms })).status, 202);
  await after.until(async () => (await statuses()).every((status) => status === 'ready'));
  for (const form of forms) t.equal(await lying(form), true, form);
});
