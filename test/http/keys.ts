import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import type { Test } from 'tap';
import { putFile } from '../../server/cli/put.ts';
import { readJob } from '../../server/warming/jobs.ts';
import { call, form, jobsOf, keysOf, type UploadAnswer } from '../support/api.ts';
import { startRecords } from '../support/emulators.dynamodb.ts';
import { emulated } from '../support/emulators.ts';
import { removeFolder } from '../support/folders.ts';
import { BUCKET_KEYS } from '../support/keys.ts';
import { startServer, type TestServer } from '../support/server.ts';

/** Not by the code under test: what every library that builds URLs does. */
const spelled = (key: string): string => key.split('/').map(encodeURIComponent).join('/');
/** An API client that puts an id into a template. */
const templated = (key: string): string => encodeURIComponent(key);
/** As S3 writes keys into events. */
const inEvent = (key: string): string =>
  encodeURIComponent(key).replaceAll('%2F', '/').replaceAll('%20', '+').replaceAll("'", '%27');

const picture = (red: number): Promise<Buffer> =>
  sharp({ create: { width: 12, height: 9, channels: 3, background: { r: red, g: 40, b: 90 } } })
    .png()
    .toBuffer();

/** One key of each kind: blanks and brackets, other writing, what a URL or S3 takes for something else. */
export const SAMPLE_KEYS: readonly string[] = BUCKET_KEYS.filter((_key, index) => index % 5 === 0);

export async function keysOverFiles(t: Test, keys: readonly string[]): Promise<void> {
  const server = await startServer();
  t.teardown(() => server.close());
  await keysSuite(t, server, keys);
}

export async function keysOverAws(t: Test, keys: readonly string[]): Promise<void> {
  const env = await emulated(t, await startRecords());
  if (!env) return;
  const server = await startServer(env);
  t.teardown(() => server.close());
  await keysSuite(t, server, keys);
}

/** Keys of real buckets through everything that takes or makes one. */
export async function keysSuite(t: Test, server: TestServer, keys = BUCKET_KEYS): Promise<void> {
  for (const [index, key] of keys.entries()) {
    await t.test(JSON.stringify(key), async (t) => {
      await uploaded(t, server, key, await picture(index * 10));
      await announced(t, server, key, await picture(index * 10 + 1));
      await arrived(t, server, key, await picture(index * 10 + 2));
    });
  }
  t.same(await keysOf(server.stores.originals), [], 'nothing is left');
  t.same(await keysOf(server.stores.results), [], 'nor of the results');
}

/** Upload, image in both forms and all spellings, explain, record, status, replace, purge, delete. */
async function uploaded(t: Test, server: TestServer, key: string, file: Buffer): Promise<void> {
  const { stores, base } = server;
  const parts = [
    ['id', key],
    ['file', file],
    ['variants', 'w=6&fmt=webp'],
  ] as const;
  const { status, body } = await call<UploadAnswer>(server, 'POST', '/api/images', form(parts));
  t.same([status, body.id, body.url], [202, key, `${base}/img/${spelled(key)}`], 'uploaded');
  t.equal((await stores.originals.head(key))?.size, file.length, 'under its key');
  const etags = await Promise.all(
    [spelled(key), templated(key), spelled(key).replaceAll('.', '%2e')].flatMap((path) =>
      ['?w=8&fmt=png', '/w=8&fmt=png'].map(async (rest) => {
        const answer = await server.get(`/img/${path}${rest}`);
        return answer.status === 200 ? answer.headers.get('etag') : `${answer.status} ${path}${rest}`;
      }),
    ),
  );
  t.equal(new Set(etags).size, 1, 'one picture', { etags });
  t.match(etags[0], /^"[0-9a-f]{32}"$/);
  for (const path of [spelled(key), templated(key)]) {
    t.match((await call(server, 'GET', `/api/explain/${path}?w=8`)).body, { id: key }, 'explained');
    t.match((await call(server, 'GET', `/api/images/${templated(key)}`)).body, { id: key, url: body.url });
  }
  t.match((await call(server, 'GET', body.statusUrl.slice(base.length))).body, { id: key, variants: [{}] });
  const told = body.variants[0]?.url ?? '';
  t.equal((await fetch(told)).status, 200, 'the link of a variant leads to it');
  await server.composed.images.settle();
  t.equal((await keysOf(stores.results)).length, 2);
  const purged = await call(server, 'POST', `/api/images/${spelled(key)}/purge`);
  t.match(purged.body, { results: { removed: 2 } }, 'purged');
  const replacing = await call(server, 'PUT', `/api/images/${spelled(key)}/original`, form([['file', file]]));
  t.equal(replacing.status, 202, 'replaced');
  t.equal((await call(server, 'DELETE', `/api/images/${templated(key)}`)).status, 204, 'deleted');
  t.equal(await stores.originals.head(key), undefined);
  t.equal((await server.get(`/img/${spelled(key)}?w=8`)).status, 404);
}

/** A presigned form, posted to where it says. */
async function announced(t: Test, server: TestServer, key: string, file: Buffer): Promise<void> {
  const wanted = { filename: 'a.png', contentType: 'image/png', size: file.length, id: key };
  const { body } = await call<{ url: string; fields: Record<string, string>; statusUrl: string }>(
    server,
    'POST',
    '/api/images/presign',
    wanted,
  );
  const parts = Object.entries(body.fields);
  const posted = await fetch(body.url, { method: 'POST', body: form([...parts, ['file', file]]) });
  t.equal(posted.status, 204, 'the form is taken');
  await deliver(server, key);
  const status = await call(server, 'GET', body.statusUrl.slice(server.base.length));
  t.match(status.body, { id: key, status: 'completed' });
  await call(server, 'DELETE', `/api/images/${templated(key)}`);
}

/** Of others: `npm run put`, and an object that only the bucket's event tells of. */
async function arrived(t: Test, server: TestServer, key: string, file: Buffer): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'rendition-keys-'));
  t.teardown(() => removeFolder(folder));
  const path = join(folder, 'file');
  await writeFile(path, file);
  await putFile(server.stores, path, { id: key });
  await t.rejects(putFile(server.stores, path, { id: key }), { code: 'conflict' }, 'put once');
  await putFile(server.stores, path, { id: key, replace: true });
  await deliver(server, key);
  t.match(
    (await call(server, 'GET', `/api/images/${templated(key)}`)).body,
    { id: key },
    'known by its event',
  );
  await server.stores.originals.remove([key]);
  const s3 = { bucket: { name: 'originals' }, object: { key: inEvent(key) } };
  await server.stores.jobs.send([JSON.stringify({ Records: [{ eventName: 'ObjectRemoved:Delete', s3 }] })]);
  await deliver(server);
  t.equal((await call(server, 'GET', `/api/images/${templated(key)}`)).status, 404, 'gone by its event');
}

/** What the warmer does with events; of an object that was put, S3 tells first. */
async function deliver(server: TestServer, put?: string): Promise<void> {
  const { stores, composed } = server;
  if (put !== undefined && stores.originals.announces) {
    const s3 = { bucket: { name: 'originals' }, object: { key: inEvent(put), eTag: 'x' } };
    await stores.jobs.send([JSON.stringify({ Records: [{ eventName: 'ObjectCreated:Post', s3 }] })]);
  }
  for (const message of await jobsOf(server)) {
    const job = readJob(JSON.stringify(message));
    for (const { id } of job.kind === 'objects' ? job.events : [])
      await composed.management?.reconciler.reconcile(id);
  }
}
