import { utimes, writeFile } from 'node:fs/promises';
import { METHODS } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { readHttpDate } from '../../server/shared/http-date.ts';
import { call, form, noise } from '../support/api.ts';
import { removeFolder, temporaryFolder } from '../support/folders.ts';
import { startServer, type TestServer } from '../support/server.ts';

const server = await startServer({ API_TOKENS: '' });
t.teardown(() => server.close());
await server.put('写/photo (1).jpg', await noise(60, 40));
const URL_OF_PICTURE = `/img/${encodeURIComponent('写')}/photo%20(1).jpg?w=8&fmt=png`;

/** Status, headers and body of what is sent as it stands. */
async function raw({ base }: TestServer, target: string, headers: readonly string[]) {
  const socket = connect(Number(new URL(base).port), '127.0.0.1');
  socket.write(Buffer.from(`GET ${target} HTTP/1.1\r\n${headers.join('\r\n')}\r\nConnection: close\r\n\r\n`));
  const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n');
  return { status: Number(head.split(' ')[1]), head, body };
}

t.test('a target may be absolute, and its host wins over the header (RFC 9112, 3.2.2)', async (t) => {
  const host = ['Host: elsewhere.example'];
  for (const prefix of ['http://cdn.example.com', 'https://cdn.example.com:8443', 'HTTP://CDN.example.com']) {
    for (const path of [URL_OF_PICTURE, '/healthz', '/openapi.json', ''])
      t.equal((await raw(server, prefix + path, host)).status, 200, prefix + path);
    t.equal((await raw(server, `${prefix}/img/none.jpg`, host)).status, 404);
  }
  const listed = await raw(server, 'http://cdn.localhost/api/images/a', host);
  t.equal(listed.status, 404);
  await call(
    server,
    'POST',
    '/api/images',
    form([
      ['id', 'a'],
      ['file', await noise(20, 20)],
    ]),
  );
  const known = await raw(server, 'http://cdn.localhost/api/images/a', host);
  t.match(known.body, /"url":"http:\/\/cdn\.localhost\/img\/a"/, 'links name the host of the target');
  t.equal((await raw(server, 'http://cdn.example.com/healthz', ['X: y'])).status, 400, 'still no Host');
  for (const target of [
    'ftp://cdn.example.com/healthz',
    'http:///healthz',
    'http://me@cdn.example.com/healthz',
  ])
    t.ok((await raw(server, target, host)).status >= 400, target);
});

t.test('an escape means its character in the names of routes as well', async (t) => {
  t.equal((await raw(server, '/%69mg/%E5%86%99/photo%20(1).jpg', ['Host: x'])).status, 200);
  t.equal((await raw(server, '/a%70i/images/%61', ['Host: localhost'])).status, 200);
});

t.test('escapes that are broken are refused with a hint, on every route that takes an id', async (t) => {
  const bad = ['%FF', '%', 'a%2', '%C0%AF.jpg', 'a/%ED%A0%80', '%zz'];
  const routes: readonly (readonly [method: string, prefix: string, suffix: string])[] = [
    ['GET', '/img/', '?w=8'],
    ['GET', '/api/explain/', ''],
    ['GET', '/api/images/', ''],
    ['GET', '/api/images/', '/status'],
    ['POST', '/api/images/', '/purge'],
    ['DELETE', '/api/images/', ''],
  ];
  for (const [method, prefix, suffix] of routes) {
    for (const id of bad) {
      const { status, body } = await call(server, method, prefix + id + suffix);
      t.match([status, body], [400, { code: 'invalid_parameter', param: 'id', hint: /%25/ }], prefix + id);
    }
  }
});

