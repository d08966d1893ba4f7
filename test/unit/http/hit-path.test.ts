import { readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { resolved } from '../../../server/core/operations/transformation.ts';
import { negotiate } from '../../../server/core/query/accept.ts';
import { resultKey } from '../../../server/core/query/id.ts';
import { HitPath, type HitPathOptions } from '../../../server/http/hit-path.ts';
import { ResultCache } from '../../../server/reading/result-cache.ts';
import { ECHO } from '../../../server/telemetry/tracing.ts';
import { corpus } from '../../support/corpus.ts';
import { removeFolder, temporaryFolder } from '../../support/folders.ts';
import { addressOf } from '../../support/ports.ts';
import { bytesOf, startServer } from '../../support/server.ts';

const NEVER = new AbortController().signal;
const WEBP = 'fmt=webp&w=64';
/** Of a picture for whoever takes AVIF. */
const AVIF = resolved('w=64', negotiate('image/avif'));

/** The hit path before a router that knows nothing, with a WebP and an AVIF of one image in memory. */
async function listening(t: Test) {
  const folder = await temporaryFolder();
  const server = await startServer({ VERSION_SECONDS: '60', DATA_DIR: folder });
  t.teardown(async () => {
    await server.close();
    await removeFolder(folder);
  });
  await server.put('a', await corpus('samples/ladybug.jpg'));
  const { images, core } = server.composed;
  const memory = new ResultCache(1_000_000);
  const hits: Parameters<HitPathOptions['onHit']>[0][] = [];
  for (const canonical of [WEBP, AVIF]) {
    const { result } = await images.find({ id: 'a', canonical }, NEVER);
    memory.set(resultKey('a', canonical), result);
  }
  await images.settle();
  const hitPath = new HitPath({
    tracing: ECHO,
    uses: { add: () => undefined },
    memory,
    inputs: core.inputs,
    now: () => 0,
    stored: (variant, identity) => images.findAtOnce(variant, identity),
    settings: { maxAgeSeconds: 60, staleSeconds: 0 },
    requestId: () => 'request',
    onHit: (hit) => hits.push(hit),
  });
  const http = createServer((request, response) => {
    if (!hitPath.answer(request, response)) response.writeHead(404).end();
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => http.once('listening', resolve));
  t.teardown(() => http.close().closeAllConnections());
  const base = `http://127.0.0.1:${addressOf(http).port}`;
  const get = (path: string, init?: RequestInit) => fetch(base + path, init);
  const fileOf = (canonical: string) =>
    join(folder, 'results', ...`${images.keyOf({ id: 'a', canonical })}`.replaceAll('/', '+/').split('/'));
  return { server, memory, hitPath, hits, get, fileOf };
}

const meaning = (more: object = {}) => ({ id: 'a', canonical: WEBP, negotiable: false, url: {}, ...more });

t.test('answers what the router has answered once, from memory', async (t) => {
  const { hitPath, hits, get, memory } = await listening(t);
  t.equal((await get('/img/a?w=64&fmt=webp')).status, 404, 'nothing has been learnt');
  hitPath.learn('/img/a?w=64&fmt=webp', meaning());
  const answer = await get('/img/a?w=64&fmt=webp');
  t.match([answer.status, answer.headers.get('x-image-cache')], [200, 'memory']);
  t.equal(answer.headers.get('x-request-id'), 'request');
  t.same(await bytesOf(answer), memory.get(resultKey('a', WEBP), hits[0]?.result.version ?? '')?.bytes);
  const headers = { 'if-none-match': answer.headers.get('etag') ?? '' };
  const unchanged = await get('/img/a?w=64&fmt=webp', { headers });
  t.match([unchanged.status, unchanged.headers.get('content-length')], [304, null]);
  t.match(hits, [{ status: 200, requestId: 'request' }, { status: 304 }]);
  t.equal((await get('/img/a?w=64&fmt=webp', { method: 'HEAD' })).status, 404, 'GET alone');
});

t.test('a URL that ends one day, or is very long, is left to the router each time', async (t) => {
  const { hitPath, get } = await listening(t);
  const ends = '/img/a?w=64&fmt=webp&exp=1';
  hitPath.learn(ends, meaning({ url: { exp: '1' } }));
  t.equal((await get(ends)).status, 404);
  const path = `/img/a?w=64&fmt=webp&utm_x=${'x'.repeat(600)}`;
  hitPath.learn(path, meaning());
  t.equal((await get(path)).status, 404);
});

t.test('negotiates each request of its own', async (t) => {
  const { hitPath, hits, get } = await listening(t);
  hitPath.learn('/img/a?w=64', meaning({ canonical: 'w=64', negotiable: true }));
  for (const accept of ['image/avif', 'image/webp', 'image/avif']) {
    const answer = await get('/img/a?w=64', { headers: { accept } });
    t.equal(answer.status, 200, accept);
    t.match(answer.headers.get('vary'), /accept/i);
    const canonical = accept === 'image/avif' ? AVIF : WEBP;
    t.equal(hits.at(-1)?.result.canonical, canonical);
  }
  t.equal((await get('/img/a?w=64', { headers: { accept: 'image/png' } })).status, 404, 'not made yet');
});

t.test('leaves what is of another version, or of one that is not known, to the router', async (t) => {
  const { hitPath, get, server } = await listening(t);
  const { originals } = server.composed.core;
  hitPath.learn('/img/a?w=64&fmt=webp', meaning());
  await server.put('a', await corpus('samples/flower-macro.jpg'));
  t.equal((await get('/img/a?w=64&fmt=webp')).status, 200, 'believed for its time');
  await originals.refresh('a');
  t.equal((await get('/img/a?w=64&fmt=webp')).status, 404);
});

t.test('answers what is stored alone, by its bytes as they were written or not at all', async (t) => {
  const { hitPath, get, memory, hits, fileOf } = await listening(t);
  hitPath.learn('/img/a?w=64&fmt=webp', meaning());
  const first = await bytesOf(await get('/img/a?w=64&fmt=webp'));
  memory.forget('img/a/');
  const answer = await get('/img/a?w=64&fmt=webp');
  t.match([answer.status, answer.headers.get('x-image-cache'), hits.at(-1)?.tier], [200, 'stored', 'stored']);
  t.same(await bytesOf(answer), first);
  const file = fileOf(WEBP);
  const whole = await readFile(file);
  for (let position = 0; position < whole.length; position += 97) {
    const flipped = Buffer.from(whole);
    flipped[position] = (flipped[position] ?? 0) ^ 0x10;
    await writeFile(file, flipped);
    const { status } = await get('/img/a?w=64&fmt=webp');
    if (position < first.length) t.equal(status, 404, `byte ${position} flipped`);
  }
  await rm(file);
  t.equal((await get('/img/a?w=64&fmt=webp')).status, 404);
  t.equal(memory.has(resultKey('a', WEBP)), false);
});
