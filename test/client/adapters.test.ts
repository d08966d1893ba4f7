import t from 'tap';
import astro from '../../client/adapters/astro.ts';
import { nextLoader } from '../../client/adapters/next.ts';
import nuxt, { getImage } from '../../client/adapters/nuxt.ts';
import { extract, generate, transform } from '../../client/adapters/unpic.ts';
import { ALIASES } from '../../client/parameters.ts';
import { readQuery } from '../../server/core/operations/transformation.ts';

const BASE = 'https://img.example.com';

t.test('next/image', async (t) => {
  const loader = nextLoader(BASE, { fmt: 'webp' });
  t.equal(loader({ src: '/a b.jpg', width: 640 }), `${BASE}/img/a%20b.jpg?fmt=webp&w=640`);
  t.equal(loader({ src: 'a.jpg', width: 640, quality: 60 }), `${BASE}/img/a.jpg?fmt=webp&w=640&q=60`);
  const coarse = nextLoader(BASE, { q: 40 });
  t.equal(coarse({ src: 'a.jpg', width: 640 }), `${BASE}/img/a.jpg?q=40&w=640`, 'where the page names none');
  t.equal(coarse({ src: 'a.jpg', width: 640, quality: 60 }), `${BASE}/img/a.jpg?q=60&w=640`);
});

t.test('unpic: what is generated is extracted again, and transformed', async (t) => {
  const operations = { width: 320, height: 200, quality: 60, format: 'webp', fit: 'cover' } as const;
  const made = generate('a/b.jpg', operations, { baseURL: BASE });
  t.equal(made, `${BASE}/img/a/b.jpg?w=320&h=200&q=60&fmt=webp&fit=cover`);
  t.same(extract(made), { src: `${BASE}/img/a/b.jpg`, operations, options: { baseURL: BASE } });
  t.same(extract(transform(made, { width: 640, height: 400 }))?.operations, {
    ...operations,
    width: 640,
    height: 400,
  });
  t.equal(transform('a.jpg', { width: 9 }, { baseURL: BASE }), `${BASE}/img/a.jpg?w=9`);
  t.equal(extract('https://elsewhere/a.jpg'), null);
  for (const q of ['auto', '60'])
    t.equal(transform(`${BASE}/img/a.jpg?q=${q}`, {}), `${BASE}/img/a.jpg?q=${q}`);
});

t.test(
  'every name of a parameter is taken, and one that is asked for replaces one of the source',
  async (t) => {
    for (const [alias, name] of Object.entries(ALIASES)) {
      const source = `${BASE}/img/a.jpg?${name}=1`;
      t.equal(generate(source, { [alias]: 2 }), `${BASE}/img/a.jpg?${name}=2`);
      t.equal(transform(source, { [alias]: 2 }), `${BASE}/img/a.jpg?${name}=2`);
      const asked = getImage('a.jpg', { modifiers: { [name]: 1, [alias]: 2 }, baseURL: BASE });
      t.same(asked, { url: `${BASE}/img/a.jpg?${name}=2` });
    }
  },
);

t.test('what the imgix provider of unpic 4.2.2 writes is read, as docs/migrate.md says', async (t) => {
  const rows = [
    ['fm=webp&w=300&h=200&fit=min', 'fit=cover&fmt=webp&h=200&w=300'],
    ['w=300&fit=min&auto=format', 'w=300'],
  ] as const;
  for (const [query, canonical] of rows) t.equal(readQuery(query, {}, ['auto']).canonical, canonical);
  t.throws(() => readQuery('w=300&auto=format', {}), /Did you mean "fmt=auto"\?/);
});

t.test('@nuxt/image', async (t) => {
  const modifiers = { width: 320, height: 200, quality: 60, format: 'webp', background: '#fff', blur: 3 };
  const wanted = `${BASE}/img/a.jpg?w=320&h=200&q=60&fmt=webp&bg=%23fff&blur=3`;
  t.same(getImage('/a.jpg', { modifiers, baseURL: BASE }), { url: wanted });
  const silent = { q: 60, width: 320, quality: undefined, format: undefined };
  t.same(getImage('a.jpg', { modifiers: silent, baseURL: BASE }), { url: `${BASE}/img/a.jpg?q=60&w=320` });
  t.equal(nuxt().getImage, getImage);
});

t.test('Astro', async (t) => {
  const config = { service: { config: { base: BASE } } };
  const options = {
    src: 'a.jpg',
    width: 320,
    height: 200,
    format: 'webp',
    alt: 'A rose',
    fit: 'cover',
  } as const;
  t.equal(astro.getURL(options, config), `${BASE}/img/a.jpg?w=320&h=200&fmt=webp&fit=cover`);
  t.equal(
    astro.getURL({ src: { src: '/a.jpg' }, quality: '60', fit: 'none' }, config),
    `${BASE}/img/a.jpg?q=60`,
  );
  for (const [quality, q] of [
    ['auto', 'q=auto'],
    ['low', 'q=25'],
    ['max', 'q=100'],
    [undefined, ''],
  ] as const)
    t.equal(
      astro.getURL({ src: 'a.jpg', quality }, config),
      `${BASE}/img/a.jpg${q && `?${q}`}`,
      'words of Astro',
    );
  const wide = astro.getSrcSet({ ...options, widths: [160, 640] });
  t.match(wide, [
    { transform: { width: 160, height: 100, src: 'a.jpg' }, descriptor: '160w' },
    { transform: { width: 640, height: 400 }, descriptor: '640w' },
  ]);
  t.match(astro.getSrcSet({ ...options, densities: [1, '2x'] }), [
    { transform: { width: 320 }, descriptor: '1x' },
    { transform: { width: 640 }, descriptor: '2x' },
  ]);
  t.same(astro.getHTMLAttributes(options), {
    width: 320,
    height: 200,
    alt: 'A rose',
    loading: 'lazy',
    decoding: 'async',
  });
  t.equal(astro.validateOptions(options), options);
});
