import { gzipSync } from 'node:zlib';
import t from 'tap';
import { broken, decodeText, MAX_DOCUMENT_BYTES, readBody } from '../../../server/feeds/document.ts';
import { readJsonPage } from '../../../server/feeds/json.ts';
import { listFound, newListing } from '../../../server/feeds/listing.ts';
import { readRss } from '../../../server/feeds/rss.ts';
import { readSitemap } from '../../../server/feeds/sitemap.ts';

const SITEMAP = `<?xml version="1.0" encoding="UTF-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:i="http://www.google.com/schemas/sitemap-image/1.1">
  <url><loc>https://shop.example/rose</loc>
    <i:image><i:loc>https://shop.example/a.jpg?x=1&amp;y=%20</i:loc><i:title>Ros&#233; &lt;1&gt;</i:title></i:image>
    <i:image><i:loc><![CDATA[ https://shop.example/b.jpg ]]></i:loc></i:image>
    <lastmod>2026-01-02</lastmod></url>
  <!-- <url><image:loc>no</image:loc></url> -->
  <url><loc>https://shop.example/none</loc><lastmod>2026-01-03</lastmod></url>
  <url><lastmod>2026-01-04</lastmod><loc>https://shop.example/c</loc>
    <image xmlns="http://www.google.com/schemas/sitemap-image/1.1"><loc>/c.jpg</loc></image></url>
  <url><loc>https://shop.example/d</loc><image xmlns="urn:other"><loc>https://shop.example/no.jpg</loc></image></url>
  <url><loc>https://shop.example/e</loc><i:image><i:loc>e.jpg</i:loc></i:image></url>
</urlset>
`;

const RSS = `<rss version="2.0" xmlns:m="http://search.yahoo.com/mrss/" xmlns:a="http://www.w3.org/2005/Atom">
<channel><title>All</title><image><url>https://blog.example/logo.png</url><title>Logo</title></image>
<item><title>One</title><pubDate>Fri, 02 Jan 2026 00:00:00 GMT</pubDate>
  <description><![CDATA[<!DOCTYPE html><img src="no.jpg">]]></description>
  <enclosure url="https://blog.example/1.jpg" type="image/jpeg" length="1"/>
  <enclosure url="https://blog.example/1.mp3" type="audio/mpeg" length="1"/></item>
<item><m:group><m:content url="https://blog.example/2.webp" medium="image"><m:title>Inner</m:title></m:content>
  <m:content url="https://blog.example/2.mp4" medium="video"/></m:group>
  <m:thumbnail url="https://blog.example/2-small.jpg"/><title>Two</title></item>
<item><m:thumbnail url="https://blog.example/3-small.jpg"/></item>
<item><m:content url="https://blog.example/4.png?s=1"/><m:content url="https://blog.example/4"/></item>
</channel></rss>`;

const ATOM = `<feed xmlns="http://www.w3.org/2005/Atom"><title>F</title>
<entry><title>E</title><updated>2026-01-02T00:00:00Z</updated>
  <link href="https://blog.example/e"/><link rel="enclosure" type="image/png" href="/e.png"/>
  <link rel="enclosure" type="application/pdf" href="/e.pdf"/></entry>
</feed>`;

const JSON_LIST =
  '{"items":[{"image":{"url":"/a.jpg","title":"A","updatedAt":"1"}},{"image":{"src":"b.jpg"}}],"more":["c.jpg"]}';
const PATH = '$.items[*].image';
const listOf = (text: string, path: string) => readJsonPage('j', text, { path }).found;

t.test('a sitemap: images by their namespace, whatever its prefix; the date of their page', async (t) => {
  t.same(readSitemap('s', SITEMAP), {
    pictures: [
      { url: 'https://shop.example/a.jpg?x=1&y=%20', title: 'Rosé <1>', mark: '2026-01-02' },
      { url: 'https://shop.example/b.jpg', mark: '2026-01-02' },
      { url: '/c.jpg', mark: '2026-01-04' },
      { url: 'e.jpg' },
    ],
    sitemaps: [],
  });
  const index = `<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><sitemap><loc>https://a/1.xml</loc>
    <lastmod>2026</lastmod></sitemap><sitemap><loc> https://a/2.xml.gz </loc></sitemap></sitemapindex>`;
  t.same(readSitemap('s', index), { pictures: [], sitemaps: ['https://a/1.xml', 'https://a/2.xml.gz'] });
});

t.test('RSS and Atom: enclosures and media that are pictures', async (t) => {
  const of = (name: string, ...more: object[]) =>
    Object.assign({ url: `https://blog.example/${name}` }, ...more);
  t.same(readRss('r', RSS), [
    of('1.jpg', { title: 'One', mark: 'Fri, 02 Jan 2026 00:00:00 GMT' }),
    of('2.webp', { title: 'Two' }),
    of('3-small.jpg'),
    of('4.png?s=1'),
  ]);
  t.same(readRss('r', ATOM), [{ url: '/e.png', title: 'E', mark: '2026-01-02T00:00:00Z' }]);
});

