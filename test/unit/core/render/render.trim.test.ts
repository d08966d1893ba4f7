import sharp from 'sharp';
import t from 'tap';
import { codecLoss } from '../../../../server/core/original/loss.ts';
import { openOriginal } from '../../../../server/core/render/render.ts';
import { bordered, KINDS, openBordered, SIDES } from '../../../support/borders.ts';
import { corpus } from '../../../support/corpus.ts';
import { drawn, landmarks, picture, pixels } from '../../../support/pictures.ts';
import { sampler, times } from '../../../support/sample.ts';
import { encoded, isUndecided, measured, missesOf, SAMPLINGS } from '../../../support/trim-measure.ts';
import { type Kind, trimPicture, KINDS as WIDE_KINDS } from '../../../support/trim-pictures.ts';

/** Pictures of a kind. */
const seeds = [1, 2, 3].slice(0, times(1, 3));
const lossOf = async (file: Buffer) => codecLoss((await openOriginal(file)).source, file)?.most;
const sizeOf = async (bytes: Uint8Array, query: string) => (await picture(bytes, query)).size;

t.test('without loss the box is that of all pixels that differ', async (t) => {
  for (const kind of KINDS)
    for (const seed of seeds) {
      const made = bordered(kind, seed);
      const { width, height } = made.box;
      for (const file of [
        await openBordered(made).png().toBuffer(),
        await openBordered(made).webp({ lossless: true }).toBuffer(),
      ])
        t.same(await sizeOf(file, 'trim&fmt=png'), { width, height }, `${kind} ${seed}`);
    }
});

t.test('codec noise is no content, and content is no noise', async (t) => {
  const codings = [60, 75, 85, 95].flatMap((quality) => SAMPLINGS.map((sampling) => ({ sampling, quality })));
  const ofSeed = (seed: number, kind: Kind) =>
    codings[(seed * 5 + WIDE_KINDS.indexOf(kind)) % codings.length] ?? { sampling: 'webp', quality: 60 };
  // trim.long.ts has many more.
  t.same(await missesOf(times([9001], [9001, 9002]), ofSeed), []);
});

t.test('noise at the edge of the picture, beyond white and across blocks is no content', async (t) => {
  const rows = [
    ['4:2:0', 89, 'across', 179],
    ['4:2:0', 88, 'fade', 184],
    ['4:2:0', 92, 'box', 200],
    ['4:4:4', 60, 'dots', 1080],
    ['webp', 87, 'frame', 405],
    ['4:2:0', 60, 'dots', 252],
    ['4:2:0', 67, 'box', 253],
    ['4:4:4', 62, 'dots', 5858],
    ['4:4:4', 65, 'dots', 15_851],
    ['webp', 68, 'dots', 320],
    ['webp', 62, 'fade', 386],
  ] as const;
  for (const [sampling, quality, kind, seed] of rows.slice(0, times(5, rows.length))) {
    const made = await trimPicture(kind, seed);
    const file = await encoded(made, { sampling, quality });
    const { cut, wide } = await measured(made, file, sampling !== '4:4:4');
    t.ok(cut === 0 && wide <= 2, `${sampling} q${quality} ${kind} ${seed}: ${cut} cut, ${wide} wide`);
  }
});

t.test('a dot alone in its block is content: on ends of bands, and where noise is as strong', async (t) => {
  const rows = [
    [62, 1826],
    [66, 2490],
    [65, 6779],
    [64, 4192],
    [61, 6007],
    [62, 11_078],
    [63, 16_257],
  ] as const;
  for (const [quality, seed] of rows.slice(0, times(2, rows.length))) {
    const made = await trimPicture('dots', seed);
    const { cut, wide } = await measured(made, await encoded(made, { sampling: '4:4:4', quality }), false);
    t.ok(cut === 0 && wide <= 2, `q${quality} ${seed}: ${cut} cut, ${wide} wide`);
  }
});

t.test(
  'what a file does not say is cut: dots on red, whose file is that of a picture without them',
  async (t) => {
    const coding = { sampling: '4:2:0', quality: 64 } as const;
    const made = await trimPicture('dots', 160);
    const file = await encoded(made, coding);
    t.ok((await measured(made, file, true)).cut > 0);
    t.ok(await isUndecided(made, file, coding));
  },
);

