import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { call } from '../support/api.ts';
import { removeFolder } from '../support/folders.ts';
import { ask, feedOf, idsOf, picture, watched } from './feeds.ts';

const NS =
  'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:image="http://www.google.com/schemas/sitemap-image/1.1"';
const sitemap = (urls: readonly string[]) =>
  `<urlset ${NS}><url><loc>https://x/</loc>${urls.map((url) => `<image:image><image:loc>${url}</image:loc></image:image>`).join('')}</url></urlset>`;
const rss = (urls: readonly string[]) =>
  `<rss version="2.0"><channel>${urls.map((url) => `<item><title>T</title><enclosure url="${url}" type="image/jpeg"/></item>`).join('')}</channel></rss>`;
const atom = (urls: readonly string[]) =>
  `<feed xmlns="http://www.w3.org/2005/Atom">${urls.map((url) => `<entry><link rel="enclosure" href="${url}"/></entry>`).join('')}</feed>`;
const json = (urls: readonly string[]) => JSON.stringify({ items: urls.map((url) => ({ image: { url } })) });

const DOCUMENTS = {
  sitemap: { kind: 'sitemap', text: sitemap },
  rss: { kind: 'rss', text: rss },
  atom: { kind: 'rss', text: atom },
  json: { kind: 'json', path: '$.items[*].image', text: json },
} as const;

t.test(
  'each kind of document: brought, warmed, and asked for no more than whether it is current',
  async (t) => {
    const { remote, server, write, round } = await watched(t);
    const feeds = Object.entries(DOCUMENTS).map(([name, { text, ...feed }]) => ({
      name,
      from: `${remote.base}/${name}`,
      variants: ['w=20&fmt=webp'],
      vanished: 'delete',
      ...feed,
    }));
    for (const [index, [name, { text }]] of Object.entries(DOCUMENTS).entries()) {
      remote.picture(`/${name}/1.jpg`, await picture(1 + index));
      remote.picture(`/${name}`, Buffer.from(text([`/${name}/1.jpg`, `${remote.base}/${name}/no.jpg`])));
    }
    await write(...feeds);
    await round();
    const names = Object.keys(DOCUMENTS);
    for (const name of names) {
      t.match(await feedOf(server, name), {
        status: 'ok',
        run: {
          seen: 2,
          new: 1,
          changed: 0,
          pending: 0,
          failed: 1,
          reasons: [{ from: `${remote.base}/${name}/no.jpg` }],
        },
      });
      const served = await server.get(`/img/${name}/${name}/1.jpg?w=20&fmt=webp`);
      t.equal(served.headers.get('x-image-cache'), 'stored');
    }
    const before = remote.requests.length;
    for (const name of names) t.equal((await ask(server, name)).status, 202);
    await round();
    const second = remote.requests.slice(before);
    t.equal(second.length, 12, 'a document and two pictures of each');
    t.same(
      second.filter(({ path, status }) => status !== 304 && !path.endsWith('no.jpg')),
      [],
    );
    for (const name of names)
      t.match(await feedOf(server, name), { run: { seen: 2, new: 0, changed: 0, failed: 1 } });

    remote.picture('/rss/1.jpg', await picture(99));
    const third = remote.requests.length;
    remote.picture('/json', Buffer.from(DOCUMENTS.json.text([])));
    await call(server, 'DELETE', '/api/images/atom/atom/1.jpg');
    for (const name of ['rss', 'json', 'atom']) await ask(server, name);
    await round();
    t.match(await feedOf(server, 'json'), { status: 'held', run: { held: { vanished: 1, of: 1 } } });
    t.match(await feedOf(server, 'atom'), { run: { seen: 2, new: 0, failed: 1 } }, 'and is not brought back');
    t.match(await feedOf(server, 'rss'), { run: { seen: 2, new: 0, changed: 1 } });
    t.same(
      remote.requests
        .slice(third)
        .map(({ path, status }) => `${path} ${status}`)
        .filter((line) => line.startsWith('/rss'))
        .sort(),
      ['/rss 304', '/rss/1.jpg 200', '/rss/no.jpg 404'],
    );
  },
);

