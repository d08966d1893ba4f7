import { randomBytes } from 'node:crypto';
import t from 'tap';
import { FeedStates } from '../../server/feeds/state.ts';
import { ask, feedOf, idsOf, picture, watched } from './feeds.ts';

const json = (urls: readonly string[]) => Buffer.from(JSON.stringify(urls));
/** Of an item of DynamoDB. */
const MOST_BYTES = 400 * 1024;

t.test('where documents have moved, under another prefix, and with more than can be kept', async (t) => {
  const { remote, server, write, look } = await watched(t);
  const feed = { name: 'f', kind: 'json', path: '$[*]', from: `${remote.base}/list` };
  remote.picture('/p/1.jpg', await picture(1));
  remote.picture('/new/place', json(['../p/1.jpg', '2.jpg']));
  remote.answer('/list', (_, response) => response.writeHead(301, { location: '/new/place' }).end());
  await write({ ...feed, prefix: 'x/' });
  await look();
  t.same(await idsOf(server), ['x/new/2.jpg', 'x/p/1.jpg'], 'relative to where the document was');
  await write({ ...feed, prefix: 'y/' });
  await ask(server, 'f');
  await look();
  t.same(await idsOf(server), ['x/new/2.jpg', 'x/p/1.jpg', 'y/new/2.jpg', 'y/p/1.jpg']);
  t.match(await feedOf(server, 'f'), { status: 'ok', run: { seen: 2 } });

  const inline = Array.from({ length: 25 }, () => `data:image/png,${randomBytes(12_000).toString('base64')}`);
  const etag = `"${randomBytes(2_000).toString('hex')}"`;
  remote.answer('/list', (_, response) =>
    response.writeHead(200, { etag }).end(json(['/p/1.jpg', ...inline])),
  );
  await ask(server, 'f');
  await look();
  t.match(await feedOf(server, 'f'), { status: 'ok', run: { seen: 1, failed: 25 } });
  const { progress } = server.stores.records;
  const bytes = (await progress.get('feed/f'))?.length ?? MOST_BYTES;
  t.ok(bytes < MOST_BYTES / 10, `${bytes} bytes`);
  t.same(Object.keys((await new FeedStates(progress).get('f'))?.documents[feed.from] ?? {}), ['refused']);
});

t.test('an index that names as many sitemaps as it may, with all that may be kept of each', async (t) => {
  const { remote, server, write, look } = await watched(t);
  const NS = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"';
  const names = Array.from({ length: 300 }, () => `/${randomBytes(500).toString('hex')}`);
  const urls = names.map((name) => `<sitemap><loc>${remote.base}${name}</loc></sitemap>`);
  remote.picture('/index', Buffer.from(`<sitemapindex ${NS}>${urls.join('')}</sitemapindex>`));
  for (const name of names)
    remote.answer(name, (_, response) => {
      response.writeHead(200, { etag: `"${randomBytes(300).toString('hex')}"` });
      response.end(`<urlset ${NS}></urlset>`);
    });
  await write({ name: 'f', kind: 'sitemap', from: `${remote.base}/index` });
  await look();
  t.match(await feedOf(server, 'f'), { status: 'ok', run: { seen: 0 } });
  const bytes = (await server.stores.records.progress.get('feed/f'))?.length ?? MOST_BYTES;
  t.ok(bytes < MOST_BYTES, `${bytes} bytes`);
});