t.test('where noise is not known by its blocks, it is told by its strength', async (t) => {
  for (const kind of KINDS)
    for (const seed of seeds) {
      const made = bordered(kind, seed);
      for (const file of [
        await openBordered(made).tiff({ compression: 'jpeg', quality: 85 }).toBuffer(),
        await openBordered(made).avif({ quality: 70, effort: 0 }).toBuffer(),
      ]) {
        const { width, height } = (await sizeOf(file, 'trim&fmt=png')) ?? { width: 0, height: 0 };
        t.ok(width >= made.box.width - 1 && height >= made.box.height - 1, `${kind} ${seed}`);
        t.ok(width <= made.box.width + 16 && height <= made.box.height + 16, `${kind} ${seed}`);
      }
    }
});

t.test('an uneven border is border, as that of a scan', async (t) => {
  const paper = await drawn(160, 120, (x, y) => {
    const grain = 238 + ((x * 7919 + y * 104_729) % 9);
    return x >= 50 && x < 110 && y >= 40 && y < 80 && (x % 5 < 2 || y % 7 < 2)
      ? [20, 20, 30]
      : [grain, grain, grain];
  });
  for (const file of [
    await sharp(paper).jpeg({ quality: 80 }).toBuffer(),
    await sharp(paper).webp({ quality: 80 }).toBuffer(),
  ]) {
    const { width, height } = (await sizeOf(file, 'trim=20&fmt=png')) ?? { width: 0, height: 0 };
    t.ok(width >= 60 && width <= 64 && height >= 40 && height <= 44, `${width} x ${height}`);
  }
});

t.test('what is cut out begins inside of a block, and is trimmed alike', async (t) => {
  const made = bordered('frame', 2);
  const sampled = sampler();
  for (const file of [
    await openBordered(made).jpeg({ quality: 75, chromaSubsampling: '4:2:0' }).toBuffer(),
    await openBordered(made).jpeg({ quality: 75, chromaSubsampling: '4:4:4' }).toBuffer(),
    await openBordered(made).jpeg({ quality: 75 }).grayscale().toBuffer(),
    await openBordered(made).webp({ quality: 75 }).toBuffer(),
  ]) {
    const whole = await sizeOf(file, 'trim&fmt=png');
    for (const [left, top] of sampled([
      [3, 5],
      [7, 9],
      [13, 1],
    ] as const)) {
      const rest = `rect=${left},${top},${SIDES.width - left},${SIDES.height - top}`;
      t.same(await sizeOf(file, `trim&${rest}&fmt=png`), whole, rest);
    }
  }
});

t.test('the border is looked for in the upright picture, and where it was cut out', async (t) => {
  const inner = await landmarks(40, 20);
  const framed = (orientation: number) =>
    sharp(inner)
      .extend({ top: 3, left: 5, bottom: 7, right: 11, background: '#fafafa' })
      .withMetadata({ orientation })
      .png()
      .toBuffer();
  for (const orientation of [1, 2, 3, 4])
    t.same(
      await sizeOf(await framed(orientation), 'trim&fmt=png'),
      { width: 40, height: 20 },
      `${orientation}`,
    );
  for (const orientation of [5, 6, 7, 8])
    t.same(
      await sizeOf(await framed(orientation), 'trim&fmt=png'),
      { width: 20, height: 40 },
      `${orientation}`,
    );
  const file = await framed(1);
  t.same(await sizeOf(file, 'trim&orient=0&fmt=png'), { width: 40, height: 20 });
  // Before, the crop of ar came first, and only that was looked at.
  t.same(await sizeOf(file, 'trim&ar=2&fmt=png'), { width: 40, height: 20 });
  t.same(await sizeOf(file, 'trim&ar=1&fmt=png'), { width: 20, height: 20 });
  t.same(await sizeOf(file, 'trim&rect=0,0,30,30&fmt=png'), { width: 25, height: 20 });
  const shown = await pixels((await picture(file, 'trim&fmt=png')).bytes);
  t.same(shown.data, (await pixels(inner)).data, 'pixel for pixel');
});