t.test('a folder: new and changed files, and what is no picture says so', async (t) => {
  const { DATA_DIR, server, write, look, round } = await watched(t);
  const folder = join(DATA_DIR, 'camera');
  await mkdir(join(folder, 'a'), { recursive: true });
  await writeFile(join(folder, 'a', '1.jpg'), await picture(1));
  await writeFile(join(folder, '2 é.jpg'), await picture(2));
  await writeFile(join(folder, 'notes.txt'), 'no picture');
  await writeFile(join(folder, 'theirs.jpg'), await picture(5));
  await server.put('theirs.jpg', await picture(6));
  const feed = { name: 'camera', kind: 'folder', from: folder, prefix: '' };
  await write({ ...feed, variants: ['w=20&fmt=webp'] });
  await round();
  t.same(await idsOf(server), ['2 é.jpg', 'a/1.jpg', 'theirs.jpg']);
  const { status, run } = await feedOf(server, 'camera');
  t.match({ status, run }, { status: 'ok', run: { seen: 4, new: 2, failed: 2 } });
  const reasons = new Map(run?.reasons.map(({ from, error }) => [from, error]));
  t.match(reasons.get('notes.txt'), /^unsupported_source: /);
  t.match(reasons.get('theirs.jpg'), /^conflict: .* is taken/, 'what was here before stays');
  t.equal((await server.get('/img/a/1.jpg?w=20&fmt=webp')).headers.get('x-image-cache'), 'stored');
  await writeFile(join(folder, 'a', '1.jpg'), await picture(3));
  await write({ ...feed, variants: ['w=20&fmt=webp', 'w=21&fmt=png'] });
  await ask(server, 'camera');
  await round();
  const { variants } = (await call<{ variants: object[] }>(server, 'GET', '/api/images/a/1.jpg')).body;
  const ready = { status: 'ready' };
  t.match(variants, [ready, ready], 'another picture is made in what its feed asks for since, too');
  t.match(await feedOf(server, 'camera'), { run: { seen: 4, new: 0, changed: 1, failed: 2 } });
  await call(server, 'DELETE', '/api/images/a/1.jpg');
  await writeFile(join(folder, 'a', '1.jpg'), await picture(4));
  await ask(server, 'camera');
  await look();
  t.same(await idsOf(server), ['2 é.jpg', 'theirs.jpg'], 'what somebody has deleted is not brought back');
  await removeFolder(folder);
  await ask(server, 'camera');
  await look();
  t.match(await feedOf(server, 'camera'), { status: 'failed', run: { error: /^store_unavailable/ } });
});

t.test('what vanishes from a folder is marked or deleted, a tenth at once at most', async (t) => {
  const nowhere = { IMPORT_HOSTS: '', IMPORT_PRIVATE: '0' };
  const { DATA_DIR, server, write, watch, look } = await watched(t, nowhere);
  const folder = join(DATA_DIR, 'camera');
  await mkdir(folder);
  for (let n = 0; n < 11; n++) await writeFile(join(folder, `${n}.jpg`), await picture(n + 1));
  const feed = { name: 'camera', kind: 'folder', from: folder, prefix: '' };
  const run = async (query = '') => {
    await ask(server, 'camera', query);
    await look();
    return feedOf(server, 'camera');
  };
  await write({ ...feed, vanished: 'mark' });
  await look();
  t.match(await feedOf(server, 'camera'), { run: { new: 11 } });
  await rm(join(folder, '0.jpg'));
  t.match(await run(), { status: 'ok', run: { seen: 10, vanished: 1 } });
  const vanishedAt = async () => (await call(server, 'GET', '/api/images/0.jpg')).body['vanishedAt'];
  t.match(await vanishedAt(), /^20/);
  await writeFile(join(folder, '0.jpg'), await picture(1));
  t.match(await run(), { run: { seen: 11, vanished: 0 } });
  t.equal(await vanishedAt(), null);
  await write({ ...feed, vanished: 'delete' });
  for (const n of [1, 2]) await rm(join(folder, `${n}.jpg`));
  t.match(await run(), { status: 'held', run: { vanished: 0, held: { vanished: 2, of: 11 } } });
  const { run: seen } = await feedOf(server, 'camera');
  for (const n of [3, 4]) await rm(join(folder, `${n}.jpg`));
  t.match(
    await run('?vanished=true'),
    { status: 'held', run: { vanished: 0, held: { vanished: 4, of: 11 } } },
    'what is missing since was let go by nobody',
  );
  const late = await ask(server, 'camera', `?vanished=true&heldBy=${seen?.startedAt}`);
  t.match(late, { status: 409, body: { code: 'conflict' } }, 'nor is more let go than was shown');
  const { run: last } = await feedOf(server, 'camera');
  t.match(await run(`?vanished=true&heldBy=${last?.startedAt}`), {
    status: 'ok',
    run: { vanished: 4, held: null },
  });
  t.same((await idsOf(server)).length, 7);
  for (const n of [0, 5, 6, 7, 8, 9, 10]) await rm(join(folder, `${n}.jpg`));
  t.match(
    await run('?vanished=true'),
    { status: 'held', run: { seen: 0 } },
    'an empty folder may be one that is not mounted',
  );
  t.same((await idsOf(server)).length, 7);
  await write({ ...feed, name: 'away', kind: 'rss', from: 'https://elsewhere.example/feed' });
  await look();
  t.match(await feedOf(server, 'away'), { status: 'failed', run: { error: /^not_allowed: / } });
  await writeFile(watch, '{');
  await look();
  const { body } = await call(server, 'GET', '/api/feeds');
  t.match(body, { error: /^invalid_feed: .* is no JSON/, items: [{ name: 'away' }] });
});
