import { DatabaseSync } from 'node:sqlite';
import t from 'tap';
import { call, form, keysOf, noise, type UploadAnswer } from '../support/api.ts';
import { putFeed } from '../support/feed.ts';
import { removeFolder, temporaryFolder } from '../support/folders.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';

const TOKENS = {
  // SHA-256 of `one` and `two`.
  API_TOKENS:
    'one=write:7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed;two=write:3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3',
};
const by = (token: string, key: string) => ({ authorization: `Bearer ${token}`, 'idempotency-key': key });

const folder = await temporaryFolder();
let server: TestServer;
t.before(async () => {
  const NOTIFICATIONS_TOPIC = 'arn:aws:sns:eu-west-1:123456789012:finished';
  const keys = {
    IMPORT_HOSTS: 'cdn.example.com',
    NOTIFICATIONS_TOPIC,
    SIGNATURES: 'required',
    SIGNING_KEYS: `k=${'ab'.repeat(32)}`,
  };
  server = await startServer({ ...TOKENS, ...keys, API_RATE_PER_MINUTE: '0', DATA_DIR: folder });
});
t.teardown(async () => {
  await server.close();
  await removeFolder(folder);
});

const post = <T = Record<string, unknown>>(
  path: string,
  body: FormData | object,
  headers: Record<string, string>,
) => call<T>(server, 'POST', path, body, headers);

async function text(path: string, body: FormData | object, headers: Record<string, string>) {
  const isForm = body instanceof FormData;
  const type: Record<string, string> = isForm ? {} : { 'content-type': 'application/json' };
  const sent = {
    method: 'POST',
    headers: { ...headers, ...type },
    body: isForm ? body : JSON.stringify(body),
  };
  const answer = await fetch(server.base + path, sent);
  return { status: answer.status, headers: answer.headers, bytes: await answer.text() };
}

const files = await Promise.all([noise(60, 40, 1), noise(50, 50, 2), noise(40, 60, 3)]);
const [first, second, third] = files as [Buffer, Buffer, Buffer];