t.test('JSON: what a path of RFC 9535 leads to, a text or an object', async (t) => {
  t.same(listOf(JSON_LIST, PATH), [{ url: '/a.jpg', title: 'A', mark: '1' }, { url: 'b.jpg' }]);
  t.same(listOf(JSON_LIST, '$.more[*]'), [{ url: 'c.jpg' }]);
  t.same(listOf(JSON_LIST, '$.nothing'), []);
  t.throws(() => listOf(JSON_LIST, '$.items'), {
    code: 'invalid_feed',
    message: /item 1 of \$\.items/,
  });
  t.throws(() => listOf('[1]', '$[*]'), { code: 'invalid_feed' });
});

t.test('JSON: where the next page is, or that there is none', async (t) => {
  const nextOf = (value: unknown, next = '$.next') =>
    readJsonPage('j', JSON.stringify(value), { path: '$.items[*]', next }).next;
  for (const last of [{}, { next: null }, { next: '' }, { next: false }]) t.equal(nextOf(last), undefined);
  t.equal(nextOf({ next: '?page=2' }), '?page=2');
  t.equal(nextOf({ _links: { next: { href: '/b' } } }, '$._links.next.href'), '/b');
  t.equal(nextOf({ links: [{ rel: 'next', href: '/c' }] }, "$.links[?@.rel=='next'].href"), '/c');
  for (const wrong of [{ next: 2 }, { next: true }, { next: { href: '/b' } }, { next: ['/a', '/b'] }])
    t.throws(() => nextOf(wrong, '$.next'), { code: 'invalid_feed', message: /next is not the address/ });
  t.throws(() => nextOf({ next: ['/a', '/b'] }, '$.next[*]'), { code: 'invalid_feed' });
});

t.test('cut anywhere, a document is refused: it never lists less than it did', async (t) => {
  const readers: [string, (text: string) => unknown][] = [
    [SITEMAP.trim(), (text) => readSitemap('s', text)],
    [RSS, (text) => readRss('r', text)],
    [ATOM, (text) => readRss('a', text)],
    [JSON_LIST, (text) => listOf(text, PATH)],
  ];
  for (const [whole, read] of readers) {
    const survivors: string[] = [];
    for (let length = 0; length < whole.length; length++)
      try {
        read(whole.slice(0, length));
        survivors.push(whole.slice(0, length));
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'invalid_feed')) throw error;
      }
    t.same(survivors, []);
  }
});

t.test('a cut file of gzip is refused, and a small one that becomes large', async (t) => {
  const packed = gzipSync(SITEMAP);
  t.equal(String(await readBody('s', [packed] as never)), SITEMAP);
  for (const length of [3, 40, packed.length - 1])
    await t.rejects(readBody('s', [packed.subarray(0, length)] as never), { code: 'invalid_feed' });
  const bomb = gzipSync(Buffer.alloc(MAX_DOCUMENT_BYTES + 1), { level: 9 });
  await t.rejects(readBody('s', [bomb] as never), { code: 'invalid_feed' });
  const endless = (async function* () {
    for (;;) yield Buffer.alloc(2 ** 20);
  })();
  await t.rejects(readBody('s', endless), { code: 'invalid_feed', message: /more than 52428800 bytes/ });
});

t.test('XML that is meant to do harm', async (t) => {
  const root = (inner: string) =>
    `<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">${inner}</urlset>`;
  const laughs = Array.from({ length: 9 }, (_, n) => `<!ENTITY l${n + 1} "${`&l${n};`.repeat(10)}">`).join(
    '',
  );
  const attributes = (count: number) => Array.from({ length: count }, (_, n) => `a${n}=""`).join(' ');
  const hostile: Record<string, string> = {
    'a billion laughs': `<!DOCTYPE urlset [<!ENTITY l0 "ha">${laughs}]>${root('<url><loc>&l9;</loc></url>')}`,
    'an entity of a file': `<!DOCTYPE urlset [<!ENTITY x SYSTEM "file:///etc/passwd">]>${root('<url><loc>&x;</loc></url>')}`,
    'a document type elsewhere': `<!DOCTYPE urlset SYSTEM "http://127.0.0.1/x.dtd">${root('')}`,
    'a document type without end': `<!DOCTYPE urlset [${'<!ENTITY a "b">'.repeat(20_000)}`,
    'an entity that nobody has declared': root('<url><loc>&no;</loc></url>'),
    'an entity of HTML, which XML has not': root('<url><loc>&nbsp;</loc></url>'),
    'more attributes than anything has': `<urlset ${attributes(5_000)}/>`,
    'attributes without end': `<urlset ${attributes(30_000)}`,
    'no end of depth': root('<url>'.repeat(100_000)),
    'an attribute without end': `<urlset a="${'x'.repeat(1_000_000)}"/>`,
    'two roots': root('') + root(''),
    'another root': '<html xmlns="http://www.w3.org/1999/xhtml"><body/></html>',
    'no namespace': '<urlset><url/></urlset>',
    'a prefix that is bound to nothing': root('<i:image/>'),
    'tags that cross': root('<url><loc></url></loc>'),
    nothing: '',
    'a page that says that all is well': '<!DOCTYPE html><html><body>OK</body></html>',
  };
  for (const [what, text] of Object.entries(hostile))
    t.throws(() => readSitemap('s', text), { code: 'invalid_feed' }, what);
  for (const count of [5_000, 30_000])
    t.throws(() => readSitemap('s', `<urlset ${attributes(count)}/>`), {
      message: /attributes|tag of more than/,
    });
  t.throws(() => readSitemap('s', root('<url>\n<loc>&no;</loc></url>')), { message: /^s: line 2, column / });
  t.throws(() => readRss('r', root('')), { code: 'invalid_feed' });
});

