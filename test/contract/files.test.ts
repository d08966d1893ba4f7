import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, unlink, utimes, writeFile } from 'node:fs/promises';
import { Session } from 'node:inspector/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import t from 'tap';
import { FileObjects } from '../../server/stores/files/objects.ts';
import { KeyPaths } from '../../server/stores/files/path.ts';
import { spawnProgram } from '../support/command.ts';
import { removeFolder } from '../support/folders.ts';
import { BUCKET_KEYS } from '../support/keys.ts';
import { always } from '../support/property.ts';
import { bytesOf, each, png, present } from './suite.ts';

const folder = await mkdtemp(join(tmpdir(), 'rendition-'));
t.teardown(() => removeFolder(folder));

async function filesOf(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

t.test('the file of an original begins with its bytes, so a viewer opens it', async (t) => {
  const root = join(folder, 'plain');
  const objects = await FileObjects.open(root);
  const bytes = randomBytes(1_000);
  await objects.put('products/shoe.jpg', bytes, png);
  const file = await readFile(join(root, 'products+', 'shoe.jpg'));
  t.ok(file.subarray(0, 1_000).equals(bytes));
});

/** Calls of Node's file system that are made meanwhile, by its own trace. */
async function fileCalls(work: () => Promise<unknown>): Promise<string[]> {
  const session = new Session();
  session.connect();
  const calls: string[] = [];
  session.on('NodeTracing.dataCollected', ({ params }) => {
    for (const event of params.value) calls.push(String(Reflect.get(event, 'name')));
  });
  const traceConfig = { includedCategories: ['node.fs.async', 'node.fs.sync'] };
  await session.post('NodeTracing.start', { traceConfig });
  await work();
  const complete = once(session, 'NodeTracing.tracingComplete');
  await session.post('NodeTracing.stop');
  await complete;
  session.disconnect();
  return calls;
}

t.test(
  'an original is on the disk before it is acknowledged; a result, which can be made again, waits for none',
  async (t) => {
    const syncs = async (isCache: boolean) => {
      const objects = await FileObjects.open(join(folder, `synced-${isCache}`), { isCache });
      const calls = await fileCalls(() => objects.put('img/a', randomBytes(500), png));
      t.ok(
        calls.some((name) => name.endsWith('write')),
        calls.join(' '),
      );
      return calls.filter((name) => /sync$/.test(name)).length;
    };
    t.ok((await syncs(false)) > 0);
    t.equal(await syncs(true), 0);
  },
);

t.test('a new object takes one file of the disk, and no lock beside it', async (t) => {
  const objects = await FileObjects.open(join(folder, 'new'), { isCache: true });
  await objects.put('img/a', randomBytes(500), png);
  const calls = await fileCalls(() => objects.put('img/b', randomBytes(500), { ...png, ifAbsent: true }));
  // Each is traced where it begins and where it ends.
  const opened = calls.filter((name) => name.endsWith('open')).length / 2;
  t.equal(opened, 1, calls.join(' '));
});

t.test('a file cut short anywhere is treated as absent, and can be written again', async (t) => {
  const root = join(folder, 'torn');
  const objects = await FileObjects.open(root);
  const { length } = await (async () => {
    await objects.put('a', randomBytes(500), png);
    return readFile(join(root, 'a'));
  })();
  for (const size of [0, 1, 11, 400, 500, 510, length - 13, length - 1]) {
    await objects.put('a', randomBytes(500), png);
    await truncate(join(root, 'a'), size);
    t.equal(await objects.head('a'), undefined, `cut to ${size} of ${length}`);
    t.equal(await objects.get('a'), undefined);
    t.same((await objects.list({ prefix: '', limit: 10 })).items, []);
    t.ok(await objects.put('a', randomBytes(500), { ...png, ifAbsent: true }));
  }
});

t.test('a file that lost some of its beginning is treated as absent', async (t) => {
  const root = join(folder, 'beheaded');
  const objects = await FileObjects.open(root);
  await objects.put('a', randomBytes(500), png);
  await writeFile(join(root, 'a'), (await readFile(join(root, 'a'))).subarray(1));
  t.equal(await objects.get('a'), undefined);
});

t.test('foreign files and folders are not objects', async (t) => {
  const root = join(folder, 'foreign');
  const objects = await FileObjects.open(root);
  await objects.put('mine', randomBytes(10), png);
  await writeFile(join(root, 'photo.jpg'), randomBytes(5_000));
  await mkdir(join(root, 'folder'));
  await mkdir(join(root, '.git'));
  await writeFile(join(root, 'other'), await readFile(join(root, 'mine')));
  for (const key of ['photo.jpg', 'folder', '.git', 'other']) t.equal(await objects.head(key), undefined);
  const { items } = await objects.list({ prefix: '', limit: 10 });
  t.same(
    items.map(({ key }) => key),
    ['mine'],
  );
});

t.test('a file whose facts have changed on the disk is no object, whichever bit it was', async (t) => {
  const root = join(folder, 'flipped');
  const objects = await FileObjects.open(root);
  await objects.put('a', randomBytes(500), { ...png, cacheControl: 'public', metadata: { epoch: '5' } });
  const file = await readFile(join(root, 'a'));
  const wrong: string[] = [];
  for (let bit = 500 * 8; bit < file.length * 8; bit++) {
    const flipped = Buffer.from(file);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    await writeFile(join(root, 'a'), flipped);
    const read = await objects.head('a');
    if (read) wrong.push(`bit ${bit}: ${JSON.stringify(read)}`);
  }
  t.same(wrong, []);
});

t.test('what is read at once is what is read with a wait, or nothing', async (t) => {
  const root = join(folder, 'at-once');
  const objects = await FileObjects.open(root);
  for (const size of [0, 1, 5_000, 2 ** 20 - 10_000, 2 ** 20, 5 * 2 ** 20]) {
    await objects.put('a', randomBytes(size), { ...png, metadata: { note: 'x'.repeat(size % 6_000) } });
    const whole = objects.getAtOnce('a');
    t.equal(whole !== undefined, size < 2 ** 20, `${size} bytes`);
    if (whole) t.same(whole.facts, await objects.head('a'));
    if (whole) t.ok(whole.bytes.equals(await present(await objects.get('a')).bytes()));
  }
  await objects.put('a', randomBytes(500), png);
  const file = await readFile(join(root, 'a'));
  for (const length of [0, 1, 11, 12, 400, 500, file.length - 1]) {
    await writeFile(join(root, 'a'), file.subarray(0, length));
    t.equal(objects.getAtOnce('a'), undefined, `cut to ${length}`);
  }
  await writeFile(join(root, 'b'), file);
  await mkdir(join(root, 'folder'));
  for (const key of ['b', 'folder', 'absent', 'a/below']) t.equal(objects.getAtOnce(key), undefined, key);
});

t.test('keys cannot leave the folder', async (t) => {
  const paths = new KeyPaths('/root', { foldsCase: false });
  for (const key of ['../a', 'a/../../b', '..', '.tmp/x', '/etc/passwd', 'a\\..\\b', 'C:\\x', 'a\0b'])
    t.match(paths.file(key), /^\/root\/(?!\.)(?:(?!\/\.)[^\\:\0])+$/, JSON.stringify(key));
});

t.test('a short key has the file that it would have below a long one', (t) => {
  const char = fc.constantFrom(..."aZ09 .,=&~@!()'-_/%+\u00c3".split(''));
  for (const foldsCase of [false, true]) {
    const paths = new KeyPaths('/root', { foldsCase });
    // Long keys are taken apart, ordinary short ones at one go.
    const long = `${'x'.repeat(70)}/`.repeat(4);
    const above = paths.file(`${long}-`).slice(0, -1);
    always(
      t,
      fc.property(fc.string({ unit: char, minLength: 1, maxLength: 30 }), (key) => {
        return above + paths.file(key).slice('/root/'.length) === paths.file(long + key);
      }),
      { numRuns: 2000 },
    );
  }
  t.end();
});

t.test('on a file system that folds case, keys that differ by case have files of their own', async (t) => {
  const paths = new KeyPaths('/root', { foldsCase: true });
  t.equal(paths.file('IMG/a.JPG'), '/root/%49%4D%47+/a.%4A%50%47');
  t.same(paths.entry('%4A+'), { name: '%4A+', text: 'J/', isFolder: true });
  t.equal(paths.entry('J+'), undefined);
});

t.test(
  'a name that folds case is safe on macOS and Windows: no device, no short name, no end that is dropped',
  async (t) => {
    const paths = new KeyPaths('', { foldsCase: true });
    const segment = fc.oneof(
      fc.constantFrom(
        'con',
        'AUX',
        'nul.jpg',
        'Com1',
        'lpt9.tar.gz',
        'prn ',
        'con .x',
        'console',
        'progra~1',
        'a.',
        'a ',
        '...',
      ),
      fc.string({ minLength: 1, maxLength: 20 }).filter((text) => !text.includes('/')),
    );
    const key = fc
      .array(segment, { minLength: 1, maxLength: 4 })
      .map((parts) => Buffer.from(parts.join('/')).toString('latin1'));
    const device = /^(?:con|prn|aux|nul|com\d|lpt\d) *(?:\.|$)/i;
    always(
      t,
      fc.property(key, key, (one, other) => {
        const names = paths.file(one).split('/').slice(1);
        const isSafe = names.every(
          (name) =>
            !device.test(name) &&
            /^[^A-Z~<>:"\\|?*]*$/.test(name.replace(/%[0-9A-F]{2}/g, '')) &&
            !/[. ]$/.test(name) &&
            name.length <= 255,
        );
        const isApart = one === other || paths.file(one).toLowerCase() !== paths.file(other).toLowerCase();
        const isReadBack = names.every((name) => paths.entry(name) !== undefined);
        return isSafe && isApart && isReadBack;
      }),
    );
  },
);

t.test('a folder goes on working on a file system that treats case otherwise, and back again', async (t) => {
  const root = join(folder, 'moved');
  const keys = [
    ...BUCKET_KEYS,
    'IMG_1.JPG',
    'img_1.jpg',
    'X/Y~1/con.jpg',
    'A'.repeat(300),
    `B/${'C'.repeat(200)}/d`,
  ].sort();
  const before = await FileObjects.open(root, { folds: false });
  for (const key of keys) await before.put(key, Buffer.from(key), png);
  // As an older version left it.
  await rm(join(root, '.names-plain'), { recursive: true });
  await writeFile(join(root, 'Foreign.TXT'), 'not ours');
  for (const folds of [true, true, false]) {
    const [objects] = await Promise.all([
      FileObjects.open(root, { folds }),
      FileObjects.open(root, { folds }),
    ]);
    const listed = (await objects.list({ prefix: '', limit: 100 })).items.map(({ key }) => key);
    t.same(listed.sort(), keys);
    for (const key of keys) t.equal(String(await (await objects.get(key))?.bytes()), key);
    const names = (await filesOf(root))
      .map((file) => file.slice(root.length))
      .filter((name) => !/Foreign/.test(name));
    t.equal(
      names.some((name) => /[A-Z]/.test(name.replace(/%../g, ''))),
      !folds,
    );
    t.ok(await readFile(join(root, 'Foreign.TXT')));
  }
});

t.test('opening clears what a killed writer left an hour ago, and nothing younger', async (t) => {
  const root = join(folder, 'stale');
  await FileObjects.open(root);
  for (const [name, minutes] of [
    ['old', 61],
    ['paused', 50],
    ['young', 0],
  ] as const) {
    await writeFile(join(root, '.tmp', name), 'half');
    const written = new Date(Date.now() - minutes * 60_000);
    await utimes(join(root, '.tmp', name), written, written);
  }
  await FileObjects.open(root);
  t.same((await readdir(join(root, '.tmp'))).sort(), ['paused', 'young'], 'an upload that pauses goes on');
});

t.test('a store that stays open clears them as well, and says how many they were', async (t) => {
  const root = join(folder, 'tidied');
  const objects = await FileObjects.open(root);
  for (const name of ['old', 'young']) await writeFile(join(root, '.tmp', name), 'half');
  const longAgo = new Date(Date.now() - 2 * 3_600_000);
  await utimes(join(root, '.tmp', 'old'), longAgo, longAgo);
  t.equal(await objects.collectGarbage(), 1);
  t.same(await readdir(join(root, '.tmp')), ['young']);
});

t.test('folders that became empty go, also while others write into them', async (t) => {
  const root = join(folder, 'pruned');
  const objects = await FileObjects.open(root);
  const keys = Array.from({ length: 200 }, (_, n) => `img/${n % 3}/w_${n}`);
  await each(keys, async (key) => {
    t.ok(await objects.put(key, Buffer.from('x'), png));
    await objects.remove([key]);
  });
  t.same(
    (await readdir(root)).filter((name) => !name.startsWith('.')),
    [],
  );
});

t.test('something that lies where a folder should is said at once', async (t) => {
  const root = join(folder, 'blocked');
  const objects = await FileObjects.open(root);
  for (const key of ['img/a/w_1', 'img/a/b/c/w_1', 'img/w_1']) {
    await writeFile(join(root, 'img+'), 'of somebody else');
    await t.rejects(objects.put(key, Buffer.from('x'), png), { code: 'store_unavailable' }, key);
    await unlink(join(root, 'img+'));
    t.ok(await objects.put(key, Buffer.from('x'), png), key);
    await objects.remove([key]);
  }
});

t.test('a writer killed at any moment leaves a whole object, none older than it acknowledged', async (t) => {
  const root = join(folder, 'killed');
  for (const turns of [0, 3, 10, 30, 100]) {
    const child = spawnProgram('test/support/writer.ts', { words: [root] });
    t.teardown(() => child.kill('SIGKILL'));
    const acknowledged: string[] = [];
    const lines = createInterface(child.stdout).on('line', (line) => acknowledged.push(line));
    await once(lines, 'line');
    for (let turn = 0; turn < turns; turn++) await setImmediate();
    child.kill('SIGKILL');
    await once(child, 'close');
    const objects = await FileObjects.open(root);
    const { body, ...facts } = present(await objects.get('img/a/w_100'));
    const bytes = await bytesOf(body);
    t.equal(createHash('md5').update(bytes).digest('hex'), facts.etag);
    t.equal(bytes.length, 2_000_000);
    t.ok(
      Number(facts.metadata.n) >= Number(acknowledged.at(-1)),
      `${facts.metadata.n} of ${acknowledged.at(-1)}`,
    );
    const { items } = await objects.list({ prefix: '', limit: 10 });
    t.equal(items.length, 1);
  }
  const files = (await filesOf(root)).filter((file) => !dirname(file).endsWith('.tmp'));
  t.equal(files.length, 1, 'what was half written lies in .tmp only');
});
