import { createHook } from 'node:async_hooks';
import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import t, { type Test } from 'tap';
import { FolderObjects } from '../../server/stores/folder/objects.ts';
import { removeStaged } from '../../server/writing/staging.ts';
import { call, noise } from '../support/api.ts';
import { mountDisk } from '../support/disk.ts';
import { problemOf, startServer } from '../support/server.ts';

function write(root: string, files: Readonly<Record<string, string | Uint8Array>>): void {
  for (const [key, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, key)), { recursive: true });
    writeFileSync(join(root, key), text);
  }
}

const FILES = {
  'b.jpg': 'bb',
  'a/é 1.jpg': 'aé',
  'a.jpg': 'a.',
  'a/b/c.png': 'abc',
  'a-1.jpg': '-',
  'B.jpg': 'B',
};

t.test('keys are the paths of files, bytewise ascending, page by page', async (t) => {
  const root = t.testdir();
  write(root, FILES);
  const objects = await FolderObjects.open(root);
  const wanted = Object.keys(FILES).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  for (const limit of [1, 2, 5, 6, 100]) {
    const keys: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await objects.list({ prefix: '', limit, ...(cursor === undefined ? {} : { cursor }) });
      keys.push(...page.items.map(({ key }) => key));
      cursor = page.next;
    } while (cursor !== undefined);
    t.same(keys, wanted, `${limit} a page`);
  }
  t.same(
    (await objects.list({ prefix: 'a/', limit: 9 })).items.map(({ key }) => key),
    ['a/b/c.png', 'a/é 1.jpg'],
  );
  for (const [key, text] of Object.entries(FILES)) {
    const object = await objects.get(key);
    t.equal(object && String(await buffer(object.body)), text, key);
    t.match(await objects.head(key), { key, size: Buffer.byteLength(text), etag: object?.etag });
  }
  await objects.ping();
});

/** How often the file system is asked anything. */
async function countRequests(work: () => Promise<unknown>): Promise<number> {
  let count = 0;
  const hook = createHook({
    init(_id, type) {
      if (type === 'FSREQPROMISE') count += 1;
    },
  }).enable();
  try {
    await work();
  } finally {
    hook.disable();
  }
  return count;
}

t.test('a page reads only the folders that its keys can be in', async (t) => {
  const root = t.testdir();
  const folders = Array.from({ length: 50 }, (_, n) => `f${String(n).padStart(2, '0')}é`);
  write(root, Object.fromEntries(folders.map((name) => [`${name}/a.jpg`, name])));
  const objects = await FolderObjects.open(root);
  const first = await objects.list({ prefix: '', limit: 48 });
  t.equal(first.items.at(-1)?.key, 'f47é/a.jpg');
  const pages = [
    { prefix: '', limit: 9, cursor: first.next ?? '' },
    { prefix: 'f48', limit: 9 },
    { prefix: 'f48é/', limit: 9 },
    { prefix: 'f48é/a', limit: 9, cursor: first.next ?? '' },
  ];
  for (const page of pages) {
    const requests = await countRequests(async () => {
      t.equal((await objects.list(page)).items[0]?.key, 'f48é/a.jpg');
    });
    t.ok(requests > 1 && requests < 20, `${requests} requests for ${JSON.stringify(page)}`);
  }
});

t.test('what begins with a dot, links, folders, pipes and what is outside are absent', async (t) => {
  const base = t.testdir();
  const root = join(base, 'root');
  write(base, { 'root/a/b.jpg': 'b', 'root/.env': 's', 'root/.git/x.jpg': 's', 'outside/x.jpg': 's' });
  symlinkSync(join(base, 'outside'), join(root, 'out'));
  symlinkSync(join(root, 'a/b.jpg'), join(root, 'link.jpg'));
  execFileSync('mkfifo', [join(root, 'pipe.jpg')]);
  const objects = await FolderObjects.open(root);
  const absent = [
    ...[
      '.env',
      '.git/x.jpg',
      'a',
      'a/',
      'out/x.jpg',
      'link.jpg',
      'pipe.jpg',
      '../outside/x.jpg',
      'a/../a/b.jpg',
    ],
    ...['a//b.jpg', '/a/b.jpg', 'a/b.jpg/c', 'none', 'x'.repeat(300), ''],
  ];
  for (const key of absent) {
    t.equal(await objects.head(key), undefined, key);
    t.equal(await objects.get(key), undefined, key);
  }
  t.same(
    (await objects.list({ prefix: '', limit: 9 })).items.map(({ key }) => key),
    ['a/b.jpg'],
  );
});

const AWAY: readonly [name: string, folder: (t: Test) => Promise<Away | undefined>][] = [
  [
    'moved away',
    async (t) => {
      const above = t.testdir({ pictures: {} });
      const [root, elsewhere] = [join(above, 'pictures'), join(above, 'elsewhere')];
      return { root, leave: () => renameSync(root, elsewhere), comeBack: () => renameSync(elsewhere, root) };
    },
  ],
  [
    'not mounted',
    async (t) => {
      const disk = await mountDisk(t, 2 ** 20);
      const root = disk?.folder;
      if (root === undefined) return undefined;
      // What lies under a mount is what is seen without it: here an empty one above it.
      const leave = () => execFileSync('mount', ['-t', 'tmpfs', 'rendition-test', root]);
      return { root, leave, comeBack: () => execFileSync('umount', [root]) };
    },
  ],
];