t.test('what cannot be seen is border, whatever colour lies under it', async (t) => {
  const clear = await drawn(30, 20, (x, y) =>
    x > 4 && x < 20 && y > 6 && y < 9 ? [9, 9, 9, 255] : [x * 8, y * 9, 0, 0],
  );
  t.same(await sizeOf(clear, 'trim&fmt=png'), { width: 15, height: 2 });
  t.same(
    await sizeOf(await drawn(30, 20, () => [7, 7, 7]), 'trim&fmt=png'),
    { width: 30, height: 20 },
    'only border',
  );
  const faint = await drawn(30, 20, (x, y) => (x === 9 && y === 9 ? [245, 255, 255] : [255, 255, 255]));
  t.same(await sizeOf(faint, 'trim=9&fmt=png'), { width: 1, height: 1 });
  t.same(await sizeOf(faint, 'trim=10&fmt=png'), { width: 30, height: 20 });
});

t.test('of a moving picture every frame counts; of a still one its own', async (t) => {
  const dot = (place: number) =>
    drawn(50, 30, (x, y) => (x === place && y === place ? [0, 0, 0] : [255, 255, 255]));
  const frames = await Promise.all([8, 20, 14].map(dot));
  const film = await sharp(frames, { join: { animated: true } })
    .webp({ lossless: true })
    .toBuffer();
  t.same(await sizeOf(film, 'trim&fmt=webp'), { width: 13, height: 13 });
  t.same(await sizeOf(film, 'trim&fmt=png'), { width: 1, height: 1 });
  t.same(await sizeOf(film, 'trim&fmt=png&page=2'), { width: 1, height: 1 });
});

t.test('how much a codec loses is read from its file', async (t) => {
  const { data } = bordered('text', 1);
  const image = () => openBordered({ data, box: { left: 0, top: 0, ...SIDES } });
  const loss = async (quality: number) => (await lossOf(await image().jpeg({ quality }).toBuffer())) ?? 0;
  const [low, middle, high] = [await loss(60), await loss(80), await loss(95)];
  t.ok(low > middle && middle > high && high > 10, `${low}, ${middle}, ${high}`);
  t.equal(await lossOf(await image().webp({ lossless: true }).toBuffer()), undefined);
  t.ok(await lossOf(await image().webp().toBuffer()));
  const frames = await Promise.all(
    [1, 2].map((seed) => openBordered(bordered('text', seed)).png().toBuffer()),
  );
  const film = sharp(frames, { join: { animated: true } });
  t.ok(await lossOf(await film.clone().webp().toBuffer()));
  t.equal(await lossOf(await film.clone().webp({ lossless: true }).toBuffer()), undefined);
  t.ok(await lossOf(await image().tiff({ compression: 'jpeg' }).toBuffer()));
  t.equal(await lossOf(await image().tiff({ compression: 'lzw' }).toBuffer()), undefined);
  t.equal(await lossOf(await image().png().toBuffer()), undefined);
});

t.test('what cannot be had is said as before, where pixels decide about the geometry', async (t) => {
  const scene = await drawn(60, 40, (x, y) =>
    x > 9 && y > 9 && x < 50 && y < 30 ? [x * 4, 90, y * 6] : [255, 255, 255],
  );
  const film = await sharp([scene, await drawn(60, 40, () => [255, 255, 255])], { join: { animated: true } })
    .gif()
    .toBuffer();
  const originals = {
    photo: await sharp(scene).jpeg({ quality: 95 }).toBuffer(),
    grey: await corpus('colour/grey-gamma22.jpg'),
    film,
  };
  const rows: readonly (readonly [
    original: keyof typeof originals,
    query: string,
    warnings: readonly string[],
  ])[] = [
    ['photo', 'fmt=source&lossless', ['lossless-ignored']],
    ['photo', 'fmt=source&colors=4&anim=1', ['colors-ignored', 'anim-ignored']],
    ['photo', 'fmt=auto-base&anim=1&rect=5,5,90,90', ['anim-ignored', 'rect-clamped']],
    ['photo', 'fmt=png', []],
    ['grey', 'fmt=png&icc=keep', ['icc-srgb']],
    ['film', 'fmt=source&icc=keep&lossless', ['icc-srgb', 'lossless-ignored']],
    ['film', 'fmt=webp', []],
  ];
  for (const [original, query, warnings] of rows)
    for (const more of [
      '',
      '&trim',
      '&w=20&h=20&fit=cover&g=attention',
      '&trim&w=9&h=9&fit=cover&g=entropy',
    ]) {
      const made = await picture(originals[original], `${query}${more}`);
      t.same([...made.warnings].sort(), [...warnings].sort(), `${original} ${query}${more}`);
    }
});
