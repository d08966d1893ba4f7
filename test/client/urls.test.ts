import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import t from 'tap';
import { html, parse, picture, query, sign, sizes, srcset, url, WIDTHS } from '../../client/index.ts';
import { ROWS } from '../../server/core/operations/table.ts';
import { readQuery } from '../../server/core/operations/transformation.ts';
import { readPath } from '../../server/core/query/id.ts';
import { always } from '../support/property.ts';
import { vector } from '../support/signing.ts';

const BASE = 'https://img.example.com';

const ID = fc
  .array(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 3 })
  .map((segments) => segments.map((text) => text.replace(/[\p{Cc}/\\]/gu, '_')).join('/'))
  .filter((id) => !/(^|\/)\.{1,2}(\/|$)/.test(id));

t.test('any id comes back from the address, by the server, by parse, and by a URL parser', async (t) => {
  always(
    t,
    fc.property(ID, (id) => {
      const address = url(BASE, id, { w: 320, bg: '#fff', dl: 'a b&c.webp' });
      const { pathname, search } = new URL(address);
      const parsed = parse(address);
      return (
        `${BASE}${pathname}${search}` === address &&
        readPath(pathname.slice('/img/'.length)).id === id &&
        parsed?.id === id &&
        parsed.base === BASE &&
        parsed.params['bg'] === '#fff' &&
        parsed.params['dl'] === 'a b&c.webp'
      );
    }),
  );
});

t.test('parameters are written as the server reads them', async (t) => {
  const rows = [
    [{ w: 320, h: 200, fit: 'cover', g: 'attention' }, 'fit=cover&g=attention&h=200&w=320'],
    [{ rect: ['r', 0, 0.25, 1, 0.5] }, 'rect=r,0,0.25,1,0.5'],
    [{ w: 9, pad: [1, 2, 3, 4], bg: 'teal' }, 'bg=008080&pad=1,2,3,4&w=9'],
    [{ w: 9, up: true, gray: 1, h: undefined }, 'gray=1&up=1&w=9'],
    [{ ar: '16:9', w: 160, fit: 'cover', up: true }, 'fit=cover&h=90&up=1&w=160'],
    [{ fmt: 'jpeg', mb: '300k', progressive: false }, 'fmt=jpeg&mb=300000&progressive=0'],
    [{ duo: ['000', 'f00'] }, 'duo=000000,ff0000'],
  ] as const;
  for (const [params, canonical] of rows) t.equal(readQuery(query(params), {}).canonical, canonical);
});

t.test('numbers are written as the server reads them, however they were computed', async (t) => {
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  const decimal = (min: number, max: number) => fc.double({ min, max, noNaN: true });
  const computed = fc.record(
    {
      ar: decimal(0.1, 10),
      fp: fc.tuple(share, share),
      rect: fc.tuple(fc.constant('r'), share, share, decimal(0.01, 1), decimal(0.01, 1)),
      dpr: decimal(0.5, 5),
      blur: decimal(0.3, 20),
      sharp: decimal(0.1, 10),
      gam: decimal(1, 3),
      zoom: decimal(1, 10),
    },
    { requiredKeys: [] },
  );
  always(
    t,
    fc.property(computed, (params) => readQuery(query(params), {}) !== undefined),
  );
  t.equal(readQuery(query({ ar: 16 / 9, w: 1600, fit: 'cover' }), {}).canonical, 'fit=cover&h=900&w=1600');
});

t.test('parse reads aliases, escapes and the form in the path; another address is none', async (t) => {
  t.same(parse('/img/a/b%20c.jpg?width=5&format=webp#x')?.params, { w: '5', fmt: 'webp' });
  t.same(parse('https://h/p/img/a.jpg/fmt=webp&w=5?v=7'), {
    base: 'https://h/p',
    id: 'a.jpg',
    params: { fmt: 'webp', w: '5', v: '7' },
  });
  for (const other of ['https://h/other/a.jpg', '/img/', 'img', '/img/%zz'])
    t.equal(parse(other), undefined, other);
  const aliases = ROWS.flatMap(({ key, param }) =>
    (param.rule.aliases ?? []).map((alias) => [alias, key] as const),
  );
  for (const [alias, key] of aliases) t.ok(key in (parse(`/img/a?${alias}=1`)?.params ?? {}), alias);
});

/** Candidates as the HTML standard splits them: by a comma behind a blank. */
const candidates = (text: string) =>
  text.split(', ').map((part) => {
    const [address = '', descriptor = ''] = part.split(' ');
    return { params: parse(address)?.params ?? {}, descriptor };
  });

t.test('srcset has a candidate for each width, up to that of the original', async (t) => {
  const all = candidates(srcset(BASE, 'a.jpg', { q: 60 }));
  t.same(
    all.map(({ descriptor }) => descriptor),
    WIDTHS.map((width) => `${width}w`),
  );
  for (const { params, descriptor } of all) t.match(params, { q: '60', w: descriptor.slice(0, -1) });
  for (const originalWidth of [1, 256, 320, 1000, 3840, 9000]) {
    const widths = candidates(srcset(BASE, 'a.jpg', {}, { originalWidth })).map(({ params }) =>
      Number(params['w']),
    );
    t.equal(Math.max(...widths), Math.min(originalWidth, 3840), String(originalWidth));
    t.equal(new Set(widths).size, widths.length, 'none twice');
  }
  const cropped = candidates(srcset(BASE, 'a.jpg', { w: 400, h: 300, fit: 'cover' }, { widths: [200, 800] }));
  t.same(
    cropped.map(({ params }) => [params['w'], params['h']]),
    [
      ['200', '150'],
      ['800', '600'],
    ],
    'the ratio stays',
  );
  const dense = candidates(srcset(BASE, 'a.jpg', { w: 90 }, { densities: [1, 1.5, 2] }));
  t.same(
    dense.map(({ params, descriptor }) => [params['w'], params['dpr'], descriptor]),
    [
      ['90', '1', '1x'],
      ['90', '1.5', '1.5x'],
      ['90', '2', '2x'],
    ],
  );
});

