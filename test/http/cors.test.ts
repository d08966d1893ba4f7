import t from 'tap';
import { call, form, noise } from '../support/api.ts';
import { API_TOKENS, AUTHORIZED } from '../support/env.ts';
import { problemOf, startServer, type TestServer } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';

const PAGE = 'https://shop.example.com';
const OTHER = 'https://evil.example.com';

interface Presigned {
  id: string;
  url: string;
  fields: Record<string, string>;
  statusUrl: string;
}

let server: TestServer;
t.before(async () => {
  server = await startServer({ API_TOKENS, CORS_ORIGINS: `${PAGE},http://localhost:3000` });
});
t.teardown(() => server.close());

const preflight = (path: string, method: string, origin: string, headers = 'authorization,content-type') =>
  server.get(path, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': method,
      'access-control-request-headers': headers,
    },
  });

async function presign(): Promise<{ body: Presigned; file: Buffer }> {
  const file = await noise(60, 40);
  const announcement = { filename: 'a.jpg', contentType: 'image/jpeg', size: file.length };
  const { body } = await call<Presigned>(server, 'POST', '/api/images/presign', announcement, AUTHORIZED);
  return { body, file };
}

const CALLS: readonly (readonly [method: string, path: string])[] = [
  ['POST', '/api/images'],
  ['PUT', '/api/images/a%2Fb.jpg/original'],
  ['GET', '/api/images/a/b.jpg/status'],
  ['PATCH', '/api/images/a.jpg'],
  ['DELETE', '/api/images/a.jpg'],
  ['POST', '/api/images/presign'],
  ['POST', '/api/uploads/x'],
  ['POST', '/api/sign'],
  ['GET', '/api/explain/a.jpg'],
  ['GET', '/api/presets'],
];

t.test('a preflight is answered before any token, for the pages that are named', async (t) => {
  for (const [method, path] of CALLS) {
    const allowed = await preflight(path, method, PAGE);
    t.equal(allowed.status, 204, path);
    t.equal(allowed.headers.get('access-control-allow-origin'), PAGE, path);
    t.ok(
      allowed.headers.get('access-control-allow-methods')?.split(', ').includes(method),
      `${method} ${path}`,
    );
    t.match(allowed.headers.get('access-control-allow-headers'), /authorization/);
    t.match(allowed.headers.get('vary'), /Origin/i);
    const refused = await preflight(path, method, OTHER);
    t.equal(refused.headers.get('access-control-allow-origin'), null, `${path} from elsewhere`);
  }
  for (const headers of [{}, { origin: PAGE }, { 'access-control-request-method': 'POST' }]) {
    const stray = await server.get('/api/images', { method: 'OPTIONS', headers });
    t.equal(stray.status, 405, 'an OPTIONS that is no preflight');
  }
  t.equal((await server.get('/api/nothing', { headers: { origin: PAGE, ...AUTHORIZED } })).status, 404);
  t.equal((await server.get('/nothing', { method: 'DELETE' })).status, 404, 'no address has become one');
});

t.test('a page reads answers and refusals alike, and which headers they have', async (t) => {
  for (const [path, status] of [
    ['/api/images?limit=1', 200],
    ['/api/images/none.jpg', 404],
    ['/api/images?limit=0', 400],
  ] as const) {
    const answer = await server.get(path, { headers: { origin: PAGE, ...AUTHORIZED } });
    t.equal(answer.status, status, path);
    t.equal(answer.headers.get('access-control-allow-origin'), PAGE, path);
    t.match(answer.headers.get('access-control-expose-headers'), /Location.*Retry-After.*X-Request-Id/);
    t.equal(answer.headers.get('access-control-allow-credentials'), null, 'no cookies');
  }
  const unauthorized = await server.get('/api/images', { headers: { origin: 'http://localhost:3000' } });
  t.equal(unauthorized.status, 401);
  t.equal(unauthorized.headers.get('access-control-allow-origin'), 'http://localhost:3000');
  const foreign = await server.get('/api/images', { headers: { origin: OTHER, ...AUTHORIZED } });
  t.equal(foreign.headers.get('access-control-allow-origin'), null);
});

