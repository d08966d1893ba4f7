import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import sharp from 'sharp';
import t from 'tap';
import { publicVersion } from '../../server/http/image-headers.ts';
import { corpus } from '../support/corpus.ts';
import { storedKey } from '../support/results.ts';
import { bytesOf, problemOf, startServer, type TestServer } from '../support/server.ts';

const CHROME = 'image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8';
const SAFARI = 'image/webp,image/png,image/*;q=0.8,*/*;q=0.5';

let server: TestServer;
t.before(async () => {
  server = await startServer({ LOG_HITS: 'all' });
  for (const name of [
    'ladybug.jpg',
    'cat-trotting.gif',
    'transparency-demo.png',
    'drop-shadow.svg',
    'cmyk-small.jpg',
  ]) {
    await server.put(`samples/${name}`, await corpus(`samples/${name}`));
  }
});
t.teardown(() => server.close());

t.test('answers a first request with a render and the next ones from memory, byte for byte', async (t) => {
  const url = '/img/samples/ladybug.jpg?w=320&fmt=webp';
  const first = await server.get(url);
  const bytes = await bytesOf(first);
  const second = await server.get(url);
  const third = await server.get(url);
  t.equal(first.status, 200);
  t.equal(first.headers.get('x-image-cache'), 'miss');
  t.equal(second.headers.get('x-image-cache'), 'memory');
  t.equal(third.headers.get('x-image-cache'), 'memory', 'also by the hit path before the router');
  t.same(await bytesOf(second), bytes);
  t.same(await bytesOf(third), bytes);
  const { width, height, format } = await sharp(bytes).metadata();
  t.match({ width, height, format }, { width: 320, height: 240, format: 'webp' });
});

t.test('sends every header of the contract, the same by router and hit path', async (t) => {
  const url = '/img/samples/ladybug.jpg?w=200&fmt=jpeg';
  const [miss, hit] = [await server.get(url), await server.get(url)];
  await Promise.all([bytesOf(miss), bytesOf(hit)]);
  const expected: Record<string, string | RegExp> = {
    'content-type': 'image/jpeg',
    'content-length': /^\d+$/,
    etag: /^"[0-9a-f]{32}"$/,
    'last-modified': /GMT$/,
    'cache-control': 'public, max-age=3600, stale-while-revalidate=86400, stale-if-error=604800',
    'access-control-allow-origin': '*',
    'timing-allow-origin': '*',
    'cross-origin-resource-policy': 'cross-origin',
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; sandbox",
    'x-image-width': '200',
    'x-image-height': '150',
    'x-request-id': /^[\w-]+$/,
  };
  for (const [name, value] of Object.entries(expected)) {
    t.match(miss.headers.get(name), value, name);
    if (name !== 'x-request-id')
      t.equal(hit.headers.get(name), miss.headers.get(name), `${name} of the hit path`);
  }
  for (const stage of ['queue', 'fetch', 'decode', 'transform', 'encode']) {
    t.match(miss.headers.get('server-timing'), new RegExp(`${stage};dur=\\d`), stage);
  }
  t.equal(miss.headers.get('vary'), null, 'an explicit format does not vary');
});

t.test('gives two spellings of one picture one result', async (t) => {
  const spellings = [
    '?w=180&fmt=webp&q=60',
    '?quality=60&format=WEBP&width=90&dpr=2&utm_source=x',
    '/fmt=webp&q=60&w=180',
  ];
  const tags = [];
  for (const spelling of spellings)
    tags.push((await server.get(`/img/samples/ladybug.jpg${spelling}`)).headers.get('etag'));
  t.equal(new Set(tags).size, 1);
});

t.test('negotiates the format, honours q=0 and says that it varies', async (t) => {
  const cases: [accept: string, id: string, type: string][] = [
    [CHROME, 'ladybug.jpg', 'image/avif'],
    [CHROME, 'cat-trotting.gif', 'image/webp'],
    [SAFARI, 'ladybug.jpg', 'image/webp'],
    ['image/avif;q=0, image/webp', 'ladybug.jpg', 'image/webp'],
    ['image/*', 'ladybug.jpg', 'image/jpeg'],
    ['*/*', 'transparency-demo.png', 'image/png'],
    ['*/*', 'cat-trotting.gif', 'image/gif'],
    ['image/png', 'ladybug.jpg', 'image/png'],
    ['image/jpeg;q=0, */*', 'ladybug.jpg', 'image/png'],
    ['image/gif;q=0, */*', 'cat-trotting.gif', 'image/png'],
    ['image/png;q=0, */*', 'transparency-demo.png', 'image/jpeg'],
  ];
  for (const [accept, id, type] of cases) {
    for (const lap of ['router', 'lane']) {
      const answer = await server.get(`/img/samples/${id}?w=64`, { headers: { accept } });
      await bytesOf(answer);
      t.equal(answer.headers.get('content-type'), type, `${accept} → ${type} by the ${lap}`);
      t.equal(answer.headers.get('vary'), 'Accept');
    }
  }
});