interface Away {
  readonly root: string;
  readonly leave: () => void;
  readonly comeBack: () => void;
}

for (const [name, folder] of AWAY) {
  t.test(`a folder that is ${name} for a while is no folder without pictures`, async (t) => {
    const away = await folder(t);
    if (!away) return;
    write(away.root, FILES);
    const objects = await FolderObjects.open(away.root);
    away.leave();
    const unavailable = { code: 'store_unavailable' };
    for (const key of ['a.jpg', 'a/b/c.png', 'none.jpg']) {
      await t.rejects(objects.head(key), unavailable, key);
      await t.rejects(objects.get(key), unavailable, key);
    }
    await t.rejects(objects.list({ prefix: '', limit: 9 }), unavailable);
    await t.rejects(objects.list({ prefix: 'a/', limit: 9 }), unavailable);
    await t.rejects(objects.ping(), unavailable);
    away.comeBack();
    t.match(await objects.head('a.jpg'), { size: 2 });
    t.equal(await objects.head('none.jpg'), undefined);
    t.equal((await objects.list({ prefix: '', limit: 9 })).items.length, 6);
    await objects.ping();
  });
}

t.test('another size or another time is another object', async (t) => {
  const root = t.testdir();
  write(root, { 'a.jpg': 'one' });
  const objects = await FolderObjects.open(root);
  const before = await objects.head('a.jpg');
  t.equal((await objects.head('a.jpg'))?.etag, before?.etag, 'and the same one as long as nobody writes');
  utimesSync(join(root, 'a.jpg'), 1_700_000_000.001, 1_700_000_000.001);
  const touched = await objects.head('a.jpg');
  t.not(touched?.etag, before?.etag);
  utimesSync(join(root, 'a.jpg'), 1_700_000_000.002, 1_700_000_000.002);
  t.not((await objects.head('a.jpg'))?.etag, touched?.etag, 'a millisecond later');
});

t.test('a file that changes while it is read is refused', async (t) => {
  const root = t.testdir();
  write(root, { 'a.jpg': Buffer.alloc(3_000_000) });
  const objects = await FolderObjects.open(root);
  const object = await objects.get('a.jpg');
  truncateSync(join(root, 'a.jpg'), 1_000_000);
  await t.rejects(async () => void (await object?.bytes()), { code: 'store_unavailable' });
  const unread = await objects.get('a.jpg');
  unread?.body.destroy();
  const ended = AbortSignal.abort(new Error('left'));
  await t.rejects(objects.get('a.jpg', ended), /left/);
});

t.test('nothing is written', async (t) => {
  const objects = await FolderObjects.open(t.testdir());
  for (const write of [objects.put(), objects.copy(), objects.remove(), objects.removeAll()])
    await t.rejects(async () => void (await write), { code: 'not_allowed' });
  t.equal(await removeStaged(objects, new Date()), 0, 'and nothing waits to be cleared');
  await t.rejects(FolderObjects.open(join(t.testdirName, 'none')), { code: 'store_unavailable' });
});

t.test('a server over a folder serves what is there now, and refuses what would change it', async (t) => {
  const root = t.testdir();
  write(root, { 'album/rose 1.jpg': await noise(60, 40), '.hidden.jpg': await noise(9, 9) });
  const server = await startServer({ ORIGINALS_FOLDER: root });
  t.teardown(() => server.close());
  const url = '/img/album/rose%201.jpg?w=20&fmt=webp';
  const first = await server.get(url);
  t.equal(first.status, 200);
  t.equal((await server.get(url)).headers.get('etag'), first.headers.get('etag'));
  write(root, { 'album/rose 1.jpg': await noise(60, 40, 7) });
  const second = await server.get(url);
  t.equal(second.status, 200);
  t.not(second.headers.get('etag'), first.headers.get('etag'), 'another picture');
  rmSync(join(root, 'album'), { recursive: true });
  t.equal((await server.get(url)).status, 404);
  t.equal((await server.get('/img/.hidden.jpg')).status, 404);
  const form = new FormData();
  form.append('file', new Blob([new Uint8Array(await noise(9, 9))]), 'a.jpg');
  const refused = [
    await call(server, 'POST', '/api/images', form),
    await call(server, 'PUT', '/api/images/a.jpg/original', form),
    await call(server, 'DELETE', '/api/images/a.jpg'),
    await call(server, 'POST', '/api/images/presign', { filename: 'a', contentType: 'image/jpeg', size: 1 }),
  ];
  for (const answer of refused)
    t.match(answer, { status: 403, body: { code: 'not_allowed', detail: /as it stands/ } });
  t.match(await problemOf(await server.get('/api/images/none.jpg')), { code: 'image_not_found' });
});
