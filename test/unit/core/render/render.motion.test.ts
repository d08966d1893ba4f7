import sharp from 'sharp';
import t from 'tap';
import { corpus } from '../../../support/corpus.ts';
import { difference, drawn, off, picture, pixels } from '../../../support/pictures.ts';

/** Frames of one plain colour each, but for a white dot that moves. */
async function frames(colors: readonly (readonly number[])[], width = 40, height = 30): Promise<Buffer> {
  const stills = await Promise.all(
    colors.map((color, position) =>
      drawn(width, height, (x, y) =>
        Math.hypot(x - 8 - position * 10, y - 15) < 3 ? [255, 255, 255] : color,
      ),
    ),
  );
  return sharp(stills, { join: { animated: true } })
    .gif({ delay: colors.map((_, index) => 50 * (index + 1)), loop: 3 })
    .toBuffer();
}
const RGB = [
  [200, 0, 0],
  [0, 200, 0],
  [0, 0, 200],
] as const;
const facts = async (bytes: Uint8Array) => {
  const { pages = 1, delay, loop, width, pageHeight, format } = await sharp(bytes, { pages: -1 }).metadata();
  return { pages, delay, loop, width, pageHeight, format };
};

t.test('a moving picture keeps its frames, their times and its loop in GIF and WebP', async (t) => {
  const source = await frames(RGB);
  for (const format of ['webp', 'gif'] as const) {
    const { bytes, size } = await picture(source, `w=20&fmt=${format}`);
    const expected = { pages: 3, delay: [50, 100, 150], loop: 3, width: 20, pageHeight: 15, format };
    t.same(await facts(bytes), expected);
    t.same(size, { width: 20, height: 15 });
  }
  const cat = await sharp(await corpus('samples/cat-trotting.gif')).metadata();
  const shown = await facts(
    (await picture(await corpus('samples/cat-trotting.gif'), 'w=100&fmt=auto-avif')).bytes,
  );
  t.match(
    shown,
    { pages: cat.pages, delay: cat.delay, loop: cat.loop, format: 'webp' },
    'AVIF does not move: WebP',
  );
});

t.test(
  'the longest times and most turns that a GIF can say are shown as far as they can be written',
  async (t) => {
    const source = await frames(RGB);
    const loops = source.indexOf('NETSCAPE2.0') + 13;
    const control = source.indexOf(Buffer.from([0x21, 0xf9, 0x04])) + 4;
    for (const [turns, hundredths] of [
      [65_535, 6554],
      [65_534, 65_535],
      [0, 6553],
    ] as const) {
      source.writeUInt16LE(turns, loops);
      source.writeUInt16LE(hundredths, control);
      const isLong = hundredths * 10 > 65_535;
      for (const format of ['webp', 'gif'] as const) {
        const { bytes, warnings } = await picture(source, `w=20&fmt=${format}`);
        const { pages, delay = [], loop = 0 } = await facts(bytes);
        t.same([pages, delay.slice(1)], [3, [100, 150]]);
        t.ok(Math.abs((delay[0] ?? 0) - Math.min(hundredths * 10, 65_535)) < 10, `${delay[0]} ms`);
        t.ok(turns === 0 ? loop === 0 : loop >= 65_534, `${loop} turns`);
        t.same(warnings, isLong ? ['delay-shortened'] : []);
      }
      t.same((await picture(source, 'w=20&fmt=jpeg')).warnings, [], 'of one frame there is no time');
    }
  },
);

t.test('it stands still where the format, the page or the request says so', async (t) => {
  const source = await frames(RGB);
  const seen = async (query: string) => {
    const { bytes } = await picture(source, query);
    return { ...(await facts(bytes)), color: (await pixels(bytes)).at(38, 2).slice(0, 3) };
  };
  const still = await seen('anim=0&fmt=gif');
  t.match(still, { format: 'gif', pages: 1 });
  // A palette that is looked for in a hurry is a level off.
  t.ok(off(still.color, [200, 0, 0]) <= 1, String(still.color));
  t.match(await seen('page=2&fmt=png'), { format: 'png', color: [0, 200, 0] });
  t.match(await seen('page=3&fmt=webp&lossless'), { pages: 1, color: [0, 0, 200] });
  t.match(await seen('fmt=jpeg'), { format: 'jpeg' });
  t.match(await seen('fmt=auto-base'), { format: 'gif', pages: 3 });
  t.match(await seen('fmt=source'), { format: 'gif', pages: 3 });
  await t.rejects(picture(source, 'page=4'), {
    code: 'invalid_parameter',
    facts: { param: 'page', allowed: '1-3' },
  });
});

t.test(
  'more frames than are allowed: the first one with a warning, or a refusal where motion is a must',
  async (t) => {
    const source = await frames(RGB);
    const limits = { maxPixels: 1e8, maxFrames: 2 };
    const still = await picture(source, 'fmt=webp', { limits });
    t.match(still.warnings, ['first-frame-only']);
    t.equal((await facts(still.bytes)).pages, 1);
    await t.rejects(picture(source, 'anim=1&fmt=webp', { limits }), { code: 'too_many_frames', status: 422 });
    await t.rejects(picture(source, 'fmt=webp', { limits: { maxPixels: 3000, maxFrames: 9 } }), {
      code: 'too_many_pixels',
    });
  },
);

