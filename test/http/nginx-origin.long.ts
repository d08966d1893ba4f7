import { mkdir, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { call, noise } from '../support/api.ts';
import { startRecords } from '../support/emulators.dynamodb.ts';
import { emulated } from '../support/emulators.ts';
import { temporaryFolder } from '../support/folders.ts';
import { noNginx, startNginx } from '../support/nginx.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { workOff } from '../support/warmer.ts';

const STORES: Readonly<Record<string, (t: Test) => Promise<Record<string, string> | undefined>>> = {
  'files and SQLite': async () => ({ DATA_DIR: await temporaryFolder() }),
  'S3, DynamoDB and SQS': async (t) => emulated(t, await startRecords()),
};

const LOCATIONS = `
location /moved/ { rewrite ^/moved/(.*)$ /good/$1 redirect; }
location /private/ { return 302 http://169.254.169.254/latest/meta-data/; }
location /loop/ { return 302 $request_uri; }
location /keyed/ { if ($http_authorization != "Bearer abc") { return 403; } rewrite ^/keyed/(.*)$ /good/$1 break; }
`;

/** Of 200 addresses: what becomes of each kind, and how many there are. */
const KINDS = {
  good: [140, 'completed', undefined],
  moved: [20, 'completed', undefined],
  absent: [10, 'failed', /source_absent/],
  huge: [5, 'failed', /upload_too_large|source_too_large/],
  text: [10, 'failed', /unsupported_source/],
  private: [5, 'failed', /source_refused/],
  loop: [5, 'failed', /source_refused/],
  keyed: [5, 'failed', /source_refused/],
} as const;

const pictures = await Promise.all(Array.from({ length: 140 }, (_, n) => noise(24, 16, n + 1)));
const at = (time: number) => new Date(Date.UTC(2026, 0, time));

async function fill(folder: string): Promise<void> {
  for (const name of ['good', 'huge', 'text', 'media']) await mkdir(join(folder, name), { recursive: true });
  for (const [n, bytes] of pictures.entries()) await writeFile(join(folder, `good/${n}.jpg`), bytes);
  for (let n = 0; n < 10; n++) await writeFile(join(folder, `text/${n}.jpg`), `<html>page ${n}</html>`);
  for (let n = 0; n < 5; n++) {
    await writeFile(join(folder, `huge/${n}.jpg`), pictures[n] ?? '');
    await truncate(join(folder, `huge/${n}.jpg`), 3_000_000);
  }
}

async function imported(
  t: Test,
  server: TestServer,
  work: () => Promise<unknown>,
  base: string,
): Promise<void> {
  const urls = Object.entries(KINDS).flatMap(([kind, [count]]) =>
    Array.from({ length: count }, (_, n) => ({ url: `${base}/${kind}/${n}.jpg`, id: `in-${kind}/${n}.jpg` })),
  );
  const kinds = new Map(Object.entries(KINDS));
  t.equal(urls.length, 200);
  t.equal((await call(server, 'POST', '/api/images/import', { urls })).status, 202);
  await work();
  for (const { id } of urls) {
    const record = await server.stores.records.images.get(id);
    const [, status, error] = kinds.get(id.split('/')[0]?.slice(3) ?? '') ?? [];
    t.equal(record?.status, status, id);
    if (error) t.match(record?.error, error, id);
    t.equal((await server.stores.originals.head(id)) !== undefined, status === 'completed', id);
  }
}

for (const [name, storesOf] of Object.entries(STORES)) {
  t.test(`nginx as the origin, over ${name}`, { skip: noNginx }, async (t) => {
    const env = await storesOf(t);
    if (!env) return;
    const nginx = await startNginx(t, LOCATIONS);
    await fill(nginx.folder);
    const settings = {
      ...env,
      IMPORT_HOSTS: nginx.base,
      IMPORT_PRIVATE: '1',
      IMPORT_RATE_PER_MINUTE: '0',
      MAX_SOURCE_BYTES: '2M',
      SOURCES: `shop=${nginx.base}/media/;keyed=${nginx.base}/keyed/`,
      SOURCE_HEADERS: 'keyed=Authorization: Bearer abc',
      SOURCE_MAX_AGE: '1',
      SOURCE_RATE_PER_MINUTE: '0',
    };
    const server = await startServer(settings);
    t.teardown(() => server.close());
    const work = () => workOff(settings);
    const statuses = async (begins: string) =>
      (await nginx.requests()).filter(({ path }) => path.startsWith(begins)).map(({ status }) => status);

    await t.test('200 addresses, each with what becomes of it', (t) => imported(t, server, work, nginx.base));

    await t.test('to ask anew costs a 304 each, and one that has changed a 200', async (t) => {
      const before = (await statuses('/good/')).length;
      await writeFile(join(nginx.folder, 'good/7.jpg'), await noise(30, 20, 999));
      await utimes(join(nginx.folder, 'good/7.jpg'), at(2), at(2));
      for (let n = 0; n < 140; n++)
        t.equal((await call(server, 'POST', `/api/images/in-good/${n}.jpg/refresh`)).status, 202);
      await work();
      const answers = (await statuses('/good/')).slice(before);
      t.equal(answers.filter((status) => status === 304).length, 139);
      t.equal(answers.filter((status) => status === 200).length, 1);
      t.match((await server.stores.records.images.get('in-good/7.jpg'))?.original, { width: 30, height: 20 });
    });

    await t.test('300 clients at once for one new picture are one request and one render', async (t) => {
      await writeFile(join(nginx.folder, 'media/new.jpg'), pictures[0] ?? '');
      const answers = await Promise.all(
        Array.from({ length: 300 }, async () => {
          const response = await server.get('/img/shop/new.jpg?w=12&fmt=webp');
          await response.arrayBuffer();
          return `${response.status} ${response.headers.get('x-image-cache')}`;
        }),
      );
      t.same(await statuses('/media/new.jpg'), [200]);
      t.equal(answers.filter((answer) => answer === '200 miss').length, 1);
      t.ok(answers.every((answer) => answer.startsWith('200 ')));
      t.equal((await server.get('/img/keyed/0.jpg?w=9')).status, 200, 'with the header of its source');
    });

    await t.test(
      'while nginx is away what is here is served, and changes are seen once it is back',
      async (t) => {
        const size = async () => (await server.stores.records.images.get('shop/new.jpg'))?.original?.width;
        await work();
        await nginx.stop();
        t.equal((await server.get('/img/shop/new.jpg?w=13&fmt=webp')).status, 200);
        t.equal((await server.get('/img/shop/other.jpg')).status, 502);
        t.equal(await size(), 24);
        await writeFile(join(nginx.folder, 'media/new.jpg'), await noise(40, 20, 5));
        await utimes(join(nginx.folder, 'media/new.jpg'), at(3), at(3));
        await nginx.start();
        t.equal((await call(server, 'POST', '/api/images/shop/new.jpg/refresh')).status, 202);
        await work();
        t.equal(await size(), 40);
        await rm(join(nginx.folder, 'media/new.jpg'));
        t.equal((await server.get('/img/shop/new.jpg?w=14&fmt=webp')).status, 200, 'gone there, here still');
      },
    );
  });
}