t.test('JSON that is meant to do harm', async (t) => {
  const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
  t.same(listOf(deep, '$..url'), [], 'depth ends no stack');
  t.same(listOf('{"__proto__":{"url":"x"},"url":"y"}', '$'), [{ url: 'y' }]);
});

t.test('what escapes write that is no text is not kept as one, nor is a pair cut in two', async (t) => {
  // As JSON writes it, as XML does, which knows no such characters, and what is kept of it.
  const written = [
    ['\\ud83d', undefined, '\uFFFD'],
    ['a\\udc00b', undefined, 'a\uFFFDb'],
    ['\\u0000', undefined, '\uFFFD'],
    ['\\ud83d\\ude00', '&#x1f600;', '😀'],
    [`${'a'.repeat(199)}\\ud83d\\ude00`, `${'a'.repeat(199)}&#x1f600;`, 'a'.repeat(199)],
    [`${'a'.repeat(198)}😀b`, `${'a'.repeat(198)}😀b`, `${'a'.repeat(198)}😀`],
  ] as const;
  const from = 'https://a.example/list';
  const feed = {
    name: 'f',
    kind: 'json',
    from,
    path: '$',
    next: undefined,
    role: undefined,
    prefix: 'f/',
  } as const;
  const rest = { everyMinutes: 60, collection: undefined, vanished: 'keep', recheck: 'always' } as const;
  const kept = (found: ReturnType<typeof listOf>) => {
    const listing = newListing();
    const warm = { forms: [], requested: {} };
    listFound(listing, { ...feed, ...rest, warm }, { url: from, base: from }, found);
    return { pictures: [...listing.pictures.values()], refused: listing.refused };
  };
  for (const [json, xml, text] of written) {
    const items = `[{"url":"x.jpg","title":"${json}","etag":"${json}"},{"url":"data:${json}"}]`;
    const rss = `<rss><channel><item><title>${xml}</title><pubDate>${xml}</pubDate><enclosure url="x.jpg"/></item>
      <item><enclosure url="data:${xml}"/></item></channel></rss>`;
    for (const found of [listOf(items, '$[*]'), ...(xml === undefined ? [] : [readRss('r', rss)])]) {
      const { pictures, refused } = kept(found);
      t.match(pictures, [{ title: text }], json);
      t.equal(refused.length, 1);
      const said = [...pictures.map(({ mark = '' }) => mark), ...refused.map((one) => one.from)];
      t.ok(
        said.every((one) => one !== '' && one.isWellFormed() && !one.includes('\0')),
        said.join(),
      );
    }
    const page = `{"next":"${json}"}`;
    t.ok(
      broken(
        from,
        readJsonPage('j', page, { path: '$.none', next: '$.next' }).next ?? '',
      ).detail.isWellFormed(),
    );
  }
});

t.test('texts in their encodings, and none that is not', async (t) => {
  const said = (encoding: string) => `<?xml version="1.0" encoding="${encoding}"?><a>é</a>`;
  const utf16 = Buffer.from(`\ufeff${said('UTF-16')}`, 'utf16le');
  t.match(decodeText('s', Buffer.from(said('UTF-8'))), /é/);
  t.match(decodeText('s', Buffer.from(said('ISO-8859-1'), 'latin1')), /é/);
  t.match(decodeText('s', utf16), /é/);
  t.match(decodeText('s', Buffer.from(utf16.subarray(2)).swap16()), /é/, 'big endian, without a mark');
  t.throws(() => decodeText('s', Buffer.from(said('UTF-8'), 'latin1')), { code: 'invalid_feed' });
  t.throws(() => decodeText('s', Buffer.from(said('martian'))), { code: 'invalid_feed' });
});
