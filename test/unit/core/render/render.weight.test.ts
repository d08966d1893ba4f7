import sharp from 'sharp';
import t from 'tap';
import { corpus, corpusRows } from '../../../support/corpus.ts';
import { difference, drawn, off, picture, pixels } from '../../../support/pictures.ts';
import { sampler, times } from '../../../support/sample.ts';

const facts = (bytes: Uint8Array) => sharp(bytes).metadata();

/** Flat colours with a grid, as charts have; each as many levels as there are colours. */
const chart = (colors: number, grey: boolean): Promise<Buffer> =>
  drawn(160, 120, (x, y) => {
    const index = (Math.floor(x / 13) + 3 * Math.floor(y / 11)) % colors;
    const level = Math.round((index * 255) / Math.max(1, colors - 1));
    return grey ? [level, level, level] : [level, (index * 37) % 256, 255 - level];
  });

t.test('an indexed PNG stays indexed, to the pixel where nothing mixes its colours', async (t) => {
  const sampled = sampler();
  for (const colors of [2, 3, 4, 9, 16, 17, 64, 256]) {
    const source = await sharp(await chart(colors, false))
      .png({ palette: true, effort: 10 })
      .toBuffer();
    for (const query of sampled(
      ['fmt=png', 'fmt=source', 'fmt=auto-base', 'fmt=png&rot=90', 'fmt=png&rect=20,20,80,60'],
      3,
    )) {
      const { bytes } = await picture(source, query);
      t.equal((await facts(bytes)).isPalette, true, `${colors} ${query}`);
      t.ok(bytes.length <= source.length * 1.05, `${colors} ${query}: ${bytes.length} of ${source.length}`);
      if (!/rot|rect/.test(query)) t.equal(difference(await pixels(bytes), await pixels(source)), 0, query);
    }
    const half = await picture(source, 'fmt=png&w=80');
    t.equal((await facts(half.bytes)).isPalette, true, `${colors} at half the width`);
    const exact = await sharp(source).resize(80).png({ compressionLevel: 9 }).toBuffer();
    t.ok(difference(await pixels(half.bytes), await pixels(exact)) < 2, `${colors} looks as it should`);
    t.ok(half.bytes.length <= exact.length * 1.05, `${colors}: ${half.bytes.length} of ${exact.length}`);
  }
});

t.test('few bits of grey stay few; more levels take more', async (t) => {
  const bits = { 2: 1, 4: 2, 16: 4 } as const;
  for (const [colors, depth] of Object.entries(bits)) {
    const grey = await sharp(await chart(Number(colors), true))
      .png({ palette: true, effort: 10 })
      .toBuffer();
    const { bytes } = await picture(grey, 'fmt=png');
    const { bitsPerSample, isPalette, space } = await facts(bytes);
    t.same({ bitsPerSample, isPalette, space }, { bitsPerSample: depth, isPalette: false, space: 'b-w' });
    t.equal(difference(await pixels(bytes), await pixels(grey)), 0);
  }
  const one = await corpus('formats/pngsuite-basn0g01.png');
  for (const query of ['', 'fmt=source', 'w=16', 'w=16&fmt=png']) {
    const { bytes, contentType } = await picture(one, query);
    t.equal(contentType, 'image/png', `no JPEG of one bit: ${query}`);
    t.ok(bytes.length < 300, `${query}: ${bytes.length}`);
  }
});