t.test('every POST of the API is done once, and its answer is repeated byte for byte', async (t) => {
  const a = await post<UploadAnswer>(
    '/api/images',
    form([
      ['id', 'a'],
      ['file', third],
    ]),
    by('one', 'a'),
  );
  t.equal(a.status, 202);
  await putFeed(server.stores.records);
  const collection = await post<{ id: string }>('/api/collections', { name: 'c' }, by('one', 'c'));
  const { paths } = (await (await server.get('/openapi.json')).json()) as {
    paths: Record<string, { post?: { parameters?: { name: string; in: string }[] } }>;
  };
  const fetched = { urls: [{ url: 'https://cdn.example.com/a.jpg', id: 'fetched' }] };
  await post('/api/images/import', fetched, by('one', 'i'));
  const announced = { filename: 'p.jpg', contentType: 'image/jpeg', size: first.length };
  type Presigned = { url: string; fields: Record<string, string> };
  const { body: presigned } = await post<Presigned>('/api/images/presign', announced, by('one', 'p'));
  const calls: Record<string, readonly [string, () => FormData | object]> = {
    '/api/images': [
      '/api/images',
      () =>
        form([
          ['title', 'x'],
          ['file', first],
          ['file', second],
        ]),
    ],
    '/api/images/presign': ['/api/images/presign', () => announced],
    '/api/uploads/{id}': [
      new URL(presigned.url).pathname,
      () => form([...Object.entries(presigned.fields), ['file', first]]),
    ],
    '/api/images/{id}/variants': ['/api/images/a/variants', () => ({ variants: ['w=9&fmt=png'] })],
    '/api/images/{id}/purge': ['/api/images/a/purge', () => ({})],
    '/api/rewarm': ['/api/rewarm', () => ({})],
    '/api/images/{id}/notifications': ['/api/images/a/notifications', () => ({})],
    '/api/images/import': ['/api/images/import', () => fetched],
    '/api/images/{id}/refresh': ['/api/images/fetched/refresh', () => ({})],
    '/api/feeds/{name}/run': ['/api/feeds/f/run', () => ({})],
    '/api/sign': ['/api/sign', () => ({ urls: ['/img/a?w=9'] })],
    '/api/collections': ['/api/collections', () => ({ name: 'autumn' })],
    '/api/collections/{id}/relationships/images': [
      `/api/collections/${collection.body.id}/relationships/images`,
      () => ({ images: ['a'] }),
    ],
  };
  const all = Object.entries(paths).filter(([, { post }]) => post);
  t.same(
    all.map(([path]) => path).filter((path) => !(path in calls)),
    [],
    'each has its row here',
  );
  for (const [path, [url, body]] of Object.entries(calls)) {
    const named = paths[path]?.post?.parameters?.some(({ name }) => name === 'Idempotency-Key');
    t.ok(named, `${path}: in the document`);
    const before = await text(url, body(), by('one', `"key of ${path}"`));
    t.ok(before.status < 300, `${path}: ${before.status} ${before.bytes}`);
    t.equal(before.headers.get('idempotent-replayed'), null);
    const after = await text(url, body(), by('one', `"key of ${path}"`));
    t.equal(after.status, before.status, path);
    t.equal(after.bytes, before.bytes, path);
    t.equal(after.headers.get('idempotent-replayed'), 'true', path);
    for (const name of ['content-type', 'location', 'cache-control', 'access-control-allow-origin'])
      t.equal(after.headers.get(name), before.headers.get(name), `${path}: ${name}`);
  }
  const { items } = (
    await call<{ items: { title: string }[] }>(server, 'GET', '/api/images', undefined, by('one', 'x'))
  ).body;
  t.equal(items.filter(({ title }) => title === 'x').length, 2, 'two files, two images');
});

t.test('a key with another body, another address or another caller', async (t) => {
  const upload = () =>
    form([
      ['title', 'y'],
      ['file', first],
    ]);
  const made = await text('/api/images', upload(), by('one', 'k'));
  t.equal(made.status, 202);
  const reused = { status: 422, body: { code: 'idempotency_key_reused', param: 'Idempotency-Key' } };
  for (const other of [
    form([
      ['title', 'z'],
      ['file', first],
    ]),
    form([
      ['title', 'y'],
      ['file', second],
    ]),
    form([
      ['title', 'y'],
      ['file', first.subarray(0, -1)],
    ]),
    form([
      ['title', 'y'],
      ['file', first],
      ['file', first],
    ]),
  ])
    t.match(await post('/api/images', other, by('one', 'k')), reused);
  t.match(await post('/api/collections', { name: 'y' }, by('one', 'k')), reused);
  t.match(await post('/api/images?x=1', upload(), by('one', 'k')), reused);
  const another = await text('/api/images', upload(), by('two', 'k'));
  t.equal(another.status, 202);
  t.not(another.bytes, made.bytes, 'whose key is his own');
  t.equal((await text('/api/images', upload(), by('one', 'k'))).bytes, made.bytes, 'and the answer stands');
});

t.test('what failed is not kept: the same key may be tried again', async (t) => {
  const broken = form([['file', Buffer.from('no image at all')]]);
  t.match(await post('/api/images', broken, by('one', 'f')), { status: 415 });
  const absent = await post('/api/images/later/variants', { variants: ['w=9'] }, by('one', 'g'));
  t.match(absent, { status: 404 });
  t.match(
    await post(
      '/api/images',
      form([
        ['id', 'later'],
        ['file', second],
      ]),
      by('one', 'f'),
    ),
    { status: 202 },
  );
  t.match(await post('/api/images/later/variants', { variants: ['w=9'] }, by('one', 'g')), { status: 202 });
});

