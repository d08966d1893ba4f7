import { readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { call, form, noise } from '../support/api.ts';
import { rendition } from '../support/cli.ts';
import { temporaryFolder } from '../support/folders.ts';
import { bytesOf, startServer, type TestServer } from '../support/server.ts';

const upload = async (server: TestServer, id: string, seed: number) =>
  call(
    server,
    'POST',
    '/api/images',
    form([
      ['id', id],
      ['title', id],
      ['file', await noise(50, 30, seed)],
    ]),
  );

async function flip(file: string, position: number): Promise<void> {
  const bytes = await readFile(file);
  bytes.writeUInt8(bytes.readUInt8(position) ^ 4, position);
  await writeFile(file, bytes);
}

t.test('verify names damaged originals, and removes damaged results', async (t) => {
  const data = await temporaryFolder();
  const server = await startServer({ DATA_DIR: data });
  for (const [seed, id] of ['good', 'flipped', 'torn'].entries())
    t.equal((await upload(server, id, seed + 1)).status, 202);
  for (const width of [10, 11, 12]) await bytesOf(await server.get(`/img/good?w=${width}&fmt=png`));
  await server.put('foreign', await noise(20, 20, 9));
  await server.composed.images.settle();
  const said = async () => {
    const { code, lines } = await rendition(['verify', '--json', '--data', data]);
    return { code, lines: lines.map((line): Record<string, unknown> => JSON.parse(line)) };
  };
  t.match(await said(), { code: 0, lines: [{ originals: 4, results: 3, removed: 0, damaged: 0 }] });
  await flip(join(data, 'originals', 'flipped'), 300);
  await truncate(join(data, 'originals', 'torn'), 700);
  const folder = join(data, 'results');
  const names = await readdir(folder, { recursive: true });
  await flip(join(folder, names.find((name) => name.includes('w=11')) ?? ''), 80);
  const { variants } = server.stores.records;
  const { version = '' } = (await server.stores.records.images.get('good')) ?? {};
  const [form = ''] = (await variants.queue('good', version, ['fmt=png&w=11'])).map(({ variant }) => variant);
  await variants.update('good', form, version, ['queued'], { status: 'ready' });
  const { code, lines } = await said();
  t.equal(code, 1);
  t.same(
    lines
      .slice(0, -1)
      .map(({ subject }) => subject)
      .sort(),
    ['flipped', 'torn'],
  );
  for (const line of lines.slice(0, -1)) t.match(line, { error: /Restore its file from a backup/ });
  t.match(lines.at(-1), { originals: 2, results: 3, removed: 1, damaged: 2 });
  t.equal((await server.stores.results.list({ prefix: '', limit: 10 })).items.length, 2);
  t.equal((await readdir(join(data, 'originals'))).includes('torn'), true, 'no original goes');
  t.match(await variants.list('good'), [{ status: 'expired', error: /damaged/ }], 'no record says ready');
  await server.close();
});

t.test('scan --register makes images of what lies in the originals', async (t) => {
  const data = await temporaryFolder();
  const before = await startServer({ DATA_DIR: data });
  for (const [seed, id] of ['a', 'b/c.jpg'].entries())
    t.equal((await upload(before, id, seed + 1)).status, 202);
  await before.put('no picture', Buffer.from('words'));
  await before.close();
  for (const suffix of ['', '-wal', '-shm'])
    await rm(join(data, `rendition.sqlite${suffix}`), { force: true });
  const first = await rendition(['scan', '--data', data]);
  t.match(first, { code: 0, stdout: /^3 objects, 3 can be served\n$/ });
  const registering = await rendition(['scan', '--register', '--data', data]);
  t.match(registering, { code: 0, stdout: /3 registered/ });
  const server = await startServer({ DATA_DIR: data });
  t.teardown(() => server.close());
  t.match(await call(server, 'GET', '/api/images/b/c.jpg'), {
    status: 200,
    body: { original: { width: 50 } },
  });
  t.match(await call(server, 'GET', '/api/images/a'), {
    status: 200,
    body: { original: { format: 'jpeg' } },
  });
  t.match(await call(server, 'GET', '/api/images/no picture'), { status: 200, body: { status: 'failed' } });
  t.equal(
    (await server.stores.originals.list({ prefix: '', limit: 10 })).items.length,
    3,
    'nothing is removed',
  );
  const again = await rendition(['scan', '--register', '--json', '--data', data]);
  t.match(
    again.lines.map((line) => JSON.parse(line)),
    [{ objects: 3, registered: 0 }],
  );
});
