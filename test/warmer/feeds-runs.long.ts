import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { call } from '../support/api.ts';
import { ask, feedOf, idsOf, picture, watched } from './feeds.ts';
import { killedRuns } from './feeds-kills.ts';

const NS =
  'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:i="http://www.google.com/schemas/sitemap-image/1.1"';
const page = (url: string) =>
  `<url><lastmod>2026-01-02</lastmod><i:image><i:loc>${url}</i:loc></i:image></url>`;

t.test('an index of sitemaps: each document is asked for by itself', async (t) => {
  const { remote, server, write, round } = await watched(t);
  const { base } = remote;
  for (const n of [1, 2, 3]) remote.picture(`/${n}.jpg`, await picture(n));
  const names = ['a.xml', 'b.xml.gz'].map((name) => `<sitemap><loc>${base}/${name}</loc></sitemap>`);
  remote.picture('/index.xml', Buffer.from(`<sitemapindex ${NS}>${names.join('')}</sitemapindex>`));
  remote.picture('/a.xml', Buffer.from(`<urlset ${NS}>${page('/1.jpg')}${page(`${base}/2.jpg`)}</urlset>`));
  const packed = (urls: string) => remote.picture('/b.xml.gz', gzipSync(`<urlset ${NS}>${urls}</urlset>`));
  packed(page('/2.jpg'));
  await write({
    name: 'shop',
    kind: 'sitemap',
    from: `${base}/index.xml`,
    recheck: 'marked',
    vanished: 'mark',
  });
  await round();
  t.match(await feedOf(server, 'shop'), { status: 'ok', run: { seen: 2, new: 2 } });
  packed(page('/3.jpg') + page('//') + page('ftp://x/y.jpg'));
  const before = remote.requests.length;
  await ask(server, 'shop');
  await round();
  t.match(await feedOf(server, 'shop'), {
    run: { seen: 3, new: 1, failed: 2, reasons: [{ from: '//' }, { from: 'ftp://x/y.jpg' }] },
  });
  t.same(
    remote.requests.slice(before).map(({ path, status }) => `${path} ${status}`),
    ['/index.xml 304', '/a.xml 304', '/b.xml.gz 200', '/3.jpg 200'],
    'pictures that were here are asked for where their feed says that they are other ones',
  );
  await ask(server, 'shop');
  await round();
  t.match(
    await feedOf(server, 'shop'),
    { run: { seen: 3, new: 0, failed: 2 } },
    'refused ones are told of again',
  );
  t.same(await idsOf(server), ['shop/1.jpg', 'shop/2.jpg', 'shop/3.jpg']);
  remote.picture(
    '/a.xml',
    Buffer.from(`<sitemapindex ${NS}><sitemap><loc>${base}/index.xml</loc></sitemap></sitemapindex>`),
  );
  await ask(server, 'shop');
  await round();
  t.match(await feedOf(server, 'shop'), {
    status: 'failed',
    run: { error: /index of sitemaps in an index/ },
  });
});

t.test('a run that was killed after any of its writes goes on where it was', (t) =>
  killedRuns(t, async () => ({})),
);

t.test('of watchers at once one watches', async (t) => {
  const { remote, server, write, round } = await watched(t);
  remote.picture('/1.jpg', await picture(1));
  remote.picture('/list', Buffer.from(JSON.stringify(['/1.jpg'])));
  await write({ name: 'f', kind: 'json', path: '$[*]', from: `${remote.base}/list` });
  await Promise.all([round(), round(), round()]);
  t.equal(remote.requests.filter(({ path }) => path === '/list').length, 1);
  t.match(await feedOf(server, 'f'), { run: { seen: 1, new: 1 } });
});

t.test('a feed that breaks stops none of the others, and a list that cannot be read stops all', async (t) => {
  const { DATA_DIR, remote, server, write, watch, round } = await watched(t);
  t.match((await call(server, 'GET', '/api/feeds')).body, { readAt: null, error: null, items: [] });
  t.match((await ask(server, 'no')).status, 404);
  const folder = join(DATA_DIR, 'folder');
  await mkdir(folder);
  await writeFile(join(folder, '1.jpg'), await picture(1));
  await write(
    { name: 'away', kind: 'rss', from: `${remote.base}/no` },
    { name: 'forbidden', kind: 'rss', from: 'https://elsewhere.example/feed' },
    { name: 'here', kind: 'folder', from: folder },
  );
  await round();
  t.match(await feedOf(server, 'away'), { status: 'failed', run: { error: /answers 404/ } });
  t.match(await feedOf(server, 'forbidden'), {
    status: 'failed',
    run: { error: /^not_allowed: .*elsewhere/ },
  });
  t.match(await feedOf(server, 'here'), { status: 'ok', run: { new: 1 } });
  await writeFile(watch, '{"feeds":[{"name":"here","kind":"folder","from":"relative"}]}');
  await round();
  t.match((await call(server, 'GET', '/api/feeds')).body, {
    error: /feeds\[0\]\.from: must be an absolute path/,
    items: [{ name: 'away' }, { name: 'forbidden' }, { name: 'here' }],
  });
  for (const [text, error] of [
    [' '.repeat(1_048_577), /has 1048577 bytes, of 1048576/],
    [undefined, /imports\.json, cannot be read/],
  ] as const) {
    await (text === undefined ? rm(watch) : writeFile(watch, text));
    await round();
    t.match((await call(server, 'GET', '/api/feeds')).body, { error });
  }
  await write({ name: 'here', kind: 'folder', from: folder });
  await round();
  t.match((await call(server, 'GET', '/api/feeds')).body, {
    error: null,
    items: [{ name: 'here', status: 'ok' }],
  });
});
