import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { corpus } from '../support/corpus.ts';
import { type StorageEmulator, startStorage, useKeys } from '../support/emulators.ts';
import { removeFolder, temporaryFolder } from '../support/folders.ts';
import { bytesOf, startServer, type TestServer } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';
import { type Fault, startWire, type Wire } from '../support/wire.ts';

const URL = '/img/a.jpg?w=64&fmt=webp';
const EVERYTHING = () => true;

useKeys();

let storage: StorageEmulator;
t.before(async () => {
  storage = await startStorage();
});
t.teardown(() => storage.stop());

/** A server whose buckets are at the other end of a wire, with one original. */
async function wired(
  t: Test,
  env: Record<string, string> = {},
): Promise<{ server: TestServer; wire: Wire; tierOf: () => Promise<string | null> }> {
  const wire = await startWire(storage.endpoint);
  const server = await startServer({
    ORIGINALS_BUCKET: storage.originals,
    RESULTS_BUCKET: storage.results,
    S3_ENDPOINT: wire.endpoint,
    LOOKUP_MS: '100',
    DEADLINE_MS: '20000',
    ...env,
  });
  t.teardown(async () => {
    await wire.stop();
    await server.close();
  });
  await server.put('a.jpg', await corpus('samples/ladybug.jpg'));
  // A first look-up that took over a second would be given up for the original alone, of which nothing is kept.
  await server.composed.core.originals.lookUp('a.jpg');
  const tierOf = async () => {
    const answer = await server.get(URL);
    await bytesOf(answer);
    return answer.status === 200 ? answer.headers.get('x-image-cache') : String(answer.status);
  };
  return { server, wire, tierOf };
}

for (const kind of ['stall', 'reset', 'fail'] satisfies Fault[]) {
  t.test(`memory hits go on while the buckets ${kind}, and say so`, async (t) => {
    const { server, wire, tierOf } = await wired(t);
    const first = await bytesOf(await server.get(URL));
    await server.composed.images.settle();
    await waitFor(async () => (await tierOf()) === 'memory');
    wire.fault = { kind, hits: EVERYTHING };
    for (let lap = 0; lap < 20; lap++) {
      const answer = await server.get(URL);
      t.match([answer.status, answer.headers.get('x-image-cache')], [200, 'stale']);
      t.same(await bytesOf(answer), first);
    }
    t.ok(server.composed.core.originals.isAway, 'nobody waits any more');
    const metrics = await (await server.get('/metrics')).text();
    t.match(metrics, /rendition_requests_total\{tier="stale",status="200"\} [2-9]\d\n/);
    t.match(metrics, /rendition_versions_unawaited 1\n/);
    t.match(metrics, /rendition_store_up\{store="originals"\} 0\n/);
    const ready = await server.get('/readyz');
    t.equal(ready.status, 200, 'another server would have no memory and no store either');
    t.match(await ready.json(), { status: 'ok', stores: { originals: 'failed', records: 'ok' } });
    wire.fault = undefined;
    await waitFor(async () => (await tierOf()) === 'memory');
    await waitFor(async () =>
      /rendition_store_up\{store="originals"\} 1\n/.test(await (await server.get('/metrics')).text()),
    );
  });
}

t.test('the last known version stands in for OUTAGE_SECONDS and no longer', async (t) => {
  const { server, wire, tierOf } = await wired(t, { OUTAGE_SECONDS: '1' });
  await bytesOf(await server.get(URL));
  wire.fault = { kind: 'fail', hits: EVERYTHING };
  await waitFor(async () => (await tierOf()) === '503');
});

t.test('a purge of this process counts, whatever the stores say afterwards', async (t) => {
  const { server, wire, tierOf } = await wired(t);
  await bytesOf(await server.get(URL));
  wire.fault = { kind: 'fail', hits: EVERYTHING };
  t.equal(await tierOf(), 'stale');
  await server.composed.core.originals.refresh('a.jpg').catch(() => undefined);
  t.equal(await tierOf(), '503');
});