t.test('a method that an address does not have is answered with those that it has', async (t) => {
  const { paths } = (await call<{ paths: Record<string, object> }>(server, 'GET', '/openapi.json')).body;
  const urls = [...Object.keys(paths), '/', '/docs', '/docs/reference.css', '/openapi.json', '/metrics'];
  for (const url of urls.map((path) => path.replace('{id}', 'some'))) {
    const answer = await fetch(server.base + url, { method: 'PROPFIND', redirect: 'manual' });
    const allow = answer.headers.get('allow')?.split(', ') ?? [];
    t.equal(answer.status, 405, url);
    t.ok(allow.length > 0 && allow.every((method) => METHODS.includes(method)), `${url}: ${allow}`);
    t.equal(allow.includes('GET'), allow.includes('HEAD'), `${url} has HEAD where it has GET`);
    await answer.body?.cancel();
    for (const method of ['PUT', 'DELETE', 'PATCH', 'TRACE'].filter((name) => !allow.includes(name))) {
      if (method === 'TRACE') continue;
      const other = await fetch(server.base + url, { method, body: method === 'DELETE' ? null : 'x' });
      t.same([other.status, other.headers.get('allow')?.split(', ')], [405, allow], `${method} ${url}`);
    }
  }
  for (const method of ['PUT', 'QUERY', 'PROPFIND'])
    t.equal((await fetch(`${server.base}/nothing`, { method })).status, 404, method);
  t.equal((await fetch(`${server.base}/api/images/presign`)).status, 404, 'an id like any other');
});

t.test('preconditions hold as RFC 9110 has them', async (t) => {
  const first = await server.get(URL_OF_PICTURE);
  const etag = first.headers.get('etag') ?? '';
  const modified = first.headers.get('last-modified') ?? '';
  const before = new Date(Date.parse(modified) - 1000).toUTCString();
  const rows: readonly (readonly [headers: Record<string, string>, status: number])[] = [
    [{ 'If-Match': etag }, 200],
    [{ 'If-Match': `"x", ${etag}` }, 200],
    [{ 'If-Match': '*' }, 200],
    [{ 'If-Match': '"x"' }, 412],
    [{ 'If-Match': `W/${etag}` }, 412],
    [{ 'If-Match': '"x"', 'If-None-Match': etag }, 412],
    [{ 'If-Match': etag, 'If-None-Match': etag }, 304],
    [{ 'If-Match': etag, 'If-Unmodified-Since': before }, 200],
    [{ 'If-Unmodified-Since': modified }, 200],
    [{ 'If-Unmodified-Since': before }, 412],
    [{ 'If-Unmodified-Since': 'yesterday' }, 200],
    [{ 'If-None-Match': `W/${etag}` }, 304],
    [{ 'If-None-Match': '"a,b", "x"', 'If-Modified-Since': modified }, 200],
    [{ 'If-Modified-Since': modified }, 304],
    [{ 'If-Modified-Since': before }, 200],
    [{ 'If-Modified-Since': '2999-01-01' }, 200],
    [{ 'If-Modified-Since': 'Tue, 31 Dec 2999 23:59:59 GMT' }, 200],
    [{ 'If-Modified-Since': '1' }, 200],
    [{ 'If-Modified-Since': 'Fri, 31 Dec 2999 23:59:59 +0100' }, 200],
    [{ 'If-Modified-Since': 'Friday, 31-Feb-99 23:59:59 GMT' }, 200],
  ];
  for (const [headers, status] of rows) {
    // The first comes past the router, from memory; another accept makes the second go through it.
    for (const method of ['GET', 'HEAD']) {
      const answer = await server.get(URL_OF_PICTURE, { method, headers });
      t.equal(answer.status, status, `${method} ${JSON.stringify(headers)}`);
      if (status === 412) t.equal(answer.headers.get('cache-control'), 'no-store');
      await answer.body?.cancel();
    }
  }
  const cold = await server.get(URL_OF_PICTURE.replace('w=8', 'w=7'), { headers: { 'If-Match': '"x"' } });
  t.equal(cold.status, 412, 'of a picture that was not made before');
});

