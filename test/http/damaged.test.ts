import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { call, form, noise } from '../support/api.ts';
import { type StorageEmulator, startStorage, useKeys } from '../support/emulators.ts';
import { removeFolder, temporaryFolder } from '../support/folders.ts';
import { bytesOf, problemOf, startServer, type TestServer } from '../support/server.ts';
import { type Fault, startWire } from '../support/wire.ts';

useKeys();

let storage: StorageEmulator;
t.before(async () => {
  storage = await startStorage();
});
t.teardown(() => storage.stop());

const photo = await noise(60, 40, 7);
const upload = (server: TestServer) =>
  call(
    server,
    'POST',
    '/api/images',
    form([
      ['id', 'a'],
      ['file', photo],
    ]),
  );

/** A data folder with one picture, of which one result is stored. */
async function folderWithResult(t: Test): Promise<{ folder: string; file: string; result: Buffer }> {
  const folder = await temporaryFolder();
  t.teardown(() => removeFolder(folder));
  const server = await startServer({ DATA_DIR: folder });
  t.equal((await upload(server)).status, 202);
  const result = await bytesOf(await server.get('/img/a?w=20&fmt=webp'));
  await server.composed.images.settle();
  await server.close();
  return { folder, file: join(folder, 'originals', 'a'), result };
}

t.test(
  'a damaged original is told as such, never as a verdict on the picture, and can be replaced',
  async (t) => {
    const { folder, file, result } = await folderWithResult(t);
    const whole = await readFile(file);
    const { length } = whole;
    const damages: [string, () => Promise<void>][] = [
      ...[0, 1, 100, photo.length - 1, photo.length, length - 13, length - 1].map(
        (size): [string, () => Promise<void>] => [`cut to ${size} of ${length}`, () => truncate(file, size)],
      ),
      ...[
        0,
        2,
        200,
        photo.length - 1,
        photo.length + 5,
        photo.length + 40,
        length - 20,
        length - 10,
        length - 3,
      ].map((position): [string, () => Promise<void>] => [
        `a bit of byte ${position} of ${length}`,
        () => {
          const flipped = Buffer.from(whole);
          flipped.writeUInt8(flipped.readUInt8(position) ^ 1, position);
          return writeFile(file, flipped);
        },
      ]),
    ];
    for (const [what, damage] of damages) {
      await writeFile(file, whole);
      await damage();
      const server = await startServer({ DATA_DIR: folder });
      const fresh = await server.get('/img/a?w=21&fmt=webp');
      t.match([fresh.status, fresh.headers.get('cache-control')], [500, 'no-store'], what);
      t.match(
        await problemOf(fresh),
        { code: 'damaged_store', detail: /Restore its file from a backup/ },
        what,
      );
      const stored = await server.get('/img/a?w=20&fmt=webp');
      t.match([stored.status, stored.headers.get('x-image-cache')], [200, 'stored'], what);
      t.same(await bytesOf(stored), result);
      const other = await server.get('/img/b?w=20');
      t.equal(other.status, 404, 'others are no worse off');
      t.match(await (await server.get('/metrics')).text(), /rendition_originals_damaged_total [1-9]/, what);
      t.ok(
        server.lines.some(({ err }) => JSON.stringify(err ?? '').includes('the disk has damaged it')),
        what,
      );
      t.equal(server.composed.core.originals.isAway, false);
      await server.close();
    }
    await truncate(file, 100);
    const server = await startServer({ DATA_DIR: folder });
    t.teardown(() => server.close());
    const replaced = await call(server, 'PUT', '/api/images/a/original', form([['file', photo]]));
    t.equal(replaced.status, 202);
    t.equal((await server.get('/img/a?w=21&fmt=webp')).status, 200);
    await truncate(file, 100);
    t.equal((await call(server, 'DELETE', '/api/images/a')).status, 204);
    t.equal((await upload(server)).status, 202);
  },
);

for (const kind of ['flip', 'short', 'cut'] satisfies Fault[]) {
  t.test(`an original that comes with a ${kind} is 503, and never a verdict that others see`, async (t) => {
    const wire = await startWire(storage.endpoint);
    const server = await startServer({
      ORIGINALS_BUCKET: storage.originals,
      S3_ENDPOINT: wire.endpoint,
      RESULTS_BUCKET: storage.results,
      ORIGINALS_CACHE_BYTES: '0',
    });
    t.teardown(async () => {
      await server.close();
      await wire.stop();
    });
    await call(server, 'DELETE', '/api/images/a');
    t.equal((await upload(server)).status, 202);
    t.equal((await server.get('/img/a?w=29&fmt=webp')).status, 200);
    wire.fault = {
      kind,
      hits: (method, url) => method === 'GET' && url.startsWith(`/${storage.originals}/a`),
    };
    for (const width of [30, 31]) {
      const answer = await server.get(`/img/a?w=${width}&fmt=webp`);
      t.match([answer.status, answer.headers.get('cache-control')], [503, 'no-store']);
      await answer.body?.cancel();
    }
    t.ok(wire.harmed > 0);
    wire.fault = undefined;
    t.equal((await server.get('/img/a?w=30&fmt=webp')).status, 200);
  });
}