t.test('keeps what moves moving, alpha see-through, and lays alpha on white for JPEG', async (t) => {
  const cat = await bytesOf(await server.get('/img/samples/cat-trotting.gif?w=100&fmt=webp'));
  t.equal((await sharp(cat, { animated: true }).metadata()).pages, 20);
  const clear = await bytesOf(await server.get('/img/samples/transparency-demo.png?w=50&fmt=png'));
  t.equal((await sharp(clear).stats()).isOpaque, false);
  const flat = await bytesOf(await server.get('/img/samples/transparency-demo.png?w=50&fmt=jpeg'));
  const corner = await sharp(flat).extract({ left: 0, top: 0, width: 1, height: 1 }).raw().toBuffer();
  // White as a JPEG has it, without trellis.
  t.ok(
    corner.every((band) => band >= 240),
    `the corner is white: ${[...corner]}`,
  );
});

t.test('draws an SVG at the size that is asked for, in a process of its own', async (t) => {
  const answer = await server.get('/img/samples/drop-shadow.svg?w=800&fmt=png');
  const { width, format } = await sharp(await bytesOf(answer)).metadata();
  t.match({ width, format }, { width: 800, format: 'png' });
});

t.test('answers 304 to a client that has it, without rendering', async (t) => {
  const url = '/img/samples/ladybug.jpg?w=210&fmt=webp';
  const first = await server.get(url);
  await bytesOf(first);
  const etag = first.headers.get('etag') ?? '';
  const modified = first.headers.get('last-modified') ?? '';
  for (const headers of [
    { 'if-none-match': etag },
    { 'if-none-match': `W/${etag}` },
    { 'if-none-match': `"other", ${etag}` },
    { 'if-none-match': '*' },
    { 'if-modified-since': modified },
  ]) {
    const answer = await server.get(url, { headers: headers as Record<string, string> });
    t.equal(answer.status, 304, JSON.stringify(headers));
    t.equal(answer.headers.get('etag'), etag);
    t.equal(answer.headers.get('content-length'), null);
  }
  const other = { 'if-none-match': '"other"', 'if-modified-since': modified };
  t.equal((await server.get(url, { headers: other })).status, 200, 'If-None-Match wins');
  const old = { 'if-modified-since': new Date(0).toUTCString() };
  t.equal((await server.get(url, { headers: old })).status, 200);
});

t.test('has the headers of GET for HEAD, and never renders for it', async (t) => {
  const url = '/img/samples/ladybug.jpg?w=220&fmt=webp';
  const cold = await server.get(url, { method: 'HEAD' });
  t.match(
    [cold.status, cold.headers.get('x-image-cache'), cold.headers.get('content-length')],
    [200, 'miss', null],
  );
  t.equal((await server.get('/img/samples/none.jpg?w=9', { method: 'HEAD' })).status, 404);
  const got = await server.get(url);
  t.equal(got.headers.get('x-image-cache'), 'miss', 'HEAD had rendered nothing');
  const length = (await bytesOf(got)).length;
  const warm = await server.get(url, { method: 'HEAD' });
  t.equal(warm.headers.get('content-length'), String(length));
  t.equal(warm.headers.get('etag'), got.headers.get('etag'));
  t.equal((await bytesOf(warm)).length, 0);
});

t.test('answers OPTIONS for every origin, and 405 with Allow for anything else', async (t) => {
  const options = await server.get('/img/samples/ladybug.jpg', { method: 'OPTIONS' });
  t.match([options.status, options.headers.get('access-control-allow-methods')], [204, 'GET, HEAD, OPTIONS']);
  const bodies: [type: string, body: string | Buffer][] = [
    ['application/x-www-form-urlencoded', 'a=b'],
    ['application/json', '{'],
    ['image/jpeg', await corpus('samples/ladybug.jpg')],
  ];
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND', 'QUERY']) {
    for (const [type, body] of bodies) {
      const headers = { 'content-type': type };
      const answer = await server.get('/img/samples/ladybug.jpg', { method, headers, body });
      t.match([answer.status, answer.headers.get('allow')], [405, 'GET, HEAD, OPTIONS'], `${method} ${type}`);
      t.equal(answer.headers.get('access-control-allow-origin'), '*');
      t.equal((await problemOf(answer))['code'], 'method_not_allowed');
    }
  }
  const trace = await raw('TRACE /img/samples/ladybug.jpg HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  t.match([trace.status, trace.headers.get('allow')], [405, 'GET, HEAD, OPTIONS'], 'TRACE');
});