for (const kind of ['stall', 'reset', 'fail'] satisfies Fault[]) {
  t.test(`a results bucket that is away (${kind}) holds nobody who can be rendered for`, async (t) => {
    const { server, wire } = await wired(t, { VERSION_SECONDS: '60' });
    wire.fault = { kind, hits: (_method, url) => url.startsWith(`/${storage.results}/`) };
    for (const w of [71, 72, 73, 74, 75]) {
      const answer = await server.get(`/img/a.jpg?w=${w}&fmt=webp`);
      t.match([answer.status, answer.headers.get('x-image-cache')], [200, 'miss'], `w=${w}`);
      await bytesOf(answer);
    }
    if (kind === 'stall') t.ok(wire.stalled > 0, 'the bucket has not answered yet');
    t.ok(server.composed.images.isBucketAway);
  });
}

t.test('a slow bucket is waited for where nothing can be rendered', async (t) => {
  const { server, wire } = await wired(t, { RENDER_SLOTS: '1', QUEUE_MS: '0' });
  const stored = await bytesOf(await server.get(URL));
  await server.composed.images.settle();
  const cold = await startServer({
    ORIGINALS_BUCKET: storage.originals,
    RESULTS_BUCKET: storage.results,
    S3_ENDPOINT: wire.endpoint,
    LOOKUP_MS: '1',
    RENDER_SLOTS: '1',
    QUEUE_MS: '0',
    VERSION_SECONDS: '60',
  });
  t.teardown(() => cold.close());
  // The version is known: only the result is late here (red in CI, where the look-up of both took over 10 ms).
  await cold.composed.core.originals.lookUp('a.jpg');
  const taken = await cold.composed.core.admissions.render.acquire({ ms: 60_000, bytes: 1 });
  const answer = await cold.get(URL);
  t.match([answer.status, answer.headers.get('x-image-cache')], [200, 'stored']);
  t.same(await bytesOf(answer), stored);
  taken.release();
});

for (const kind of ['flip', 'short', 'cut'] satisfies Fault[]) {
  t.test(`a stored result that comes otherwise than it was written (${kind}) is made anew`, async (t) => {
    const { server, wire } = await wired(t);
    const url = `/img/a.jpg?w=91&fmt=png`;
    const made = await bytesOf(await server.get(url));
    await server.composed.images.settle();
    const cold = await startServer({
      ORIGINALS_BUCKET: storage.originals,
      RESULTS_BUCKET: storage.results,
      S3_ENDPOINT: wire.endpoint,
    });
    t.teardown(() => cold.close());
    const isRead = (method: string, path: string) =>
      method === 'GET' && path.startsWith(`/${storage.results}/`) && path.includes('91');
    wire.fault = { kind, hits: isRead };
    const harmed = wire.harmed;
    const answer = await cold.get(url);
    t.match([answer.status, answer.headers.get('x-image-cache')], [200, 'miss']);
    t.same(await bytesOf(answer), made);
    t.ok(wire.harmed > harmed);
    wire.fault = undefined;
    await cold.composed.images.settle();
    const stored = await server.composed.core.originals.identify('a.jpg');
    const again = await cold.composed.core.results.get('a.jpg', 'fmt=png&w=91', stored.version);
    t.same(again?.bytes, made, 'and is there again');
  });
}

t.test('a stored result that was damaged on the disk is thrown away and made anew', async (t) => {
  const DATA_DIR = await temporaryFolder();
  t.teardown(() => removeFolder(DATA_DIR));
  const first = await startServer({ DATA_DIR });
  await first.put('a.jpg', await corpus('samples/ladybug.jpg'));
  const made = await bytesOf(await first.get(URL));
  await first.composed.images.settle();
  await first.close();
  const folder = join(DATA_DIR, 'results');
  const names = await readdir(folder, { recursive: true });
  const file = join(folder, names.find((name) => name.includes('w=64')) ?? '');
  const stored = await readFile(file);
  for (const position of [0, 300, made.length - 1]) {
    const damaged = Buffer.from(stored);
    damaged.writeUInt8(damaged.readUInt8(position) ^ 1, position);
    await writeFile(file, damaged);
    const server = await startServer({ DATA_DIR });
    const answer = await server.get(URL);
    t.match([answer.status, answer.headers.get('x-image-cache')], [200, 'miss'], `byte ${position}`);
    t.same(await bytesOf(answer), made);
    const metrics = await (await server.get('/metrics')).text();
    t.match(metrics, /rendition_results_damaged_total 1\n/);
    t.ok(server.lines.some(({ err }) => JSON.stringify(err ?? '').includes('not what was written')));
    await server.composed.images.settle();
    await server.close();
    t.same((await readFile(file)).subarray(0, made.length), made, 'and is there again');
  }
});