t.test('a key is one, or it is refused', async (t) => {
  for (const key of ['""', '"', '"a', 'a b', '"é"', '"a";b=1', `"${'a'.repeat(256)}"`, 'a, b', '']) {
    const answer = await post('/api/collections', { name: 'n' }, by('one', key));
    t.match(answer, { status: 400, body: { code: 'invalid_request', param: 'Idempotency-Key' } }, key);
  }
  const bare = await text('/api/collections', { name: 'q' }, by('one', 'same-key'));
  const quoted = await text('/api/collections', { name: 'q' }, by('one', '"same-key"'));
  t.equal(quoted.bytes, bare.bytes);
});

t.test('while a request is worked on, the same one is told to come back', async (t) => {
  const { collections } = server.stores.records;
  const [begun, release] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const create = collections.create.bind(collections);
  collections.create = async (collection) => {
    begun.resolve();
    await release.promise;
    return create(collection);
  };
  const slow = text('/api/collections', { name: 'slow' }, by('one', 's'));
  await begun.promise;
  const meanwhile = await post('/api/collections', { name: 'slow' }, by('one', 's'));
  t.match(meanwhile, { status: 409, body: { code: 'request_in_progress' } });
  t.ok(Number(meanwhile.headers.get('retry-after')) > 0);
  release.resolve();
  const answered = await slow;
  t.equal((await text('/api/collections', { name: 'slow' }, by('one', 's'))).bytes, answered.bytes);
  Object.assign(collections, { create });
});

t.test('a client that left while its request was worked on finds the answer', async (t) => {
  const { collections } = server.stores.records;
  const [begun, release] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const create = collections.create.bind(collections);
  collections.create = async (collection) => {
    begun.resolve();
    await release.promise;
    return create(collection);
  };
  const gone = new AbortController();
  const left = fetch(`${server.base}/api/collections`, {
    method: 'POST',
    signal: gone.signal,
    body: '{"name":"left"}',
    headers: { ...by('one', 'l'), 'content-type': 'application/json' },
  }).catch(() => 'gone');
  await begun.promise;
  gone.abort();
  t.equal(await left, 'gone');
  release.resolve();
  Object.assign(collections, { create });
  await waitFor(
    async () => (await text('/api/collections', { name: 'left' }, by('one', 'l'))).status === 201,
  );
  const { records } = server.stores;
  const { items } = await records.collections.list({ limit: 100 });
  t.equal(items.filter(({ name }) => name === 'left').length, 1);
});

t.test('a server that died in the middle: the repeat makes no second image', async (t) => {
  const { answers, images } = server.stores.records;
  const [keep, release] = [answers.keep.bind(answers), answers.release.bind(answers)];
  // As if the process ended before the answer was kept.
  answers.keep = async () => true;
  answers.release = async () => undefined;
  const many = () =>
    form([
      ['title', 'once'],
      ['file', first],
      ['file', second],
    ]);
  const before = await text('/api/images', many(), by('one', 'd'));
  t.equal(before.status, 202);
  Object.assign(answers, { keep, release });
  t.match(await post('/api/images', many(), by('one', 'd')), {
    status: 409,
    body: { code: 'request_in_progress' },
  });
  const database = new DatabaseSync(`${folder}/rendition.sqlite`);
  database.exec('UPDATE answers SET held_until = 0 WHERE answer IS NULL');
  database.close();
  const after = await text('/api/images', many(), by('one', 'd'));
  t.equal(after.status, 202);
  t.same(idsOf(after.bytes), idsOf(before.bytes));
  const { items } = await images.list({ limit: 100 });
  t.equal(items.filter(({ title }) => title === 'once').length, 2);
  t.equal(
    (await keysOf(server.stores.originals)).filter((key) => idsOf(after.bytes).includes(key)).length,
    2,
  );
});

function idsOf(text: string): string[] {
  const { images } = JSON.parse(text) as { images: { id: string }[] };
  return images.map(({ id }) => id);
}