/** What comes back for these very bytes. */
async function raw(request: string): Promise<Response> {
  const { hostname, port } = new URL(server.base);
  const socket = connect(Number(port), hostname);
  socket.write(request);
  const answer = await text(socket);
  const [head = '', body] = answer.split(/\r\n\r\n(.*)/s);
  const [first = '', ...lines] = head.split('\r\n');
  const headers = lines.map((line) => line.split(/: (.*)/, 2) as [string, string]);
  return new Response(body, { status: Number(first.split(' ')[1]), headers });
}

t.test('says what is wrong with a request that reaches no route, as a problem like any other', async (t) => {
  const get = (path: string, headers = '') =>
    raw(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${headers}\r\n`);
  const cases: [answer: Promise<Response>, status: number, code: string, cacheControl: string][] = [
    [get('/img/%zz'), 400, 'invalid_parameter', 'public, max-age=300'],
    [get('/img/samples/%E0%A4%A?w=9'), 400, 'invalid_parameter', 'public, max-age=300'],
    [get(`/img/a.jpg?v=${'x'.repeat(17_000)}`), 431, 'headers_too_large', 'no-store'],
    [get('/img/a.jpg', `Cookie: ${'x'.repeat(17_000)}\r\n`), 431, 'headers_too_large', 'no-store'],
    [get('/img/a.jpg', 'Bad Name: x\r\n'), 400, 'malformed_request', 'no-store'],
    [raw('hello\r\n\r\n'), 400, 'malformed_request', 'no-store'],
    [raw('GET /img/a.jpg HTTP/1.1\r\nConnection: close\r\n\r\n'), 400, 'malformed_request', 'no-store'],
  ];
  for (const [answering, status, code, cacheControl] of cases) {
    const answer = await answering;
    const problem = await problemOf(answer);
    t.match([answer.status, problem['code']], [status, code]);
    t.equal(answer.headers.get('cache-control'), cacheControl, code);
    t.match(answer.headers.get('x-request-id'), /^[\w.-]+$/, code);
    t.equal(problem['instance'], answer.headers.get('x-request-id'), code);
    t.equal(answer.headers.get('x-content-type-options'), 'nosniff', code);
    t.equal(answer.headers.get('access-control-allow-origin'), '*', code);
    const logged = server.lines.filter(({ requestId }) => requestId === problem['instance']);
    t.match(logged, [{ msg: 'request', status }], code);
  }
  const nothing = await server.get('/nothing');
  t.match([nothing.status, nothing.headers.get('cache-control')], [404, 'public, max-age=30']);
});

t.test('caches for ever only under the current version, and never past the end of a URL', async (t) => {
  const identity = await server.composed.core.originals.identify('samples/ladybug.jpg');
  const current = publicVersion(identity.version);
  const control = async (query: string) =>
    (await server.get(`/img/samples/ladybug.jpg?w=60&fmt=webp&${query}`)).headers.get('cache-control');
  t.equal(await control(`v=${current}`), 'public, max-age=31536000, immutable');
  t.notMatch(await control('v=old'), /immutable/);
  const soon = Math.floor(Date.now() / 1000) + 100;
  t.match(await control(`exp=${soon}`), /^public, max-age=(9\d|100)$/);
});

t.test('offers a download under a safe name', async (t) => {
  const disposition = async (dl: string) => {
    const answer = await server.get(`/img/samples/ladybug.jpg?w=60&fmt=webp&${dl}`);
    return answer.headers.get('content-disposition');
  };
  t.equal(await disposition('dl'), `attachment; filename="ladybug.webp"; filename*=UTF-8''ladybug.webp`);
  t.equal(
    await disposition('dl=K%C3%A4fer.webp'),
    `attachment; filename="K_fer.webp"; filename*=UTF-8''K%C3%A4fer.webp`,
  );
  const names: [written: string, sent: string][] = [
    ['photo.png', 'photo.webp'],
    ['photo.JPEG', 'photo.webp'],
    ['report.v2', 'report.v2.webp'],
    ['setup.exe', 'setup.exe.webp'],
    ['photo%E2%80%AEgpj.exe', 'photogpj.exe.webp'],
    ['%E2%81%A6a%E2%81%A9%E2%80%8F%D8%9Cb.webp', 'ab.webp'],
    ['%E2%80%AE', 'image.webp'],
    ['%E2%80%AE.png', 'image.webp'],
  ];
  for (const [written, sent] of names)
    t.equal(
      await disposition(`dl=${written}`),
      `attachment; filename="${sent}"; filename*=UTF-8''${sent}`,
      written,
    );
  t.equal((await server.get('/img/samples/ladybug.jpg?w=60&dl=..%2Fx')).status, 400);
});

t.test('gives placeholders as text', async (t) => {
  const text = async (kind: string) => (await server.get(`/img/samples/ladybug.jpg?ph=${kind}`)).text();
  t.match(await text('color'), /^#[0-9a-f]{6}$/);
  t.match(await text('lqip'), /^data:image\/webp;base64,/);
  t.match(await text('thumbhash'), /^[A-Za-z0-9+/]{20,40}=*$/);
  t.match(await text('blurhash'), /^.{20,}$/);
});

t.test('says what was wrong with a URL, and lets mistakes be cached for a while', async (t) => {
  const cases: [path: string, status: number, code: string, param?: string][] = [
    ['samples/ladybug.jpg?w=0', 400, 'invalid_parameter', 'w'],
    ['samples/ladybug.jpg?widht=9', 400, 'unknown_parameter', 'widht'],
    ['samples/ladybug.jpg?w=9&width=9', 400, 'duplicate_parameter', 'width'],
    ['samples/ladybug.jpg?lossless&q=9', 400, 'conflicting_parameters', 'lossless'],
    ['samples/ladybug.jpg?wm=nobody', 400, 'invalid_parameter', 'wm'],
    ['samples/ladybug.jpg?wm=constructor', 400, 'invalid_parameter', 'wm'],
    ['samples/ladybug.jpg?p=constructor', 400, 'invalid_parameter', 'p'],
    ['samples/ladybug.jpg?constructor=1', 400, 'unknown_parameter', 'constructor'],
    ['samples/ladybug.jpg?fit=constructor', 400, 'invalid_parameter', 'fit'],
    ['samples/ladybug.jpg?page=2', 400, 'invalid_parameter', 'page'],
    ['samples/ladybug.jpg?rect=9000,0,5,5', 422, 'no_overlap', 'rect'],
    ['samples/ladybug.jpg?meta=keep', 403, 'not_allowed', 'meta'],
    ['none.jpg?w=9', 404, 'image_not_found', 'id'],
    ['a%2F..%2Fb?w=9', 400, 'invalid_parameter', 'id'],
    ['a%5Cb?w=9', 400, 'invalid_parameter', 'id'],
    [`samples/ladybug.jpg?w=9&v=${'x'.repeat(1100)}`, 414, 'uri_too_long'],
  ];
  for (const [path, status, code, param] of cases) {
    const answer = await server.get(`/img/${path}`);
    const problem = await problemOf(answer);
    t.match({ status: answer.status, ...problem }, { status, code, ...(param ? { param } : {}) }, path);
    t.notMatch(answer.headers.get('cache-control'), /immutable/);
    t.equal(problem['instance'], answer.headers.get('x-request-id'));
    t.equal(answer.headers.get('access-control-allow-origin'), '*', 'a page of any origin can read why');
  }
});

t.test(
  'takes over a request id, and logs one line per request with canonical form, tier and timings',
  async (t) => {
    const answer = await server.get('/img/samples/ladybug.jpg?fmt=webp&w=90', {
      headers: { 'x-request-id': 'from-edge-1' },
    });
    await bytesOf(answer);
    t.equal(answer.headers.get('x-request-id'), 'from-edge-1');
    await server.get('/img/samples/ladybug.jpg?fmt=webp&w=90', {
      headers: { 'x-request-id': 'from-edge-2' },
    });
    const line = (id: string) =>
      server.lines.filter(({ requestId, msg }) => requestId === id && msg === 'request');
    t.equal(line('from-edge-1').length, 1);
    t.match(line('from-edge-1')[0], {
      canonical: 'fmt=webp&w=90',
      tier: 'miss',
      status: 200,
      timings: { encode: Number },
    });
    t.match(line('from-edge-2')[0], { canonical: 'fmt=webp&w=90', tier: 'memory', status: 200 });
  },
);

t.test('explains a variant without making it', async (t) => {
  const url = 'samples/ladybug.jpg?width=151&h=100&fit=crop&g=n&fmt=webp';
  const explained = (await (await server.get(`/api/explain/${url}`)).json()) as Record<string, unknown>;
  t.match(explained, {
    canonical: 'fit=cover&fmt=webp&g=n&h=100&w=151',
    key: storedKey('samples/ladybug.jpg', 'fit=cover&fmt=webp&g=n&h=100&w=151'),
    tier: 'miss',
    access: 'allowed',
    geometry: {
      upright: { width: 3264, height: 2448 },
      crop: { top: 0 },
      result: { width: 151, height: 100 },
    },
    cost: { cpuMs: Number, memoryBytes: Number },
  });
  const head = await server.get(`/img/${url}`, { method: 'HEAD' });
  t.equal(head.headers.get('x-image-cache'), 'miss');
});
