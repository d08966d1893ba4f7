import { hash, randomBytes } from 'node:crypto';
import { linkSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, symlink, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import t from 'tap';
import { FileObjects } from '../../server/stores/files/objects.ts';
import { KeyPaths } from '../../server/stores/files/path.ts';
import { Writer } from '../../server/stores/files/writer.ts';
import { removeFolder } from '../support/folders.ts';
import { png } from './suite.ts';

const folder = await mkdtemp(join(tmpdir(), 'rendition-'));
t.teardown(() => removeFolder(folder));

const absent = { ...png, ifAbsent: true };

t.test('of two who write where an object has just been removed, one is told that he did', async (t) => {
  const root = join(folder, 'removed');
  const objects = await FileObjects.open(root, { isCache: true });
  const [path, lock] = [join(root, 'a'), join(root, '.tmp', `lock-${hash('sha1', join(root, 'a'))}`)];
  await objects.put('other', Buffer.from('of another process'), png);
  await objects.put('a', Buffer.from('before'), png);
  const paths = new KeyPaths(root, { foldsCase: false });
  let isOvertaken = false;
  const writer = new Writer(
    { root, aside: join(root, '.tmp'), paths, isCache: true, minFreeBytes: 0 },
    () => {
      // Another process, which needs no lock to write a new file, does so after the look.
      linkSync(join(root, 'other'), path);
      isOvertaken = true;
      return undefined;
    },
  );
  // Whoever removes it holds the lock, and the writer finds both.
  await writeFile(lock, '');
  const written = writer.put('a', Buffer.from('after'), absent);
  const isAside = (name: string) => !name.startsWith('lock-') && statSync(join(root, '.tmp', name)).size > 50;
  while (!readdirSync(join(root, '.tmp')).some(isAside)) await setImmediate();
  for (let turn = 0; turn < 20; turn++) await setImmediate();
  await unlink(path);
  await unlink(lock);
  t.not((await written) !== undefined, isOvertaken, 'one of them');
  t.match(readFileSync(path, 'latin1'), isOvertaken ? /^of another/ : /^after/);
});

t.test(
  'bytes that come in any pieces are stored as they came, on both sides of what is written at once',
  async (t) => {
    const root = join(folder, 'pieces');
    const objects = await FileObjects.open(root);
    for (const size of [0, 1, 65_535, 65_536, 65_537, 200_000])
      for (const piece of [1 + size, 65_536, 65_537, 1 + Math.floor(size / 3)]) {
        const bytes = randomBytes(size);
        const pieces = Array.from({ length: Math.ceil(size / piece) }, (_, number) =>
          bytes.subarray(number * piece, (number + 1) * piece),
        );
        const what = `${size} bytes by ${piece}`;
        const written = await objects.put('a', Readable.from(pieces, { objectMode: true }), png);
        t.match(written, { etag: hash('md5', bytes), size }, what);
        const file = readFileSync(join(root, 'a'));
        t.ok(file.subarray(0, size).equals(bytes), what);
        const stored = await objects.get('a');
        t.ok((await stored?.bytes())?.equals(bytes), what);
        t.equal(stored?.crc32, crc32(bytes).toString(16).padStart(8, '0'), what);
      }
  },
);

t.test('a link that leads nowhere is no object, and is replaced by one', async (t) => {
  const root = join(folder, 'nowhere');
  const objects = await FileObjects.open(root);
  for (const [key, condition] of [
    ['a', absent],
    ['b', png],
  ] as const) {
    await symlink(join(root, 'gone'), join(root, key));
    t.equal(await objects.head(key), undefined);
    t.ok(await objects.put(key, randomBytes(10), condition));
    t.equal((await objects.head(key))?.size, 10);
  }
});

t.test('damage is not copied as if it were what was written', async (t) => {
  for (const size of [500, 5_000_000]) {
    const root = join(folder, `copied-${size}`);
    const [originals, results] = [
      await FileObjects.open(root, { tellsDamage: true }),
      await FileObjects.open(root),
    ];
    await originals.put('from', randomBytes(size), png);
    t.ok(await originals.copy('from', 'whole'));
    const file = readFileSync(join(root, 'from'));
    file[size - 1] = (file[size - 1] ?? 0) ^ 4;
    await writeFile(join(root, 'from'), file);
    await t.rejects(originals.copy('from', 'to'), { code: 'damaged_store' });
    t.equal(await results.copy('from', 'to'), undefined, 'what can be made again is as good as absent');
    t.equal(await originals.head('to'), undefined);
    t.same(
      (await originals.list({ prefix: '', limit: 9 })).items.map(({ key }) => key),
      ['from', 'whole'],
    );
  }
});