t.test('what is done to a frame does not reach the next one', async (t) => {
  const source = await frames(RGB);
  for (const query of [
    'blur=8',
    'median=9',
    'pix=10',
    'sharp=5',
    'rot=90',
    'r=6',
    'rot=20',
    'pad=4&blur=6&bg=fff',
  ]) {
    const { bytes } = await picture(source, `${query}&fmt=webp&lossless`);
    const { pages } = await facts(bytes);
    t.equal(pages, 3, query);
    for (const page of [0, 1, 2]) {
      const color = RGB[page] ?? [];
      const alone = await drawn(40, 30, (x, y) =>
        Math.hypot(x - 8 - page * 10, y - 15) < 3 ? [255, 255, 255] : color,
      );
      const expected = await pixels((await picture(alone, `${query}&fmt=png`)).bytes);
      t.ok(difference(await pixels(bytes, { page }), expected) <= 3, `${query}: frame ${page}`);
    }
  }
});

t.test('an enlarged frame has nothing of the one before it', async (t) => {
  const source = await frames(RGB);
  for (const query of [
    ...[
      'w=90&up',
      'h=77&up',
      'w=41&up',
      'w=40&h=60&fit=fill&up',
      'w=90&h=30&fit=fill&up',
      'w=60&h=20&fit=fill&up',
    ],
    ...[
      'w=100&h=100&fit=cover&up',
      'w=40&h=30&fit=cover&zoom=2.3&up',
      'rect=5,5,30,20&w=50&up',
      'w=90&up&pad=3',
    ],
    ...['w=90&up&rot=90&flip=h', 'w=90&h=90&fit=contain&up&bg=888', 'w=90&up&blur=1'],
  ]) {
    for (const format of ['webp&lossless', 'gif']) {
      const { bytes, size } = await picture(source, `${query}&fmt=${format}`);
      for (const page of [0, 1, 2]) {
        const alone = await drawn(40, 30, (x, y) =>
          Math.hypot(x - 8 - page * 10, y - 15) < 3 ? [255, 255, 255] : (RGB[page] ?? []),
        );
        const expected = await picture(alone, `${query}&fmt=png`);
        t.same(size, expected.size, query);
        const off = difference(await pixels(bytes, { page }), await pixels(expected.bytes));
        t.ok(off <= (format === 'gif' ? 48 : 3), `${query}, ${format}: frame ${page} is ${off} off`);
      }
    }
  }
});

t.test('a crop by content stays in one place while the picture moves', async (t) => {
  const source = await frames(RGB, 60, 30);
  const { bytes, size } = await picture(source, 'w=30&h=30&fit=cover&g=attention&fmt=webp&lossless');
  t.same(size, { width: 30, height: 30 });
  const whites = async (page: number) => {
    const { data, width } = await pixels(bytes, { page });
    const at = [...Array(data.length / 4).keys()].filter(
      (pixel) => data[pixel * 4 + 1] === 255 && data[pixel * 4] === 255,
    );
    return at.reduce((sum, pixel) => sum + (pixel % width), 0) / at.length;
  };
  const [first, second] = [await whites(0), await whites(1)];
  t.ok(Math.abs(second - first - 10) < 1.5, `the dot moves by 10 px: ${first} to ${second}`);
});

t.test('a watermark lies on every frame', async (t) => {
  const watermark = await drawn(10, 10, () => [255, 255, 0]);
  const { bytes } = await picture(await frames(RGB), 'wm=a&wmp=0&wmg=ne&wms=25&fmt=webp&lossless', {
    watermark,
  });
  for (const page of [0, 1, 2]) t.ok(off((await pixels(bytes, { page })).at(37, 2), [255, 255, 0]) <= 2);
});

t.test('padding and borders lie around each frame, however many there are', async (t) => {
  const source = await frames(RGB);
  for (const [query, width, pageHeight] of [
    ['pad=5&border=3,ff8000', 36, 31],
    ['w=20&h=20&fit=contain&pad=5', 30, 30],
    ['w=20&h=20&fit=contain&border=2,ff8000', 24, 24],
  ] as const) {
    for (const format of ['webp', 'gif']) {
      const { bytes, size } = await picture(
        source,
        `w=20&${query}&fmt=${format}`.replace('w=20&w=20', 'w=20'),
      );
      t.match(
        await facts(bytes),
        { pages: 3, width, pageHeight, delay: [50, 100, 150] },
        `${query} ${format}`,
      );
      t.same(size, { width, height: pageHeight });
    }
  }
});

t.test('the crop by content of a moving picture is that of its first frame, to the pixel', async (t) => {
  for (const place of [4, 70, 116]) {
    const still = await drawn(120, 40, (x, y) =>
      Math.hypot(x - place, y - 20) < 6 ? [255, 30, 10] : [120 + (x % 3), 130, 140 + (y % 2)],
    );
    const other = await drawn(120, 40, (x, y) => [x, y, 99]);
    const film = await sharp([still, other], { join: { animated: true } })
      .webp({ lossless: true, delay: [40, 90] })
      .toBuffer();
    for (const query of ['w=30&h=30&fit=cover&g=attention', 'w=20&h=40&fit=cover&g=entropy']) {
      const alone = await pixels((await picture(film, `${query}&fmt=png&page=1`)).bytes);
      const first = await pixels((await picture(film, `${query}&fmt=webp&lossless`)).bytes);
      t.ok(difference(first, alone) < 0.5, `${query} with something at ${place}`);
    }
  }
});
