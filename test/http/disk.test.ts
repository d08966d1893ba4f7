import { randomBytes } from 'node:crypto';
import { readdir, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { call, form, noise } from '../support/api.ts';
import { mountDisk } from '../support/disk.ts';
import { temporaryFolder } from '../support/folders.ts';
import { bytesOf, startServer, type TestServer } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';

const MIB = 2 ** 20;
const upload = async (server: TestServer, id: string, file?: Uint8Array) =>
  call(
    server,
    'POST',
    '/api/images',
    form([
      ['id', id],
      ['file', file ?? (await noise(200, 100, id.length))],
    ]),
  );
const tierOf = async (server: TestServer, path: string) => {
  const answer = await server.get(path);
  await bytesOf(answer);
  return answer.status === 200 ? answer.headers.get('x-image-cache') : answer.status;
};

t.test('below MIN_FREE_BYTES uploads are refused, and all else goes on', async (t) => {
  const folder = await temporaryFolder();
  const before = await startServer({ DATA_DIR: folder });
  t.equal((await upload(before, 'a')).status, 202);
  t.equal((await upload(before, 'b')).status, 202);
  t.equal(await tierOf(before, '/img/a?w=40&fmt=webp'), 'miss');
  await before.composed.images.settle();
  await before.close();
  const server = await startServer({ DATA_DIR: folder, MIN_FREE_BYTES: '4000000GiB' });
  t.teardown(() => server.close());
  const full = { status: 507, body: { code: 'storage_full', detail: /MIN_FREE_BYTES/ } };
  t.match(await upload(server, 'c'), full);
  t.match(await call(server, 'PUT', '/api/images/b/original', form([['file', await noise(9, 9)]])), full);
  t.match(await call(server, 'GET', '/api/images/c'), { status: 404 }, 'nothing is left of it');
  t.equal(await tierOf(server, '/img/a?w=40&fmt=webp'), 'stored');
  t.equal(await tierOf(server, '/img/a?w=41&fmt=webp'), 'miss', 'what cannot be stored is rendered and sent');
  await server.composed.images.settle();
  t.equal((await server.stores.results.list({ prefix: '', limit: 10 })).items.length, 1);
  t.ok(server.lines.some(({ canonical }) => canonical === 'fmt=webp&w=41'));
  t.match(await call(server, 'PATCH', '/api/images/b', { title: 'Words' }), { status: 200 });
  t.equal((await call(server, 'DELETE', '/api/images/b')).status, 204);
  t.match(await call(server, 'GET', '/readyz'), { status: 200 });
});

t.test('a disk that fills up costs uploads, and no picture that is there', async (t) => {
  const disk = await mountDisk(t, 16 * MIB);
  if (!disk) return;
  const { folder } = disk;
  const server = await startServer({ DATA_DIR: folder, MIN_FREE_BYTES: '0' });
  t.teardown(() => server.close());
  t.equal((await upload(server, 'a')).status, 202);
  t.equal(await tierOf(server, '/img/a?w=40&fmt=webp'), 'miss');
  await server.composed.images.settle();
  const large = await noise(1600, 1200);
  // In the middle of the upload the disk is full.
  const { bavail, bsize } = await statfs(folder);
  await writeFile(join(folder, 'filler'), randomBytes(bavail * bsize - Math.ceil(large.length / 2)));
  const refused = await upload(server, 'large', large);
  t.match(refused, { status: 507, body: { code: 'storage_full', detail: /disk of the store is full/ } });
  t.same(await readdir(join(folder, 'originals', '.tmp')), [], 'nothing half is left');
  t.match(await call(server, 'GET', '/api/images/large'), { status: 404 });
  // To the last byte.
  await writeFile(join(folder, 'filler 2'), randomBytes(8 * MIB)).catch(() => undefined);
  for (let lap = 0; lap < 3; lap++) {
    t.equal(await tierOf(server, '/img/a?w=40&fmt=webp'), 'memory');
    t.equal(await tierOf(server, `/img/a?w=${50 + lap}&fmt=webp`), 'miss');
  }
  await server.composed.images.settle();
  t.match(await upload(server, 'c'), { status: 507, body: { code: 'storage_full' } });
  t.match(await call(server, 'GET', '/api/images/a'), { status: 200 });
  for (const name of ['filler', 'filler 2']) await rm(join(folder, name));
  await waitFor(async () => (await upload(server, 'large', large)).status === 202);
  t.match(await call(server, 'GET', '/api/images/large'), { status: 200 });
  t.equal(await tierOf(server, '/img/large?w=40&fmt=webp'), 'miss');
  t.equal((await call(server, 'DELETE', '/api/images/a')).status, 204);
});

t.test('a disk that turns read-only refuses what has to be written, and serves', async (t) => {
  const disk = await mountDisk(t, 16 * MIB);
  if (!disk) return;
  const { folder, readOnly } = disk;
  const server = await startServer({ DATA_DIR: folder, MIN_FREE_BYTES: '0' });
  t.teardown(() => server.close());
  t.equal((await upload(server, 'a')).status, 202);
  for (const width of [40, 41]) t.equal(await tierOf(server, `/img/a?w=${width}&fmt=webp`), 'miss');
  await server.composed.images.settle();
  const other = await startServer({ DATA_DIR: folder, MIN_FREE_BYTES: '0' });
  t.teardown(() => other.close());
  // What is open for writing is closed by its writer in a moment.
  await waitFor(() => {
    try {
      readOnly(true);
      return true;
    } catch {
      server.stores.close();
      other.stores.close();
      return false;
    }
  });
  t.equal(await tierOf(server, '/img/a?w=40&fmt=webp'), 'stale');
  t.equal(await tierOf(other, '/img/a?w=41&fmt=webp'), 'stale');
  t.equal(await tierOf(other, '/img/a?w=42&fmt=webp'), 'stale', 'rendered');
  for (const answer of [await upload(server, 'c'), await call(server, 'DELETE', '/api/images/a')])
    t.ok(answer.status >= 500, `${answer.status}`);
  readOnly(false);
});
