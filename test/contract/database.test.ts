import { mkdir, mkdtemp, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { backUp } from '../../server/stores/sqlite/backup.ts';
import { WriteAheadLog } from '../../server/stores/sqlite/log.ts';
import { openSqlite } from '../../server/stores/sqlite/open.ts';
import { removeFolder } from '../support/folders.ts';
import { waitFor } from '../support/wait.ts';

const folder = await mkdtemp(join(tmpdir(), 'rendition-'));
t.teardown(() => removeFolder(folder));
const options = { maxReceives: 3 };
const image = (id: string, title = '') => ({
  id,
  status: 'uploaded' as const,
  createdAt: new Date().toISOString(),
  title,
});
const MIB = 2 ** 20;
const logBytes = async (path: string) => (await stat(`${path}-wal`)).size;

t.test('a write waits for a lock of somebody else while all else goes on', async (t) => {
  const path = join(folder, 'locked.db');
  const { records, jobs, close } = openSqlite(path, options);
  t.teardown(close);
  const other = new DatabaseSync(path);
  other.exec('BEGIN EXCLUSIVE');
  const done: string[] = [];
  const writes = ['a', 'b', 'c'].map((id) =>
    records.images.create(image(id)).then((made) => done.push(`${id} ${made}`)),
  );
  const sent = jobs.send(['job']).then(() => done.push('sent'));
  for (let lap = 0; lap < 5; lap++) await sleep(1);
  t.equal(await records.images.get('a'), undefined, 'reads go on');
  t.match(await jobs.depth(), { ready: 0 });
  t.same(done, []);
  other.exec('ROLLBACK');
  await Promise.all([...writes, sent]);
  t.same(done, ['a true', 'b true', 'c true', 'sent'], 'in the order in which they came');
  other.close();
});

t.test('a file can be opened while somebody else writes', async (t) => {
  const path = join(folder, 'opened.db');
  openSqlite(path, options).close();
  const other = new DatabaseSync(path);
  other.exec("BEGIN IMMEDIATE; INSERT INTO leases VALUES ('a', 'a', 1)");
  const { records, close } = openSqlite(path, options);
  t.equal(await records.images.get('a'), undefined);
  close();
  other.close();
});

t.test('the log is bounded, and short again once a reader that held it has ended', async (t) => {
  const path = join(folder, 'log.db');
  const { records, checkpoint, close } = openSqlite(path, options);
  t.teardown(close);
  const write = async (count: number) => {
    const title = 'x'.repeat(100_000);
    for (let n = 0; n < count; n++) await records.images.create(image(`${count}-${n}`, title));
  };
  await write(250);
  const bytes = await logBytes(path);
  t.ok(bytes < 24 * MIB, `${bytes} bytes after 25 MB`);
  const reader = new DatabaseSync(path);
  reader.exec('BEGIN; SELECT count(*) FROM images');
  await write(150);
  t.ok((await logBytes(path)) > 12 * MIB, 'what the reader sees is kept for it');
  reader.exec('COMMIT');
  reader.close();
  await waitFor(async () => {
    await checkpoint();
    return (await logBytes(path)) < MIB;
  });
  t.equal((await records.images.list({ limit: 1000 })).items.length, 400);
});

t.test('a log that could not be opened once is opened by the next write', async (t) => {
  const path = join(folder, 'unopened.db');
  const log = new WriteAheadLog(path);
  t.teardown(() => log.close());
  await mkdir(`${path}-wal`);
  await t.rejects(log.durable(), { code: 'EISDIR' });
  await rmdir(`${path}-wal`);
  await writeFile(`${path}-wal`, '');
  await log.durable();
});

const BROKEN: readonly [name: string, spoil: (path: string) => Promise<void>, reason: RegExp][] = [
  ['garbage', (path) => writeFile(path, 'no database '.repeat(1000)), /not a database/],
  ['of a newer program', async (path) => newerVersion(path), /newer version \(999\)/],
  ['cut short', async (path) => writeFile(path, Buffer.alloc(100, 1)), /not a database/],
];

function newerVersion(path: string): void {
  const raw = new DatabaseSync(path);
  raw.exec('PRAGMA user_version = 999');
  raw.close();
}

for (const [name, spoil, reason] of BROKEN) {
  t.test(
    `a file that is ${name} is refused in one line, or told of and taken up once it is good`,
    async (t) => {
      const path = join(folder, `${name}.db`);
      const good = openSqlite(path, options);
      await good.records.images.create(image('a'));
      await backUp(path, `${path}.good`);
      good.close();
      await spoil(path);
      t.throws(() => openSqlite(path, options), { code: 'store_unavailable', cause: reason });
      const heard: unknown[] = [];
      const { records, jobs, close } = openSqlite(path, { ...options, onUnusable: (why) => heard.push(why) });
      t.teardown(close);
      for (let lap = 0; lap < 20; lap++)
        await t.rejects(records.images.get('a'), { code: 'store_unavailable', cause: reason });
      await t.rejects(records.images.create(image('b')), { code: 'store_unavailable' });
      await t.rejects(jobs.send(['a']), { code: 'store_unavailable' });
      t.match(heard, [reason], 'once, not with every call');
      t.equal(heard.length, 1);
      await rename(`${path}.good`, path);
      await waitFor(async () => (await records.images.get('a').catch(() => undefined)) !== undefined);
      t.same(heard.slice(1), [undefined]);
      t.equal(await records.images.create(image('b')), true);
    },
  );
}

t.test(
  'a file that is replaced or removed under a program takes no writes that nobody would see',
  async (t) => {
    const path = join(folder, 'replaced.db');
    const heard: unknown[] = [];
    const { records, close } = openSqlite(path, { ...options, onUnusable: (why) => heard.push(why) });
    t.teardown(close);
    await records.images.create(image('a'));
    await backUp(path, `${path}.good`);
    await records.images.create(image('later'));
    await rename(path, `${path}.away`);
    await waitFor(() =>
      records.images.create(image('nowhere')).then(
        () => false,
        (error) => error.code === 'store_unavailable',
      ),
    );
    t.match(String(heard[0]), /is gone/);
    for (const suffix of ['-wal', '-shm']) await rm(path + suffix, { force: true });
    await rename(`${path}.good`, path);
    await waitFor(async () => (await records.images.get('a').catch(() => undefined)) !== undefined);
    t.equal(await records.images.get('later'), undefined);
    t.equal(await records.images.create(image('b')), true);
  },
);

t.test('a page that is overwritten costs what is on it, and is told', async (t) => {
  const path = join(folder, 'page.db');
  const first = openSqlite(path, options);
  for (let n = 0; n < 200; n++) await first.records.images.create(image(`image ${n}`, 'x'.repeat(3000)));
  first.close();
  const raw = new DatabaseSync(path);
  const { rootpage } = raw.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'images'").get() ?? {};
  raw.close();
  const { open } = await import('node:fs/promises');
  const file = await open(path, 'r+');
  await file.write(Buffer.alloc(4096, 0x77), 0, 4096, (Number(rootpage) - 1) * 4096);
  await file.close();
  const heard: unknown[] = [];
  const { records, jobs, close } = openSqlite(path, { ...options, onUnusable: (why) => heard.push(why) });
  t.teardown(close);
  for (let lap = 0; lap < 3; lap++)
    await t.rejects(records.images.get('image 7'), { code: 'store_unavailable' });
  t.match(heard, [/malformed/]);
  t.equal(heard.length, 1);
  await jobs.send(['a']);
  t.match(await jobs.depth(), { ready: 1 }, 'the rest goes on');
});