t.test('whatever date a file has, what takes its place is news to who keeps dates alone', async (t) => {
  const ORIGINALS_FOLDER = await temporaryFolder();
  t.teardown(() => removeFolder(ORIGINALS_FOLDER));
  const path = join(ORIGINALS_FOLDER, 'a.jpg');
  const dates = [
    '1901-01-01',
    '1969-12-31',
    '1970-01-01',
    '2000-02-29',
    '2038-01-20',
    '2100-03-01',
    '2400-02-29',
  ];
  for (const [index, date] of dates.entries()) {
    // Which has made nothing of the file before.
    const folder = await startServer({ ORIGINALS_FOLDER });
    await writeFile(path, await noise(20, 20, index));
    await utimes(path, new Date(date), new Date(date));
    const first = await folder.get('/img/a.jpg?fmt=png');
    const told = first.headers.get('last-modified') ?? '';
    t.ok(Date.parse(told) - Date.parse(first.headers.get('date') ?? '') <= 60_000, `${date}: ${told}`);
    const headers = { 'If-Modified-Since': told };
    t.equal((await folder.get('/img/a.jpg?fmt=png', { headers })).status, 304);
    await writeFile(path, await noise(30, 30, index));
    // The date of a file that stood for a former one, told while this was not looked at.
    for (const since of [told, new Date(date).toUTCString()].filter((one) => Date.parse(one) > Date.now()))
      t.equal(
        (await folder.get('/img/a.jpg?fmt=png', { headers: { 'If-Modified-Since': since } })).status,
        200,
      );
    await folder.close();
  }
});

t.test('a date is one of three forms, or none', async (t) => {
  const moment = Date.UTC(1994, 10, 6, 8, 49, 37);
  const now = Date.UTC(2026, 10, 29);
  for (const date of [
    'Sun, 06 Nov 1994 08:49:37 GMT',
    'Sunday, 06-Nov-94 08:49:37 GMT',
    'Sun Nov  6 08:49:37 1994',
  ])
    t.equal(readHttpDate(date, now), moment, date);
  t.equal(readHttpDate('Sunday, 06-Nov-76 08:49:37 GMT', now), Date.UTC(2076, 10, 6, 8, 49, 37));
  t.equal(readHttpDate('Sunday, 06-Nov-77 08:49:37 GMT', now), Date.UTC(1977, 10, 6, 8, 49, 37));
  for (const text of [
    '',
    '0',
    'now',
    '1994-11-06',
    'Sun, 6 Nov 1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 24:49:37 GMT',
    'Wed, 31 Nov 1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 08:49:37 GMT ',
  ])
    t.equal(readHttpDate(text, now), undefined, text);
});

t.test('a field that nobody filled in is as good as absent', async (t) => {
  const file = await noise(30, 20, 4);
  const empty = ['id', 'title', 'description', 'collection', 'webhook', 'variants', 'operations'].map(
    (name) => [name, ''] as const,
  );
  const { status, body } = await call(
    server,
    'POST',
    '/api/images',
    form([...empty, ['file', file], ['id', '']]),
  );
  t.match([status, body], [202, { title: null, description: null, variants: [] }]);
  const twice = form([
    ['id', ''],
    ['id', 'filled'],
    ['file', file],
    ['variants', ''],
    ['variants', 'w=8'],
  ]);
  const filled = await call(server, 'POST', '/api/images', twice);
  t.match([filled.status, filled.body], [202, { id: 'filled', variants: [{}] }]);
  const unknown = await call(
    server,
    'POST',
    '/api/images',
    form([
      ['tilte', ''],
      ['file', file],
    ]),
  );
  t.equal(unknown.status, 400, 'one that is not known is a mistake all the same');
  const unchosen = form([['file', file]]);
  unchosen.append('second', new File([], ''), '');
  t.equal((await call(server, 'POST', '/api/images', unchosen)).status, 202, 'an input without a file');
  const none = new FormData();
  none.append('file', new File([], ''), '');
  t.match((await call(server, 'POST', '/api/images', none)).body, { code: 'invalid_request', param: 'file' });
});
