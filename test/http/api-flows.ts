import { readdir } from 'node:fs/promises';
import sharp from 'sharp';
import type { Test } from 'tap';
import { readJob, sendObject } from '../../server/warming/jobs.ts';
import { call, form, jobsOf, keysOf, noise, playWarmer, type UploadAnswer } from '../support/api.ts';
import { temporaryFolder } from '../support/folders.ts';
import type { TestServer } from '../support/server.ts';
import { races } from './api-races.ts';

const WANTED = ['w=64&fmt=webp', 'p=card&fmt=jpeg'];

/** For `MAX_UPLOAD_BYTES` of the server that runs the flows. */
export const MAX_UPLOAD_BYTES = 6_000_000;

/** What the management API must do over any stores. */
export async function flows(t: Test, server: TestServer): Promise<void> {
  const { stores } = server;
  const upload = (parts: Parameters<typeof form>[0]) =>
    call<UploadAnswer>(server, 'POST', '/api/images', form(parts));
  const file = await noise(120, 80);

  await t.test('an upload is stored, known, queued, and finished when the warmer says so', async (t) => {
    const parts = [
      ['title', 'Red shoe'],
      ['file', file],
      ['variants', JSON.stringify(WANTED)],
    ] as const;
    const { status, body, headers } = await upload(parts);
    t.equal(status, 202);
    t.equal(headers.get('location'), body.statusUrl);
    t.match(body, { status: 'processing', title: 'Red shoe', url: `${server.base}/img/${body.id}` });
    const queued = {
      variant: 'fmt=webp&w=64',
      requested: 'w=64&fmt=webp',
      status: 'queued',
      url: `${body.url}?fmt=webp&w=64`,
    };
    t.same(body.variants[0], queued);
    t.equal(body.variants[1]?.variant, 'fit=cover&fmt=jpeg&h=300&w=400');
    const record = await call(server, 'GET', `/api/images/${body.id}`);
    t.match(record.body, { original: { width: 120, height: 80, format: 'jpeg', bytes: file.length } });
    const jobs = await jobsOf(server);
    t.match(jobs, [{ kind: 'warm', id: body.id, variants: body.variants.map(({ variant }) => variant) }]);
    await playWarmer(server, body.id);
    const finished = await call(server, 'GET', `/api/images/${body.id}/status?wait=5`);
    t.match(finished.body, {
      status: 'completed',
      variants: [{ status: 'ready', attempts: 1, bytes: 1 }, {}],
    });
    t.equal((await server.get(`/img/${body.id}?w=20`)).status, 200);
    t.equal(
      (
        await upload([
          ['id', body.id],
          ['file', file],
        ])
      ).status,
      409,
      'its id is taken',
    );
  });

  await t.test('what only all of a file tells is measured too, above what is held in memory', async (t) => {
    const { data } = await sharp(await noise(61, 61))
      .resize(1220)
      .raw()
      .toBuffer({ resolveWithObject: true });
    const raw = sharp(data, { raw: { width: 1220, height: 1220, channels: 3 } });
    const comment = Buffer.alloc(4_400_000, 'x');
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="30" height="20"><!--${comment}--></svg>`;
    const jpeg = await noise(60, 40);
    const segment = Buffer.from([0xff, 0xfe, 0xff, 0xff, ...Buffer.alloc(65_533, 'x')]);
    const segments = Array.from({ length: 67 }, () => segment);
    // Of its own: other processes write to the usual one.
    const aside = await temporaryFolder();
    const { TMPDIR } = process.env;
    t.teardown(() => {
      if (TMPDIR === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = TMPDIR;
    });
    process.env['TMPDIR'] = aside;
    for (const [bytes, expected] of [
      [await raw.tiff({ compression: 'none' }).toBuffer(), { format: 'tiff', width: 1220, height: 1220 }],
      [Buffer.from(svg), { format: 'svg', width: 30, height: 20 }],
      [Buffer.concat([jpeg.subarray(0, 2), ...segments, jpeg.subarray(2)]), { format: 'jpeg', width: 60 }],
    ] as const) {
      // The folder reads up to 4 MiB at once.
      t.ok(bytes.length > 4 * 2 ** 20);
      const { status, body } = await upload([['file', bytes]]);
      t.equal(status, 202);
      const record = await call(server, 'GET', `/api/images/${body.id}`);
      t.match(record.body, { original: { ...expected, bytes: bytes.length } });
    }
    const cut = (await raw.tiff({ compression: 'none' }).toBuffer()).subarray(0, 4_400_000);
    t.match(await upload([['file', cut]]), { status: 422, body: { code: 'damaged_source' } });
    t.same(await readdir(aside), [], 'nothing of it stays aside');
  });

  await t.test('a replaced original is another version, and nothing old is left', async (t) => {
    const id = 'products/shoe.jpg';
    await upload([
      ['id', id],
      ['file', file],
      ['variants', JSON.stringify(WANTED)],
    ]);
    await playWarmer(server, id);
    const before = await server.get(`/img/${id}?w=30&fmt=png`);
    await before.arrayBuffer();
    await server.composed.images.settle();
    await jobsOf(server);
    const other = await noise(60, 60, 7);
    const path = `/api/images/${id}/original`;
    t.match(await call(server, 'PUT', path, form([['file', Buffer.from('no picture')]])), { status: 415 });
    t.equal((await call(server, 'GET', `/api/images/${id}`)).body['status'], 'completed', 'untouched');
    const replaced = await call<UploadAnswer>(server, 'PUT', path, form([['file', other]]));
    t.equal(replaced.status, 202);
    t.same(
      replaced.body.variants.map(({ status }) => status),
      ['queued', 'queued'],
    );
    const now = await call(server, 'GET', `/api/images/${id.replace('/', '%2F')}`);
    t.match(now.body, { status: 'processing', original: { width: 60, height: 60 } });
    t.match(await jobsOf(server), [{ kind: 'warm', id }]);
    const after = await server.get(`/img/${id}?w=30&fmt=png`);
    t.equal(after.headers.get('x-image-cache'), 'miss');
    t.equal(after.headers.get('x-image-height'), '30');
    await after.arrayBuffer();
    await server.composed.images.settle();
    t.notOk(
      (await keysOf(stores.originals)).some((key) => key.startsWith('.')),
      'nothing staged is left',
    );
  });

  await t.test('a purge clears every tier and says so; what was ready is told to be gone', async (t) => {
    const { body } = await upload([
      ['file', file],
      ['variants', '["w=64&fmt=webp"]'],
    ]);
    await playWarmer(server, body.id);
    const get = async () => {
      const response = await server.get(`/img/${body.id}?w=33&fmt=png`);
      await response.arrayBuffer();
      await server.composed.images.settle();
      return response.headers.get('x-image-cache');
    };
    t.same([await get(), await get()], ['miss', 'memory']);
    const purge = await call(server, 'POST', `/api/images/${body.id}/purge`);
    t.match(purge, {
      status: 200,
      body: { results: { removed: 1 }, memory: { removed: 1 }, edge: { status: 'not configured' } },
    });
    t.same([await get(), await get()], ['miss', 'memory']);
    const status = await call(server, 'GET', `/api/images/${body.id}/status`);
    t.match(status.body, { status: 'completed', variants: [{ status: 'skipped', error: /Purged/ }] });
    await jobsOf(server);
    await call(server, 'POST', `/api/images/${body.id}/variants`, { variants: ['w=64&fmt=webp'] });
    t.match(await jobsOf(server), [{ id: body.id, variants: ['fmt=webp&w=64'] }]);
    t.equal((await call(server, 'POST', '/api/images/none/purge')).status, 404);
  });

  await t.test('a delete leaves nothing, and may be repeated', async (t) => {
    const { body } = await upload([
      ['file', file],
      ['variants', '["w=64&fmt=webp"]'],
    ]);
    await (await server.get(`/img/${body.id}?w=20`)).arrayBuffer();
    await server.composed.images.settle();
    t.equal((await call(server, 'DELETE', `/api/images/${body.id}`)).status, 204);
    t.equal((await call(server, 'DELETE', `/api/images/${body.id}`)).status, 204);
    const keys = [...(await keysOf(stores.originals)), ...(await keysOf(stores.results))];
    t.same(
      keys.filter((key) => key.includes(body.id)),
      [],
    );
    t.same(await stores.records.variants.list(body.id), []);
    t.equal((await call(server, 'GET', `/api/images/${body.id}`)).status, 404);
    t.equal((await server.get(`/img/${body.id}?w=20`)).status, 404);
  });

  await t.test('a delete during renders leaves nothing behind', async (t) => {
    const { body } = await upload([['file', await noise(900, 900, 3)]]);
    const renders = [1, 2, 3, 4].map((n) =>
      server.get(`/img/${body.id}?w=${500 + n}&fmt=webp`).then((response) => response.arrayBuffer()),
    );
    await call(server, 'DELETE', `/api/images/${body.id}`);
    await Promise.all(renders);
    await server.composed.images.settle();
    t.same(
      (await keysOf(stores.results)).filter((key) => key.includes(body.id)),
      [],
    );
  });
  await entrances(t, server, file);
  await collections(t, server, file);
  await races(t, server);
}

/** A message as S3 sends it when an object was put; the embedded default has sent its own. */
async function tellOfObject({ stores }: TestServer, id: string): Promise<void> {
  if (!stores.originals.announces) return;
  const { etag = '' } = (await stores.originals.head(id)) ?? {};
  const s3 = { bucket: { name: 'originals' }, object: { key: encodeURIComponent(id), eTag: etag } };
  await stores.jobs.send([JSON.stringify({ Records: [{ eventName: 'ObjectCreated:Post', s3 }] })]);
}

/** What the warmer does with events; resolves to the ids of warm jobs. */
async function deliver(server: TestServer): Promise<string[]> {
  const warmed: string[] = [];
  for (const message of await jobsOf(server)) {
    const job = readJob(JSON.stringify(message));
    if (job.kind === 'warm') warmed.push(job.id);
    if (job.kind !== 'objects') continue;
    for (const { id } of job.events) await server.composed.management?.reconciler.reconcile(id);
  }
  return warmed;
}

async function entrances(t: Test, server: TestServer, file: Buffer): Promise<void> {
  const { stores } = server;
  await t.test('several files at once, each with its outcome', async (t) => {
    await jobsOf(server);
    const parts = [
      ['a', file],
      ['b', Buffer.from('no picture')],
      ['c', await noise(30, 30, 5)],
      ['variants', '["w=8"]'],
    ] as const;
    type Several = { images: (Partial<UploadAnswer> & { file?: string; problem?: object })[] };
    const { body } = await call<Several>(server, 'POST', '/api/images', form(parts));
    t.match(body.images, [
      { status: 'processing', variants: [{}, {}, {}] },
      { file: 'b.jpg', problem: { code: 'unsupported_source' } },
      { status: 'processing' },
    ]);
    t.equal((await deliver(server)).length, 2);
  });

  await t.test('what is refused leaves nothing', async (t) => {
    const ids = async () =>
      (await stores.records.images.list({ limit: 100 })).items.map(({ id }) => id).sort();
    const before = [await ids(), await keysOf(stores.originals)];
    const large = Buffer.alloc(MAX_UPLOAD_BYTES + 1, file);
    for (const [bytes, status] of [
      [large, 413],
      [Buffer.from('GIF'), 415],
      [file.subarray(0, 99), 422],
    ] as const) {
      t.match(await call(server, 'POST', '/api/images', form([['file', bytes]])), { status });
    }
    const wrong = form([
      ['file', file],
      ['variants', '["w=0"]'],
    ]);
    t.match(await call(server, 'POST', '/api/images', wrong), { status: 400 });
    t.same([await ids(), await keysOf(stores.originals)], before);
  });

  await t.test('a presigned form is posted, and the event completes and warms', async (t) => {
    const wanted = {
      filename: 'a.jpg',
      contentType: 'image/jpeg',
      size: file.length,
      variants: ['w=8&fmt=webp'],
    };
    type Presigned = { id: string; url: string; fields: Record<string, string> };
    const { body } = await call<Presigned>(server, 'POST', '/api/images/presign', wanted);
    t.match((await call(server, 'GET', `/api/images/${body.id}/status`)).body, { status: 'uploading' });
    const parts = [...Object.entries(body.fields), ['file', file]] as [string, string | Uint8Array][];
    const posted = await fetch(body.url, { method: 'POST', body: form(parts) });
    t.equal(posted.status, 204);
    await tellOfObject(server, body.id);
    await deliver(server);
    const { body: record } = await call(server, 'GET', `/api/images/${body.id}`);
    const variants = [{ variant: 'fmt=webp&w=8', status: 'queued' }];
    t.match(record, { status: 'processing', title: 'a.jpg', original: { width: 120 }, variants });
    t.same(await deliver(server), [body.id]);
  });

  await t.test('a presigned upload that is refused fails with its variants', async (t) => {
    const broken = file.subarray(0, 300);
    const wanted = { filename: 'a.jpg', contentType: 'image/jpeg', size: 300, variants: ['w=8&fmt=webp'] };
    type Presigned = { id: string; url: string; fields: Record<string, string> };
    const { body } = await call<Presigned>(server, 'POST', '/api/images/presign', wanted);
    const parts = [...Object.entries(body.fields), ['file', broken]] as [string, string | Uint8Array][];
    t.equal((await fetch(body.url, { method: 'POST', body: form(parts) })).status, 204);
    await tellOfObject(server, body.id);
    t.same(await deliver(server), []);
    const failed = { status: 'failed', error: /damaged/ };
    const status = await call(server, 'GET', `/api/images/${body.id}/status`);
    t.match(status.body, { ...failed, variants: [failed] });
    t.notOk(await stores.originals.head(body.id));
  });

  await t.test('an event of the bucket makes an object known, overwritten or gone', async (t) => {
    const id = 'bucket/old-photo.jpg';
    const event = async (change: 'created' | 'removed') => {
      await sendObject(stores.jobs, id, change);
      await deliver(server);
      return (await call(server, 'GET', `/api/images/${id}`)).body;
    };
    await server.put(id, file);
    t.match(await event('created'), { status: 'completed', original: { width: 120 } });
    await server.put(id, await noise(50, 50, 9));
    t.match(await event('created'), { original: { width: 50 } });
    t.match(await event('removed'), { original: { width: 50 } }, 'it is there');
    await server.put(id, Buffer.from('%PDF-1.7'));
    t.match(await event('created'), { status: 'failed', error: /PDF/ });
    const none = await call(server, 'POST', `/api/images/${id}/variants`, { variants: [] });
    t.match(none, { status: 400, body: { param: 'variants' } });
    await server.composed.management?.library.warm(id, { forms: [], requested: {} });
    t.match((await call(server, 'GET', `/api/images/${id}`)).body, { status: 'failed', error: /PDF/ });
    await stores.originals.remove([id]);
    t.match(await event('created'), { status: 404 });
  });
}

async function collections(t: Test, server: TestServer, file: Buffer): Promise<void> {
  const make = async (name: string) =>
    String((await call(server, 'POST', '/api/collections', { name })).body['id']);
  const upload = async (...parts: [string, string][]) =>
    (await call<UploadAnswer>(server, 'POST', '/api/images', form([...parts, ['file', file]]))).body.id;
  const relate = (method: string, id: string, images: string[]) =>
    call(server, method, `/api/collections/${id}/relationships/images`, { images });

  await t.test('collections: made, filled, listed, emptied, removed', async (t) => {
    const id = await make('Shoes');
    const inside = await upload(['collection', id]);
    const other = await upload();
    t.match((await relate('POST', id, [other])).body, { id, name: 'Shoes', description: null, count: 2 });
    const listed = await call<{ items: { id: string }[] }>(server, 'GET', `/api/images?collection=${id}`);
    t.same(listed.body.items.map((item) => item.id).sort(), [inside, other].sort());
    t.equal((await call(server, 'DELETE', `/api/collections/${id}`)).status, 409, 'not empty');
    t.match((await relate('DELETE', id, [inside, other])).body, { count: 0 });
    t.equal((await call(server, 'DELETE', `/api/collections/${id}`)).status, 204);
    t.equal((await call(server, 'DELETE', `/api/collections/${id}`)).status, 404);
  });

  await t.test('collections: an id that is none is refused, whatever its length', async (t) => {
    const image = await upload();
    for (const [length, status] of [
      [64, 404],
      [2040, 400],
    ] as const) {
      const id = 'c'.repeat(length);
      const url = `/api/collections/${id}`;
      t.match(await call(server, 'GET', url), { status });
      t.match(await call(server, 'PATCH', url, { name: 'C' }), { status });
      t.match(await call(server, 'DELETE', url), { status });
      t.match(await relate('POST', id, [image]), { status });
      t.match(await relate('DELETE', id, [image]), { status });
      t.match(await call(server, 'PATCH', `/api/images/${image}`, { collection: id }), { status });
      const parts = [['file', file] as const, ['collection', id] as const];
      t.match(await call(server, 'POST', '/api/images', form(parts)), { status });
      const listed = await call(server, 'GET', `/api/images?collection=${id}`);
      t.equal(listed.status, status === 404 ? 200 : 400);
    }
  });

  await t.test('collections: an image is in one at most, both sides exist, all or nothing', async (t) => {
    const [a, b] = [await make('A'), await make('B')];
    const [one, two] = [await upload(), await upload()];
    t.equal((await relate('POST', 'none', [one])).status, 404);
    t.match(await relate('POST', a, [one, 'absent']), { status: 404, body: { code: 'image_not_found' } });
    t.match((await call(server, 'GET', `/api/collections/${a}`)).body, { count: 0 });
    await relate('POST', a, [one]);
    t.match(await relate('POST', b, [two, one]), { status: 409, body: { code: 'conflict', received: one } });
    t.match((await call(server, 'GET', `/api/collections/${b}`)).body, { count: 0 });
    const [left, right] = await Promise.all([relate('POST', a, [two]), relate('POST', b, [two])]);
    t.same([left.status, right.status].sort(), [200, 409], 'of two at once, one wins');
    const empty = await make('C');
    const [related, removed] = await Promise.all([
      relate('POST', empty, [await upload()]),
      call(server, 'DELETE', `/api/collections/${empty}`),
    ]);
    t.ok(
      (related.status === 200 && removed.status === 409) ||
        (related.status === 404 && removed.status === 204),
      `filled or removed, never both: ${related.status} ${removed.status}`,
    );
  });
}
