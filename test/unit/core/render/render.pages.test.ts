import sharp from 'sharp';
import t, { type Test } from 'tap';
import { readQuery, readTransformation } from '../../../../server/core/operations/transformation.ts';
import { readExif } from '../../../../server/core/original/exif.ts';
import { copyrightOf } from '../../../../server/core/original/metadata.ts';
import { writeDublinCore } from '../../../../server/core/original/xmp.ts';
import { plainerForm } from '../../../../server/core/plan/plainer.ts';
import { makePlan, type PlanOptions } from '../../../../server/core/plan/plan.ts';
import { openOriginal } from '../../../../server/core/render/render.ts';
import { LIMITS, picture, pixels } from '../../../support/pictures.ts';
import { tiff } from '../../../support/tiff.ts';
import { joined, unlikePages } from '../../../support/tiff-pages.ts';

const pages = await unlikePages();
const names = Object.keys(pages);
const files = Object.values(pages);
const together = joined(files);

const QUERIES = [
  '',
  'w=100',
  'h=70',
  'w=80&h=80&fit=cover&g=ne',
  'w=80&h=60&fit=contain&bg=00ff00',
  'w=90&h=40&fit=fill',
  'w=64&h=64&fit=cover&g=attention',
  'w=500&up=1',
  'rect=10,5,60,40',
  'rect=r,0.2,0.1,0.5,0.7&w=40',
  'trim=10',
  'trim=10&w=60',
  'orient=0&w=60',
  'rot=90&w=60',
  'icc=keep',
  'icc=p3&w=60',
  'meta=keep&w=60',
  'gam=2&w=60',
];
/** Where it is about writing; the others are of pixels alone. AVIF takes its time. */
const FORMATS: Readonly<Record<string, readonly string[]>> = {
  '': ['jpeg', 'png', 'webp', 'webp&lossless'],
  'w=100': ['jpeg', 'png', 'webp', 'avif', 'auto-avif'],
  'trim=10&w=60': ['jpeg', 'png', 'webp&lossless', 'auto-avif'],
};
const asked = QUERIES.flatMap((query) =>
  (FORMATS[query] ?? ['png']).map((fmt) => (query ? `${query}&fmt=${fmt}` : `fmt=${fmt}`)),
);
const FEW = ['fmt=png', 'fmt=png&w=100', 'fmt=webp&trim=10&w=60'];

async function shown(file: Buffer, query: string) {
  const { bytes, size, warnings, contentType } = await picture(file, query);
  return { bytes: bytes.toString('base64'), size, warnings, contentType };
}

async function comparesWithEachAlone(t: Test, order: readonly string[], queries: readonly string[]) {
  const file = joined(order.map((name) => pages[name] ?? Buffer.alloc(0)));
  for (const [index, name] of order.entries())
    for (const query of index === 0 ? [] : queries) {
      const alone = await shown(pages[name] ?? Buffer.alloc(0), query);
      t.strictSame(await shown(file, `page=${index + 1}&${query}`), alone, `${name}: ${query}`);
    }
}

t.test('a page is shown as if it were alone', (t) => comparesWithEachAlone(t, names, asked));

t.test('whatever the first page is', async (t) => {
  for (const first of ['turned', 'seeThrough', 'greyDeep', 'cmyk', 'coded', 'twoTone'])
    await comparesWithEachAlone(t, [first, 'plain', 'turned', 'seeThrough', 'deep', 'wide'], FEW);
});

t.test('pixels, decoded by somebody else, are those of the page', async (t) => {
  const shown = await pixels((await picture(together, 'page=2&fmt=png')).bytes);
  const stored = await pixels(pages['smaller'] ?? Buffer.alloc(0));
  t.match(shown, { width: 120, height: 90 });
  t.ok(shown.data.equals(stored.data));
});

const OPTIONS: PlanOptions = { priority: 'live', limits: LIMITS };

