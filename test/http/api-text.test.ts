import t from 'tap';
import { call, form, noise } from '../support/api.ts';
import { startServer } from '../support/server.ts';

/** Sent as it stands: a client's own JSON would escape it otherwise. */
const posted = (base: string, path: string, body: string, method = 'POST') =>
  fetch(base + path, { method, body, headers: { 'content-type': 'application/json' } });

t.test('no text has a NUL or half of a surrogate pair, wherever it stands', async (t) => {
  const server = await startServer();
  t.teardown(() => server.close());
  const made = await call<{ id: string }>(server, 'POST', '/api/images', form([['file', await noise(9, 9)]]));
  const bad = ['a\\u0000b', '\\ud800', 'a\\udc00', '\\udc00\\ud800'];
  const presign = (name: string) => `{"filename":"${name}","contentType":"image/png","size":9}`;
  for (const text of bad) {
    const bodies: [path: string, body: string, method?: string][] = [
      ['/api/collections', `{"name":"${text}"}`],
      ['/api/collections', `{"name":"a","description":"${text}"}`],
      ['/api/images/presign', presign(text)],
      [`/api/images/${made.body.id}`, `{"title":"${text}"}`, 'PATCH'],
      [`/api/images/${made.body.id}/variants`, `{"variants":[[{"type":"resize","params":{"${text}":1}}]]}`],
    ];
    for (const [path, body, method] of bodies) {
      const answer = await posted(server.base, path, body, method);
      t.match([answer.status, await answer.json()], [400, { code: 'invalid_request' }], body);
    }
  }
  const nul = await call(
    server,
    'POST',
    '/api/images',
    form([
      ['title', 'a\0b'],
      ['file', await noise(9, 9)],
    ]),
  );
  t.match(nul, { status: 400, body: { code: 'invalid_request', param: 'title' } });
  t.equal((await posted(server.base, '/api/collections', '{"name":"\\ud83d\\ude00 Käfer"}')).status, 201);
});

/** A check of every item with each took more than ten minutes for the first of these. */
t.test('a body that is wrong a hundred thousand times is refused for the first', async (t) => {
  const server = await startServer();
  t.teardown(() => server.close());
  const many = (item: string) => Array.from({ length: 100_000 }, () => item).join();
  const bodies: [path: string, body: string][] = [
    ['/api/collections/none/relationships/images', `{"images":[${many('1')}]}`],
    ['/api/collections/none/relationships/images', `{"images":[${many('"a"')}]}`],
    ['/api/images/none/variants', `{"variants":[${many('1')}]}`],
    ['/api/images/none/variants', `{"variants":[[${many('{}')}]]}`],
    ['/api/collections', `{${Array.from({ length: 60_000 }, (_, index) => `"k${index}":1`).join()}}`],
    ['/api/images/none/variants', `{"variants":${'['.repeat(100_000)}${']'.repeat(100_000)}}`],
  ];
  for (const [path, body] of bodies) {
    const answer = await posted(server.base, path, body);
    t.match([answer.status, await answer.json()], [400, { code: 'invalid_request' }], body.slice(0, 40));
  }
});

t.test('a field that is unknown is named as it was written, and as far as it fits', async (t) => {
  const server = await startServer();
  t.teardown(() => server.close());
  const paramOf = async (name: string, within = (body: object): object => body) => {
    const body = { name: 'x', ...within({ [name]: 1 }) };
    const answer = await posted(server.base, '/api/collections', JSON.stringify(body));
    const text = await answer.text();
    t.ok(text.length < 2_000, `${text.length} characters`);
    return JSON.parse(text).param;
  };
  for (const name of ['a/b', 'a~b', '~1', '~0', '~01', 'a.b', '/', 'Käfer'])
    t.equal(await paramOf(name), name);
  const long = `${'x'.repeat(299)}🐞${'y'.repeat(900_000)}`;
  t.equal(await paramOf(long), 'x'.repeat(299));
  const nested = (body: object) => ({ description: { 'a/b': body } });
  t.equal(await paramOf('\0', nested), 'description.a/b');
});

t.test('an id that is far too long is told as far as it fits', async (t) => {
  const server = await startServer({ IMPORT_HOSTS: 'a.example' });
  t.teardown(() => server.close());
  const id = 'x'.repeat(900_000);
  for (const [path, body] of [
    ['/api/images/import', { urls: [{ url: 'https://a.example/', id }] }],
    ['/api/images/presign', { filename: 'a.png', contentType: 'image/png', size: 9, id }],
    ['/api/collections/none/relationships/images', { images: [id] }],
  ] as const) {
    const text = await (await posted(server.base, path, JSON.stringify(body))).text();
    t.ok(text.length < 6_000, `${path}: ${text.length} characters`);
    t.match(text, /"param":"(id|images)"/, path);
  }
});
