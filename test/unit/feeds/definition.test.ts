import t from 'tap';
import { readFeeds } from '../../../server/feeds/definition.ts';
import { idOf, listFound, newListing } from '../../../server/feeds/listing.ts';
import { Problem } from '../../../server/shared/errors.ts';
import { readWarmRequest } from '../../../server/warming/warm-request.ts';

const presets = {};
const check = (form: string) => {
  if (form.includes('meta=keep')) throw new Problem('not_allowed', 'meta=keep is not served here.');
};
const read = (feeds: unknown) =>
  readFeeds(JSON.stringify({ feeds }), (variants) => readWarmRequest({ variants }, { presets, check }));
const shop = { name: 'shop', kind: 'sitemap', from: 'https://shop.example/sitemap.xml' };

t.test('what is not written is filled in', async (t) => {
  t.match(
    read([
      { ...shop, variants: ['w=9&fmt=webp'] },
      { name: 'c', kind: 'folder', from: '/x', prefix: '' },
    ]),
    [
      {
        ...shop,
        prefix: 'shop/',
        everyMinutes: 60,
        vanished: 'keep',
        recheck: 'always',
        path: undefined,
        warm: { forms: ['fmt=webp&w=9'] },
      },
      { name: 'c', prefix: '' },
    ],
  );
});

t.test('what is wrong is told by its place', async (t) => {
  const wrong: [unknown, RegExp][] = [
    [[{ ...shop, name: 'Shop' }], /feeds\[0\]\.name/],
    [[shop, shop], /two feeds are called "shop"/],
    [[{ ...shop, kind: 'ftp' }], /feeds\[0\]\.kind/],
    [[{ ...shop, from: 'ftp://x' }], /feeds\[0\]\.from: must be an http or https URL/],
    [[{ ...shop, from: 'https://' }], /feeds\[0\]\.from/],
    [[{ ...shop, kind: 's3', from: 's3://' }], /feeds\[0\]\.from: must be s3:\/\/bucket\/prefix\//],
    [[{ ...shop, kind: 'folder', from: 'x' }], /feeds\[0\]\.from: must be an absolute path/],
    [[{ ...shop, kind: 'json' }], /feeds\[0\]\.path: a feed of the kind json has one/],
    [[{ ...shop, path: '$' }], /feeds\[0\]\.path/],
    [[{ ...shop, next: '$.next' }], /feeds\[0\]\.next: only a feed of the kind json/],
    [[{ ...shop, kind: 'json', path: '$', next: '$[' }], /feeds\[0\]\.next/],
    [[{ ...shop, role: 'arn:aws:iam::123456789012:role/r' }], /feeds\[0\]\.role: only a feed of the kind s3/],
    [[{ ...shop, kind: 's3', from: 's3://bucket/', role: 'r' }], /feeds\[0\]\.role/],
    [[shop, { ...shop, name: 'b', kind: 'json', path: '$[' }], /feeds\[1\]\.path/],
    [[{ ...shop, prefix: '../' }], /feeds\[0\]\.prefix: no id begins with "\.\.\/"/],
    [[{ ...shop, variants: ['w=9', 'w=0'] }], /feeds\[0\]\.variants: variants\[1\]/],
    [[{ ...shop, variants: ['meta=keep'] }], /feeds\[0\]\.variants: .*meta=keep/],
    [[{ ...shop, everyMinutes: 0 }], /feeds\[0\]\.everyMinutes/],
    [[{ ...shop, vanish: 'delete' }], /feeds\[0\]/],
    [Array.from({ length: 201 }, (_, n) => ({ ...shop, name: `f${n}` })), /feeds/],
    ['x', /feeds/],
  ];
  for (const [feeds, message] of wrong) t.throws(() => read(feeds), { code: 'invalid_feed', message });
  t.throws(() => readFeeds('{', () => ({ forms: [], requested: {} })), {
    code: 'invalid_feed',
    message: /is no JSON/,
  });
});

t.test('ids: the path as people read it, with host and query where they say something', async (t) => {
  const feed = { from: 'https://shop.example/feed.xml', prefix: 'shop/' };
  const ids: Record<string, string> = {
    'https://shop.example/a/b.jpg': 'shop/a/b.jpg',
    'http://shop.example/a/b.jpg': 'shop/a/b.jpg',
    'https://shop.example/caf%C3%A9.jpg': 'shop/café.jpg',
    'https://cdn.example/a.jpg': 'shop/cdn.example/a.jpg',
    'https://shop.example:8443/a.jpg': 'shop/shop.example:8443/a.jpg',
    'https://shop.example/a.jpg?v=1&w=2': 'shop/a.jpg?v=1&w=2',
    'https://shop.example/a%2Fb.jpg': 'shop/a%2Fb.jpg',
    'https://shop.example/%zz.jpg': 'shop/%zz.jpg',
  };
  for (const [url, id] of Object.entries(ids)) t.equal(idOf(new URL(url), feed), id, url);
});

t.test('an address that cannot be one of an image is refused alone', async (t) => {
  const [feed] = read([shop]);
  if (!feed) throw new Error('No feed.');
  const listing = newListing();
  const urls = [
    '/a.jpg',
    'a.jpg#x',
    'https://shop.example/a.jpg',
    'http://shop.example/a.jpg',
    '/b//c.jpg',
    'data:,x',
    '/%00',
  ];
  listFound(
    listing,
    feed,
    { url: feed.from, base: feed.from },
    urls.map((url) => ({ url })),
  );
  t.same([...listing.pictures.keys()], ['shop/a.jpg']);
  t.match(listing.refused, [
    { from: 'http://shop.example/a.jpg', error: /^conflict: https:\/\/shop\.example\/a\.jpg has the id/ },
    { from: 'https://shop.example/b//c.jpg', error: /empty segment/ },
    { from: 'data:,x', error: /no http or https URL/ },
    { error: /control character/ },
  ]);
});

t.test('what is kept of a document has bounds, whatever stands in it', async (t) => {
  const [feed] = read([shop]);
  if (!feed) throw new Error('No feed.');
  const document = { url: feed.from, base: feed.from };
  const long = 'x'.repeat(100_000);
  const listing = newListing();
  const found = [
    { url: `data:image/png;base64,${long}` },
    { url: `/${long}.jpg` },
    { url: `https://${long}@shop.example/b.jpg` },
    { url: `/${'é'.repeat(600)}.jpg` },
    { url: `/${'😀'.repeat(500)}` },
    { url: '/c.jpg', mark: long, title: long },
    { url: '/d.jpg', mark: `${long}x` },
  ];
  listFound(listing, feed, document, found);
  t.same([...listing.pictures.keys()], ['shop/c.jpg', 'shop/d.jpg']);
  t.equal(listing.refused.length, 5);
  const kept = [...listing.refused, ...listing.pictures.values()].flatMap((one) => Object.entries(one));
  for (const [name, text] of kept) {
    t.ok(String(text).length <= (name === 'error' ? 1_000 : 200), `${name}: ${String(text).length}`);
    t.ok(String(text).isWellFormed());
  }
  const [c, d] = [...listing.pictures.values()];
  t.not(c?.mark, d?.mark, 'marks that differ at their ends are two');
});
