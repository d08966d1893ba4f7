import t from 'tap';
import { storedKey } from '../support/results.ts';
import { joined, unlikePages } from '../support/tiff-pages.ts';
import { isDrained, warmerOf } from '../support/warmer.ts';

const pages = await unlikePages();
/** Of a kind that can share a decode, and of kinds that cannot. */
const names = ['plain', 'smaller', 'turned', 'seeThrough', 'deep', 'coded'];
const files = names.map((name) => pages[name] ?? Buffer.alloc(0));
const FORMS = [
  'fmt=webp&w=80',
  'fmt=png&w=80',
  'fmt=jpeg&w=50',
  'fmt=png&trim=10',
  'fmt=webp&w=900',
  'ph=color',
];

const onPage = (form: string, page: number): string =>
  page === 1 ? form : [...form.split('&'), `page=${page}`].sort().join('&');

t.test('pages that are warmed together are what each would be alone', async (t) => {
  const warmer = await warmerOf(t);
  const all = names.flatMap((_name, index) => FORMS.map((form) => onPage(form, index + 1)));
  await warmer.ask('all', joined(files), all);
  for (const [index, name] of names.entries()) await warmer.ask(name, files[index] ?? Buffer.alloc(0), FORMS);
  await warmer.until(() => isDrained(warmer.stores));
  const told = new Map((await warmer.variants('all')).map((variant) => [variant.variant, variant]));
  for (const [index, name] of names.entries())
    for (const variant of await warmer.variants(name)) {
      const own = told.get(onPage(variant.variant, index + 1));
      const where = `${name}: ${variant.variant}`;
      t.equal(own?.status, 'ready', where);
      t.equal(own?.sameAs, variant.sameAs && onPage(variant.sameAs, index + 1), where);
      const etag = async (id: string, form: string) =>
        (await warmer.stores.results.head(storedKey(id, form)))?.etag;
      const alone = await etag(name, variant.sameAs ?? variant.variant);
      t.type(alone, 'string', where);
      t.equal(await etag('all', own?.sameAs ?? own?.variant ?? ''), alone, where);
    }
});

t.test('a page that cannot be had fails alone', async (t) => {
  const warmer = await warmerOf(t);
  await warmer.ask('a', joined(files), ['fmt=webp&page=7&w=80', 'fmt=webp&page=2&w=80']);
  await warmer.until(() => isDrained(warmer.stores));
  t.match(await warmer.variants('a'), [
    { variant: 'fmt=webp&page=2&w=80', status: 'ready' },
    { status: 'failed', error: /^invalid_parameter: .*page=7/ },
  ]);
});