t.test(
  'a PNG of grey levels stays one of grey levels, to the pixel, until something colours it',
  async (t) => {
    const level = (x: number, y: number) =>
      Math.round(127 + 90 * Math.sin(x / 9) + 37 * Math.cos((x + y) / 5));
    const plain = await drawn(160, 120, (x, y) => [level(x, y), level(x, y), level(x, y)]);
    const soft = await drawn(160, 120, (x, y) => [level(x, y), level(x, y), level(x, y), 255 - x]);
    const one = await sharp(plain).toColourspace('b-w').png({ compressionLevel: 9 }).toBuffer();
    const two = await sharp(soft).toColourspace('b-w').png({ compressionLevel: 9 }).toBuffer();
    for (const [source, channels] of [
      [one, 1],
      [two, 2],
    ] as const) {
      t.same((await facts(source)).channels, channels);
      for (const query of ['fmt=png', 'fmt=source', 'fmt=png&w=80', 'fmt=png&rot=90', 'fmt=png&blur=2']) {
        const { bytes } = await picture(source, query);
        t.match(await facts(bytes), { channels, space: 'b-w', bitsPerSample: 8 }, `${channels} ${query}`);
        if (!/w=|rot|blur/.test(query)) {
          t.equal(difference(await pixels(bytes), await pixels(source)), 0, `${channels} ${query}`);
          t.ok(
            bytes.length <= source.length * 1.05,
            `${channels} ${query}: ${bytes.length} of ${source.length}`,
          );
        }
      }
      const red = await pixels((await picture(source, 'fmt=png&border=3,f00')).bytes);
      t.same(red.at(1, 1), [255, 0, 0, 255], 'a coloured border');
      t.equal((await facts((await picture(source, 'fmt=png&icc=p3')).bytes)).hasProfile, true);
    }
  },
);

t.test('a palette with alpha keeps every level of it', async (t) => {
  for (const file of ['formats/pngsuite-tm3n3p02.png']) {
    const source = await corpus(file);
    const { bytes } = await picture(source, 'fmt=png');
    t.equal(difference(await pixels(bytes), await pixels(source)), 0);
    t.equal((await facts(bytes)).isPalette, true);
  }
  const soft = await drawn(64, 64, (x, y) => [200, 30, 60, Math.min(255, (x + y) * 2)]);
  const source = await sharp(soft).png({ palette: true, effort: 10 }).toBuffer();
  const { bytes } = await picture(source, 'fmt=png');
  t.equal(difference(await pixels(bytes), await pixels(source)), 0);
});

t.test('what is asked for beside a palette is still there', async (t) => {
  const source = await sharp(await chart(16, false))
    .png({ palette: true })
    .toBuffer();
  const p3 = await facts((await picture(source, 'fmt=png&icc=p3')).bytes);
  t.same([p3.hasProfile, p3.isPalette], [true, true]);
  const interlaced = await facts((await picture(source, 'fmt=png&progressive')).bytes);
  t.same([interlaced.isProgressive, interlaced.isPalette], [true, true]);
  const watermark = await drawn(60, 60, (x, y) => [x * 4, y * 4, 128]);
  const marked = await picture(source, 'fmt=png&wm=a&wms=90', { watermark });
  t.equal((await facts(marked.bytes)).isPalette, false, 'a mark brings colours of its own');
  t.equal((await facts((await picture(source, 'fmt=png&colors=2')).bytes)).bitsPerSample, 1);
});

const lossy = async (format: 'jpeg' | 'webp' | 'avif', quality: number): Promise<Buffer> => {
  const image = sharp(await corpus('photos/kodim23.png')).resize(200);
  return format === 'avif'
    ? image.avif({ quality, effort: 5 }).toBuffer()
    : image[format]({ quality }).toBuffer();
};

t.test('of the same size and format nothing lossy is larger than its original', async (t) => {
  const sampled = sampler();
  for (const format of ['jpeg', 'webp', 'avif'] as const) {
    for (const quality of times([5, 60], [5, 30, 60, 95])) {
      const source = await lossy(format, quality);
      for (const query of sampled(
        ['fmt=source', 'fmt=source&rot=180', 'fmt=source&w=2000', 'fmt=source&effort=fast'],
        3,
      )) {
        const { bytes } = await picture(source, query);
        t.ok(
          bytes.length <= source.length,
          `${format} ${quality} ${query}: ${bytes.length} of ${source.length}`,
        );
      }
    }
  }
  for (const { file, outcome } of sampled(corpusRows(), times(6, 1))) {
    const isLossy = /^(formats|exif|colour|sizes)\/.*\.(jpe?g|webp|avif)$/.test(file);
    if (outcome !== 'decode' || !isLossy || file === 'sizes/7x5003.webp') continue;
    const source = await corpus(file);
    if (source.length > 100_000) continue;
    const { bytes, contentType } = await picture(source, 'fmt=source');
    if (/jpeg|webp|avif/.test(contentType))
      t.ok(bytes.length <= source.length, `${file}: ${bytes.length} of ${source.length}`);
  }
});