t.test('no candidate has a side that the server refuses', async (t) => {
  const side = fc.integer({ min: 1, max: 8192 });
  const asked = fc.record({ w: side, h: side, dpr: fc.constantFrom(1, 1.1, 2, 3, 5) }, { requiredKeys: [] });
  const options = fc.record(
    {
      originalWidth: fc.integer({ min: 1, max: 20_000 }),
      widths: fc.array(fc.integer({ min: 1, max: 12_000 }), { minLength: 1, maxLength: 4 }),
      densities: fc.array(fc.constantFrom(1, 1.3, 2, 3), { minLength: 1, maxLength: 3 }),
    },
    { requiredKeys: [] },
  );
  always(
    t,
    fc.property(asked, options, (params, chosen) => {
      const text = srcset(BASE, 'a.jpg', { fit: 'cover', ...params }, chosen);
      const addresses = text === '' ? [] : text.split(', ').map((part) => part.split(' ', 1)[0] ?? '');
      return addresses.every((address) => readQuery(address.split('?')[1] ?? '', {}) !== undefined);
    }),
  );
  const wide = candidates(srcset(BASE, 'a.jpg', {}, { originalWidth: 9000, widths: [8000, 9500] }));
  t.same(
    wide.map(({ descriptor }) => descriptor),
    ['8000w', '8192w'],
  );
});

t.test('sizes and picture', async (t) => {
  t.equal(sizes([['(min-width: 60rem)', '50vw']], '100vw'), '(min-width: 60rem) 50vw, 100vw');
  const options = { alt: 'A "red" <rose> & more', widths: [320], formats: ['avif', 'webp', 'jpeg'] as const };
  const made = picture(BASE, 'a.jpg', { q: 60 }, { ...options, width: 320, height: 200 });
  t.same(
    made.sources.map(({ type }) => type),
    ['image/avif', 'image/webp'],
  );
  t.match(made.img, { src: /fmt=jpeg/, srcset: /fmt=jpeg&w=320 320w$/, width: 320, loading: 'lazy' });
  t.equal(
    html(picture(BASE, 'a.jpg', {}, { alt: options.alt, widths: [320] })),
    `<img src="${BASE}/img/a.jpg" srcset="${BASE}/img/a.jpg?w=320 320w" alt="A &quot;red&quot; &lt;rose&gt; &amp; more" loading="lazy">`,
  );
  t.match(
    html(made),
    /^<picture><source type="image\/avif"[^>]+><source type="image\/webp"[^>]+><img [^>]+><\/picture>$/,
  );
});

t.test('sign writes what docs/signing.md says', async (t) => {
  const { key, text, sig } = vector();
  const [unsigned = ''] = text.slice('w-'.length).split('&exp=');
  t.equal(await sign(unsigned, { kid: 'main', key }, 4_102_444_800), `${text.slice(2)}&sig=${sig}`);
  const bare = await sign('https://h/p/img/a/img/b.jpg', { kid: 'k', key });
  const mac = createHmac('sha256', Buffer.from(key, 'hex'))
    .update('w-/img/a/img/b.jpg?kid=k')
    .digest('base64url');
  t.equal(bare, `https://h/p/img/a/img/b.jpg?kid=k&sig=w-${mac}`);
  for (const wrong of ['https://h/a.jpg', bare, '/img/a?exp=5'])
    await t.rejects(sign(wrong, { kid: 'k', key }), /Cannot be signed/);
});

t.test('what is signed is what a browser sends, however the address was written', async (t) => {
  const signing = { kid: 'main', key: '00112233445566778899aabbccddeeff' };
  const chars = [...Array.from({ length: 95 }, (_, code) => String.fromCharCode(code + 32)), 'ü', '🐱', '\t'];
  const written = chars
    .filter((char) => !'/\\%?&'.includes(char))
    .flatMap((char) => [`/img/a${char}b.jpg?w=5`, `/img/a.jpg?dl=a${char}`, `/img/a.jpg/dl=a${char}b`]);
  const built = chars.map((char) => url(BASE, `a${char}.jpg`, { dl: `a${char}b.jpg` }));
  for (const address of [...written.map((path) => BASE + path), ...built]) {
    const signed = await sign(address, signing, 4_102_444_800);
    const { href, pathname, search } = new URL(signed);
    t.equal(href, signed, address);
    const [text = '', sig] = `${pathname}${search}`.split('&sig=w-');
    const start = text.indexOf('/img/');
    const mac = createHmac('sha256', Buffer.from(signing.key, 'hex')).update(`w-${text.slice(start)}`);
    t.equal(sig, mac.digest('base64url'), address);
  }
});
