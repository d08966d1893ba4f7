import { CreateBucketCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import sharp from 'sharp';
import t, { type Test } from 'tap';
import { readSource } from '../../server/shared/sources.ts';
import { call, form, noise } from '../support/api.ts';
import { startStorage, useKeys } from '../support/emulators.ts';
import { API_TOKENS, AUTHORIZED } from '../support/env.ts';
import { temporaryFolder } from '../support/folders.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { workOff } from '../support/warmer.ts';

const [first, second] = await Promise.all([noise(60, 40, 1), noise(50, 50, 2)]);
const BUCKET = 'archive-of-others';

const storage = await startStorage();
t.teardown(() => storage.stop());
useKeys();
await storage.s3.send(new CreateBucketCommand({ Bucket: BUCKET }));

const put = (s3: S3Client, Key: string, Body: Uint8Array) =>
  s3.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body, ContentType: 'image/jpeg' }));

/** Both kinds of originals of our own: files, and a bucket. */
const OWN: Readonly<Record<string, Record<string, string>>> = {
  files: {},
  S3: { ORIGINALS_BUCKET: storage.originals, RESULTS_BUCKET: storage.results },
};

async function deployment(t: Test, own: Record<string, string>, more: Record<string, string> = {}) {
  const env = {
    DATA_DIR: await temporaryFolder(),
    S3_ENDPOINT: storage.endpoint,
    SOURCES: `old=s3://${BUCKET}/pictures/;all=s3://${BUCKET}/`,
    ...own,
    ...more,
  };
  const server = await startServer(env);
  t.teardown(() => server.close());
  return { server, work: () => workOff(env) };
}

async function sizeOf(server: TestServer, path: string): Promise<string> {
  const response = await server.get(path);
  const bytes = Buffer.from(await response.arrayBuffer());
  if (!response.ok) return String(response.status);
  const { width = 0, height = 0 } = await sharp(bytes).metadata();
  return `${width}x${height}`;
}

for (const [name, own] of Object.entries(OWN)) {
  t.test(`a bucket of others is read where it is, beside originals in ${name}`, async (t) => {
    const { server, work } = await deployment(t, own);
    await put(storage.s3, 'pictures/sub/a b.jpg', first);
    t.equal(await sizeOf(server, '/img/old/sub/a%20b.jpg?fmt=png'), '60x40');
    t.equal(await sizeOf(server, '/img/all/pictures/sub/a%20b.jpg?fmt=png'), '60x40');
    t.equal(await sizeOf(server, '/img/old/none.jpg'), '404');
    t.equal(await sizeOf(server, '/img/old/pictures/sub/a%20b.jpg'), '404');
    const { originals } = server.stores;
    t.same((await originals.list({ prefix: 'sub', limit: 9 })).items, [], 'nothing was copied');
    const { items } = await originals.list({ prefix: 'old/sub', limit: 9 });
    t.same(
      items.map(({ key }) => key),
      ['old/sub/a b.jpg'],
    );
    t.match(await call(server, 'GET', '/api/explain/old/sub/a%20b.jpg?w=9'), { status: 200 });
    const path = '/api/images/old/sub/a%20b.jpg';
    t.equal((await call(server, 'POST', `${path}/purge`)).status, 200);
    await call(server, 'POST', `${path}/variants`, { variants: ['w=9&fmt=png'] });
    await work();
    t.match((await call(server, 'GET', path)).body, {
      status: 'completed',
      original: { width: 60 },
      variants: [{ status: 'ready' }],
    });
    await put(storage.s3, 'pictures/sub/a b.jpg', second);
    t.equal(await sizeOf(server, '/img/old/sub/a%20b.jpg?fmt=png'), '50x50', 'as soon as it is another');
    await work();
    t.match((await call(server, 'GET', path)).body, {
      original: { width: 50 },
      variants: [{ status: 'ready' }],
    });
    await put(storage.s3, 'pictures/sub/a b.jpg', first);
  });

  t.test(`nothing is written to a bucket of others, beside originals in ${name}`, async (t) => {
    const { server } = await deployment(t, own);
    await put(storage.s3, 'pictures/a.jpg', first);
    const path = '/api/images/old/a.jpg';
    t.equal((await call(server, 'POST', `${path}/purge`)).status, 200);
    const file = form([
      ['id', 'old/b.jpg'],
      ['file', second],
    ]);
    t.match(await call(server, 'POST', '/api/images', file), { status: 409, body: { code: 'conflict' } });
    t.match(await call(server, 'PUT', `${path}/original`, form([['file', second]])), { status: 409 });
    await t.rejects(server.stores.originals.put('old/a.jpg', second, { contentType: 'image/jpeg' }), {
      code: 'not_allowed',
    });
    await t.rejects(server.stores.originals.copy('old/a.jpg', 'x'), { code: 'not_allowed' });
    await server.stores.originals.remove(['old/a.jpg']);
    t.equal(await sizeOf(server, '/img/old/a.jpg?fmt=png'), '60x40');
    t.equal((await call(server, 'DELETE', path)).status, 204);
    t.equal(await sizeOf(server, '/img/old/a.jpg?fmt=png'), '404', 'deleted here');
    t.equal(await sizeOf(server, '/img/all/pictures/a.jpg?fmt=png'), '60x40', 'and nowhere else');
    t.match(await call(server, 'GET', path), { status: 404 });
    t.equal((await call(server, 'DELETE', `${path}/block`)).status, 204);
    t.equal(await sizeOf(server, '/img/old/a.jpg?fmt=png'), '60x40');
  });
}