t.test(
  'the quality that is left of an original caps ours, unless q says otherwise or the picture is made smaller',
  async (t) => {
    const poor = await lossy('jpeg', 30);
    const better = await lossy('jpeg', 92);
    const size = async (source: Buffer, query: string) => (await picture(source, query)).bytes.length;
    for (const fmt of ['jpeg', 'webp', 'avif']) {
      t.equal(
        await size(poor, `fmt=${fmt}`),
        // A JPEG within the bytes of its own original is written with patience.
        await size(poor, `fmt=${fmt}&q=30${fmt === 'jpeg' ? '&effort=small' : ''}`),
        `${fmt}: as if q=30 were said`,
      );
      t.ok((await size(poor, `fmt=${fmt}&q=80`)) > (await size(poor, `fmt=${fmt}`)), `${fmt}: q is a wish`);
      t.equal(
        await size(better, `fmt=${fmt}`),
        await size(better, `fmt=${fmt}&q=75`),
        `${fmt}: never more than the default`,
      );
    }
    const [small, said] = [await size(poor, 'fmt=webp&w=100'), await size(poor, 'fmt=webp&w=100&q=74')];
    t.ok(small >= said, 'smaller pixels are as good as any');
  },
);

t.test('a drawing of at most 96 px is a WebP where auto would be AVIF', async (t) => {
  const svg = Buffer.from(
    '<svg xmlns="http://www.w3.org/2000/svg" width="200" height="100"><circle cx="50" cy="50" r="40"/></svg>',
  );
  const palette = await sharp(await chart(9, false))
    .png({ palette: true })
    .toBuffer();
  const type = async (source: Buffer, query: string) => (await picture(source, query)).contentType;
  for (const source of [svg, palette]) {
    t.equal(await type(source, 'w=96&fmt=auto-avif'), 'image/webp');
    t.equal(await type(source, 'w=97&fmt=auto-avif'), 'image/avif');
    t.equal(await type(source, 'w=96&fmt=avif'), 'image/avif', 'what is asked for by name');
  }
  t.equal(await type(await lossy('jpeg', 80), 'w=64&fmt=auto-avif'), 'image/avif', 'no drawing');
});

t.test('what headers alone make larger keeps its quality', async (t) => {
  const flat = await drawn(64, 24, () => [200, 60, 40]);
  const source = await sharp(flat).toColourspace('cmyk').jpeg().toBuffer();
  const wanted = (await pixels((await picture(source, 'fmt=png')).bytes)).at(12, 12);
  const { bytes } = await picture(source, 'fmt=source');
  t.ok(off((await pixels(bytes)).at(12, 12), wanted) <= 6, `${bytes.length} of ${source.length}`);
});

t.test(
  'what cannot be had within the bytes of the original is as light as it gets, not as was asked',
  async (t) => {
    const scene = await drawn(400, 300, (x, y) => [
      x / 2 + 20 * Math.sin(y / 9),
      y / 2 + 15 * Math.cos(x / 11),
      128 + 90 * Math.sin((x + y) / 30),
    ]);
    const original = await sharp(scene).avif({ quality: 1, effort: 6 }).toBuffer();
    const { bytes } = await picture(original, 'fmt=source&effort=fast');
    t.ok(bytes.length < original.length * 1.3, `${bytes.length} of ${original.length}`);
  },
);