t.test('pictures are open to all pages, as ever, and say nothing of the origin', async (t) => {
  await server.put('a.jpg', await noise(40, 30));
  for (const path of ['/img/a.jpg?w=9', '/img/a.jpg?w=9', '/img/a.jpg?w=0', '/img/none.jpg']) {
    const answer = await server.get(path, { headers: { origin: OTHER } });
    t.equal(answer.headers.get('access-control-allow-origin'), '*', path);
    t.match(answer.headers.get('access-control-expose-headers'), /ETag.*Server-Timing.*X-Image-Cache/);
    t.notMatch(answer.headers.get('vary') ?? '', /origin/i, 'one copy for all pages in a cache');
  }
});

t.test('a presigned upload and its status need no token', async (t) => {
  const { body, file } = await presign();
  t.equal((await preflight(new URL(body.url).pathname, 'POST', PAGE)).status, 204);
  const posted = await fetch(body.url, {
    method: 'POST',
    headers: { origin: PAGE },
    body: form([...Object.entries(body.fields), ['file', file]]),
  });
  t.equal(posted.status, 204);
  t.equal(posted.headers.get('access-control-allow-origin'), PAGE);
  const headers = { origin: PAGE };
  const status = await fetch(`${body.statusUrl}&wait=0`, { headers });
  t.equal(status.status, 200);
  t.equal(status.headers.get('access-control-allow-origin'), PAGE);
  t.match(await status.json(), { id: body.id });
  const stream = await fetch(body.statusUrl, { headers: { ...headers, accept: 'text/event-stream' } });
  t.equal(stream.status, 200);
  t.equal(stream.headers.get('access-control-allow-origin'), PAGE);
  await stream.body?.cancel();
});

t.test('the key of a status opens this status and nothing else', async (t) => {
  const { body } = await presign();
  const other = (await presign()).body;
  const key = new URL(body.statusUrl).searchParams.get('key') ?? '';
  const [ends = '', proof = ''] = key.split('.');
  t.ok(Number(ends) > Date.now() / 1000 + 3600, 'as long as the form, and then some');
  const path = `/api/images/${body.id}`;
  const refused = [
    ...[
      `${path}?key=${key}`,
      `/api/images/${other.id}/status?key=${key}`,
      `${path}/status?key=`,
      `${path}/status`,
    ],
    ...[`/api/images?key=${key}`, `/api/images/none/status?key=${key}`, `${path}/status?key=${key}.x`],
    ...[`${path}/status?key=${Number(ends) + 1}.${proof}`, `${path}/status?key=${ends}.${proof.slice(1)}`],
  ];
  for (const url of refused) t.match([(await server.get(url)).status, url], [401, url]);
  for (const method of ['DELETE', 'PATCH'])
    t.equal((await call(server, method, `${path}?key=${key}`, { title: 'x' })).status, 401, method);
  t.equal((await call(server, 'POST', `${path}/variants?key=${key}`, { variants: ['w=1'] })).status, 401);
  t.equal((await server.get(`${path}/status?key=${key}`)).status, 200);
  // Generated clients send what they have by every way that the document names.
  const both = await server.get(`${path}/status?key=x`, { headers: AUTHORIZED });
  t.equal(both.status, 200, 'a token goes before a key');
  const wrong = await server.get(`${path}/status?key=${key}`, { headers: { authorization: 'Bearer no' } });
  t.equal(wrong.status, 401, 'so does a wrong one');
  await call(server, 'DELETE', path, undefined, AUTHORIZED);
  t.equal((await server.get(`${path}/status?key=${key}`)).status, 401, 'gone with its image');
  t.equal((await server.get(`/api/images/%/status?key=${key}`)).status, 400);
  const unreadable = () => server.lines.some(({ url }) => String(url).startsWith('/api/images/%/status?'));
  await waitFor(unreadable);
  await waitFor(() => server.lines.some(({ url }) => String(url).includes('key=***')));
  t.notOk(
    server.lines.some(({ url }) => String(url).includes(proof)),
    'no key is in the log',
  );
});

t.test('without CORS_ORIGINS nothing of it is there', async (t) => {
  const plain = await startServer({ API_TOKENS });
  t.teardown(() => plain.close());
  const answer = await plain.get('/api/presets', { headers: { origin: PAGE, ...AUTHORIZED } });
  t.equal(answer.headers.get('access-control-allow-origin'), null);
  const options = await plain.get('/api/images', {
    method: 'OPTIONS',
    headers: { origin: PAGE, 'access-control-request-method': 'POST' },
  });
  t.equal(options.status, 405);
  t.match(await problemOf(options), { code: 'method_not_allowed' });
});