t.test(
  'events of a bucket are of those sources that read it; of any other they are refused and counted',
  async (t) => {
    const { server, work } = await deployment(t, {});
    await put(storage.s3, 'pictures/event.jpg', first);
    const event = (bucket: string, key: string) =>
      JSON.stringify({
        Records: [{ eventName: 'ObjectCreated:Put', s3: { bucket: { name: bucket }, object: { key } } }],
      });
    await server.stores.jobs.send([
      event(BUCKET, 'pictures/event.jpg'),
      event('strangers', 'pictures/event.jpg'),
    ]);
    const warmer = await work();
    const { items } = await server.stores.records.images.list({ limit: 9 });
    t.same(items.map(({ id }) => id).toSorted(), ['all/pictures/event.jpg', 'old/event.jpg']);
    t.match(await warmer.metrics.text(), /^rendition_strange_events_total 1$/m);
  },
);

t.test('a picture in a bucket of others is signed for as any', async (t) => {
  const signing = { SIGNATURES: 'required', SIGNING_KEYS: `main=${'00'.repeat(16)}`, API_TOKENS };
  const { server } = await deployment(t, {}, signing);
  await put(storage.s3, 'pictures/s.jpg', first);
  t.equal((await server.get('/img/old/s.jpg?w=9')).status, 403);
  const body = { urls: ['/img/old/s.jpg?w=9'] };
  const { body: signed } = await call<{ urls: string[] }>(server, 'POST', '/api/sign', body, AUTHORIZED);
  t.equal((await fetch(signed.urls[0] ?? '')).status, 200);
});

t.test('sources as SOURCES has them, and what is refused', (t) => {
  const role = 'arn:aws:iam::123456789012:role/reads';
  t.match(readSource('old', `s3://b-1/a/b/?role=${role}&region=eu-west-1`), {
    bucket: 'b-1',
    path: 'a/b/',
    role,
    region: 'eu-west-1',
  });
  t.match(readSource('old', 's3://b-1/'), { path: '', role: undefined });
  t.match(readSource('shop', 'https://a.example/'), { kind: 'http', base: 'https://a.example/' });
  const wrong: Readonly<Record<string, readonly [name: string, text: string]>> = {
    'first segment': ['a/b', 'https://a.example/'],
    'first segment of': ['.x', 'https://a.example/'],
    'must end in a slash': ['a', 'https://a.example/x'],
    'must end': ['a', 'https://a.example/#x/'],
    'a query': ['a', 'https://a.example/?x=/'],
    'name or password': ['a', 'https://u:p@a.example/'],
    'no https, http or s3': ['a', 'ftp://a.example/'],
    'names no bucket': ['a', 's3://A_B/'],
    'a role that is no ARN': ['a', 's3://bucket/?role=x'],
    'a region that is none': ['a', 's3://bucket/?region=x'],
    'has key': ['a', 's3://bucket/?key=x'],
  };
  for (const [message, [name, text]] of Object.entries(wrong))
    t.throws(() => readSource(name, text), { message: new RegExp(message) }, text);
  t.end();
});