t.test('size, price, format and what it is the same as are told as if it were alone', async (t) => {
  const told = async (file: Buffer, query: string, page = 1) => {
    const { canonical } = readQuery(`page=${page}&${query}`, {});
    const { source } = await openOriginal(file, { page: page - 1 });
    const plan = makePlan(source, readTransformation(canonical), OPTIONS);
    const { upright, geometry, result, cost, warnings, settings, format } = plan;
    const plainer = plainerForm(plan, canonical, OPTIONS)?.replace(/&page=\d+/, '');
    return { upright, geometry, result, cost, warnings, settings, format, plainer };
  };
  for (const [index, name] of names.entries())
    for (const query of ['fmt=auto-avif', 'fmt=webp&w=100', 'fmt=jpeg&w=3000', 'fmt=png&h=50&trim=10'])
      t.strictSame(
        await told(together, query, index + 1),
        await told(files[index] ?? Buffer.alloc(0), query),
        `${name}: ${query}`,
      );
});

t.test('the limit of pixels is that of the page', async (t) => {
  const limits = { ...LIMITS, maxPixels: 100_000 };
  const order = ['plain', 'larger', 'smaller'].map((name) => pages[name] ?? Buffer.alloc(0));
  await t.rejects(picture(joined(order), 'page=2&fmt=png', { limits }), {
    code: 'too_many_pixels',
    facts: { received: '356 x 488 px' },
  });
  const third = await picture(
    joined([order[1] ?? Buffer.alloc(0), order[2] ?? Buffer.alloc(0)]),
    'page=2&fmt=png',
    {
      limits,
    },
  );
  t.match(third.size, { width: 120, height: 90 }, 'nor does a larger page stand in the way of a smaller one');
});

t.test(
  'a page that is not there is told as before, and one that cannot be read is told by its kind',
  async (t) => {
    const odd = joined([pages['plain'] ?? Buffer.alloc(0), tiff({ photometric: 1, bits: [32], samples: 3 })]);
    await t.rejects(picture(odd, 'page=3&fmt=png'), {
      code: 'invalid_parameter',
      message: /The original has 2 pages; page=3 is not there/,
    });
    await t.rejects(picture(odd, 'page=2&fmt=png'), {
      code: 'unsupported_source',
      message: /a TIFF with floating-point samples of grey/,
    });
    t.match((await picture(odd, 'fmt=png')).size, { width: 240 });
  },
);

t.test('what a page says of its author goes before what the first page says of the file', async (t) => {
  const signed = (name: string, rights: string) =>
    sharp(pages[name]).withXmp(writeDublinCore({ rights })).tiff({ compression: 'lzw' }).toBuffer();
  const file = joined([
    await signed('plain', 'Of the file'),
    pages['smaller'] ?? Buffer.alloc(0),
    await signed('seeThrough', 'Of the page'),
  ]);
  const rights = async (page: number) => {
    const { bytes } = await picture(file, `page=${page}&fmt=jpeg`);
    return copyrightOf(await sharp(bytes).metadata())?.IFD0?.['Copyright'];
  };
  t.same(await Promise.all([1, 2, 3].map(rights)), ['Of the file', 'Of the file', 'Of the page']);
});

t.test('directories that go round in a circle end', async (t) => {
  const file = joined([tiff(), tiff()]);
  const start = file.readUInt32LE(4);
  const nextAt = (directory: number) => directory + 2 + file.readUInt16LE(directory) * 12;
  const second = file.readUInt32LE(nextAt(start));
  file.writeUInt32LE(start, nextAt(second));
  t.ok(readExif(file, 999), 'as many steps as the page has number');
  t.match((await picture(file, 'page=2&fmt=png')).size, { width: 16 });
  await t.rejects(picture(file, 'page=3&fmt=png'), { code: 'invalid_parameter' });
  t.equal(readExif(joined([tiff(), tiff()]), 2), undefined);
});
