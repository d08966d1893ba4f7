import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import t from 'tap';
import { call, form } from '../support/api.ts';
import { rendition } from '../support/cli.ts';
import { corpus } from '../support/corpus.ts';
import { temporaryFolder } from '../support/folders.ts';
import { bytesOf, startServer } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';

const photo = await corpus('samples/ladybug.jpg');

t.test('a lock of another program on the database stops no picture and no check', async (t) => {
  const folder = await temporaryFolder();
  const server = await startServer({ DATA_DIR: folder });
  t.teardown(() => server.close());
  const upload = form([
    ['id', 'a.jpg'],
    ['file', photo],
  ]);
  t.equal((await call(server, 'POST', '/api/images', upload)).status, 202);
  const tierOf = async (path: string) => {
    const answer = await server.get(path);
    await bytesOf(answer);
    return answer.status === 200 ? answer.headers.get('x-image-cache') : String(answer.status);
  };
  for (const width of [40, 41]) await tierOf(`/img/a.jpg?w=${width}&fmt=webp`);
  await server.composed.images.settle();
  // A server that has neither in memory.
  const other = await startServer({ DATA_DIR: folder });
  t.teardown(() => other.close());
  const raw = new DatabaseSync(join(folder, 'rendition.sqlite'));
  // Several locks rather than one for all: a write waits for five seconds, in which a busy machine does little else.
  const locked = async (title: string, reads: () => Promise<void>) => {
    raw.exec("BEGIN EXCLUSIVE; INSERT INTO leases VALUES ('a', 'a', 1)");
    let isWritten = false;
    const change = call(server, 'PATCH', '/api/images/a.jpg', { title }).finally(() => {
      isWritten = true;
    });
    await reads();
    t.equal(isWritten, false, 'what has to be written waits');
    raw.exec('ROLLBACK');
    t.match(await change, { status: 200, body: { title } });
  };
  for (let lap = 0; lap < 20; lap++)
    await locked(`Lap ${lap}`, async () => {
      t.equal(await tierOf('/img/a.jpg?w=40&fmt=webp'), 'memory');
      t.equal((await server.get('/healthz')).status, 200);
      t.equal((await server.get('/readyz')).status, 200);
    });
  await locked('Last', async () => {
    const stored = await fetch(`${other.base}/img/a.jpg?w=41&fmt=webp`);
    t.match([stored.status, stored.headers.get('x-image-cache')], [200, 'stored']);
    t.equal((await call(server, 'GET', '/api/images/a.jpg')).status, 200);
  });
  raw.close();
});

t.test('pictures are served without the database; the API says 503, the log what to do', async (t) => {
  const folder = await temporaryFolder();
  const before = await startServer({ DATA_DIR: folder });
  const parts = form([
    ['id', 'a.jpg'],
    ['file', photo],
  ]);
  t.equal((await call(before, 'POST', '/api/images', parts)).status, 202);
  const old = await bytesOf(await before.get('/img/a.jpg?w=40&fmt=webp'));
  await before.composed.images.settle();
  await before.close();
  for (const suffix of ['', '-wal', '-shm'])
    await writeFile(join(folder, `rendition.sqlite${suffix}`), 'garbage'.repeat(5000));
  const server = await startServer({ DATA_DIR: folder });
  t.teardown(() => server.close());
  for (const query of ['w=40&fmt=webp', 'w=44&fmt=webp']) {
    const answer = await server.get(`/img/a.jpg?${query}`);
    t.match([answer.status, answer.headers.get('x-image-cache')], [200, 'stale'], query);
    const bytes = await bytesOf(answer);
    if (query === 'w=40&fmt=webp') t.same(bytes, old);
  }
  t.equal((await server.get('/img/b.jpg?w=40')).status, 503, 'whether there was such an image is not known');
  for (const [method, path] of [
    ['GET', '/api/images/a.jpg'],
    ['GET', '/api/images'],
    ['POST', '/api/images/a.jpg/purge'],
    ['DELETE', '/api/images/a.jpg'],
  ] as const)
    t.match(await call(server, method, path), { status: 503, body: { code: 'store_unavailable' } }, path);
  const again = form([['file', photo]]);
  t.match(await call(server, 'POST', '/api/images', again), { status: 503 });
  t.match(await call(server, 'GET', '/readyz'), { status: 200, body: { stores: { records: 'failed' } } });
  const said = server.lines.filter(({ msg }) => /rendition restore/.test(String(msg)));
  t.equal(said.length, 1);
  t.match(said[0], { level: 50, msg: /rendition\.sqlite cannot be read \(.*not a database/ });
});

t.test(
  'a database that is overwritten under a running server is taken up again once it is restored',
  async (t) => {
    const folder = await temporaryFolder();
    const server = await startServer({ DATA_DIR: folder });
    t.teardown(() => server.close());
    const parts = form([
      ['id', 'a.jpg'],
      ['file', photo],
    ]);
    t.equal((await call(server, 'POST', '/api/images', parts)).status, 202);
    const backup = join(folder, 'backup.sqlite');
    t.equal((await rendition(['backup', backup, '--data', folder])).code, 0);
    const raw = join(folder, 'rendition.sqlite');
    // Else it would all be in the log still.
    await server.stores.collectGarbage();
    await writeFile(`${raw}.garbage`, 'garbage'.repeat(5000));
    await rename(`${raw}.garbage`, raw);
    await waitFor(async () => (await call(server, 'GET', '/api/images/a.jpg')).status === 503);
    const answer = await server.get('/img/a.jpg?w=48&fmt=webp');
    t.match([answer.status, answer.headers.get('x-image-cache')], [200, 'stale']);
    t.equal((await rendition(['restore', backup, '--data', folder])).code, 0);
    await waitFor(async () => (await call(server, 'GET', '/api/images/a.jpg')).status === 200);
    t.ok(server.lines.some(({ msg }) => msg === 'the database can be read again'));
  },
);
