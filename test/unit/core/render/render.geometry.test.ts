import fc from 'fast-check';
import type { Sharp } from 'sharp';
import sharp from 'sharp';
import t from 'tap';
import { inverse, turnOfOrientation } from '../../../../server/core/geometry/turns.ts';
import { corpus } from '../../../support/corpus.ts';
import { difference, drawn, landmarks, off, picture, pixels } from '../../../support/pictures.ts';
import { alwaysAsync } from '../../../support/property.ts';
import { times } from '../../../support/sample.ts';

const step = async (bytes: Buffer, work: (image: Sharp) => Sharp): Promise<Buffer> =>
  work(sharp(bytes)).png().toBuffer();

/** The way of a picture through the geometry, each step a pipeline of its own: slow, and right by construction. */
async function byHand(bytes: Buffer, { rect, size, ar, g, rot, flip, pad }: Way): Promise<Buffer> {
  const positions = { center: 'centre', n: 'north', se: 'southeast', w: 'west' };
  const position = positions[g];
  let place: Buffer = await sharp(bytes).autoOrient().png().toBuffer();
  const cover = (width: number, height: number) =>
    step(place, (image) => image.resize(width, height, { fit: 'cover', position }));
  if (rect)
    place = await step(place, (image) =>
      image.extract({ left: rect[0], top: rect[1], width: rect[2], height: rect[3] }),
    );
  const { width, height } = await sharp(place).metadata();
  if (size) place = await cover(size[0], size[1]);
  else if (ar)
    place = await (width / height > ar
      ? cover(Math.round(height * ar), height)
      : cover(width, Math.round(width / ar)));
  if (rot) place = await step(place, (image) => image.rotate(rot));
  if (flip) place = await step(place, (image) => image.flop(flip.includes('h')).flip(flip.includes('v')));
  const all = { top: pad, left: pad, right: pad, bottom: pad, background: '#ff0000' };
  return pad ? step(place, (image) => image.extend(all)) : place;
}

const way = fc.record({
  width: fc.constantFrom(30, 41, 64),
  height: fc.constantFrom(26, 35, 50),
  orientation: fc.integer({ min: 1, max: 8 }),
  rect: fc.constantFrom(undefined, [3, 4, 15, 17], [0, 0, 20, 12]),
  size: fc.constantFrom(undefined, undefined, [10, 10], [12, 8]),
  ar: fc.constantFrom(undefined, 1, 2),
  g: fc.constantFrom('center', 'n', 'se', 'w'),
  rot: fc.constantFrom(0, 90, 180, 270),
  flip: fc.constantFrom(undefined, 'h', 'v', 'hv'),
  pad: fc.constantFrom(0, 3),
});
type Way = typeof way extends fc.Arbitrary<infer W> ? W : never;

const queryOf = ({ rect, size, ar, g, rot, flip, pad }: Way): string =>
  [
    'fmt=png&bg=f00',
    ...(rect ? [`rect=${rect}`] : []),
    ...(size ? [`w=${size[0]}&h=${size[1]}&fit=cover&g=${g}`] : ar ? [`ar=${ar}&g=${g}`] : []),
    `rot=${rot}&pad=${pad}`,
    ...(flip ? [`flip=${flip}`] : []),
  ].join('&');

t.test('orientation, rect, crop, rot, flip and pad in one pass are what they are one by one', async (t) => {
  await alwaysAsync(
    t,
    fc.asyncProperty(way, async (given) => {
      const upright = await landmarks(given.width, given.height);
      const source = await sharp(upright).withMetadata({ orientation: given.orientation }).png().toBuffer();
      const result = await pixels((await picture(source, queryOf(given))).bytes);
      // The order of resizing and turning shows in the rounding of a scaled picture, not in its place.
      return difference(result, await pixels(await byHand(source, given))) <= (given.size ? 4 : 0);
    }),
    { numRuns: times(20, 150) },
  );
});

t.test('the eight EXIF orientations give one picture', async (t) => {
  const first = await pixels((await picture(await corpus('exif/landscape-1.jpg'), 'w=300&fmt=png')).bytes);
  for (const orientation of [2, 3, 4, 5, 6, 7, 8]) {
    const turned = await picture(await corpus(`exif/landscape-${orientation}.jpg`), 'w=300&fmt=png');
    t.ok(difference(await pixels(turned.bytes), first) < 4.5, `JPEG, orientation ${orientation}`);
    t.same(turned.size, { width: 300, height: 200 });
  }
});

t.test('the orientation tag is followed in PNG, TIFF and AVIF too', async (t) => {
  const upright = await landmarks(60, 40);
  for (const format of ['png', 'tiff', 'avif'] as const) {
    for (const orientation of [3, 5, 8]) {
      const stored = sharp(upright).withMetadata({ orientation });
      const source = await (format === 'avif'
        ? stored.avif({ lossless: true })
        : stored.toFormat(format)
      ).toBuffer();
      const result = await pixels((await picture(source, 'w=30&fmt=png')).bytes);
      const expected = await pixels(await sharp(source).autoOrient().resize(result.width).png().toBuffer());
      t.ok(difference(result, expected) < 4, `${format}, orientation ${orientation}`);
    }
  }
  const left = await pixels((await picture(await corpus('exif/orientation-6.png'), 'fmt=png')).bytes);
  t.same([left.width, left.height], [100, 200]);
});

t.test('orient=0 leaves the pixels as stored, and the result says no orientation', async (t) => {
  const { bytes, size } = await picture(await corpus('exif/landscape-6.jpg'), 'w=120&orient=0');
  t.same(size, { width: 120, height: 180 });
  t.equal((await sharp(bytes).metadata()).orientation, undefined);
});

t.test('a turn by 15 degrees keeps the quarter turn of the camera, and flip comes after it', async (t) => {
  const upright = await landmarks(80, 50);
  const stored = await sharp(upright).rotate(270).withMetadata({ orientation: 6 }).png().toBuffer();
  for (const query of ['rot=15', 'rot=15&flip=h', 'rot=200&flip=v']) {
    const turned = await pixels((await picture(stored, `${query}&bg=00f&fmt=png`)).bytes);
    const plain = await pixels((await picture(upright, `${query}&bg=00f&fmt=png`)).bytes);
    t.ok(difference(turned, plain) < 1, query);
  }
  const right = await pixels((await picture(upright, 'rot=15&bg=00f&fmt=png')).bytes);
  const mirrored = await pixels((await picture(upright, 'rot=15&flip=h&bg=00f&fmt=png')).bytes);
  t.same(
    mirrored.at(0, Math.round(right.height / 2)),
    right.at(right.width - 1, Math.round(right.height / 2)),
  );
});

t.test('nothing is enlarged unless it is asked for', async (t) => {
  const small = await landmarks(60, 40);
  const sizes: Record<string, [number, number]> = {
    'w=600': [60, 40],
    'h=400': [60, 40],
    'w=600&h=600': [60, 40],
    'w=600&h=600&fit=cover': [40, 40],
    'w=120&h=40&fit=cover': [60, 20],
    'w=90&h=20&fit=fill': [60, 20],
    'w=100&h=100&fit=contain': [100, 100],
    'w=600&h=600&fit=outside': [60, 40],
    'w=600&up': [600, 400],
    'w=120&h=120&fit=cover&up': [120, 120],
    'w=90&h=20&fit=fill&up': [90, 20],
  };
  for (const [query, [width, height]] of Object.entries(sizes)) {
    t.same((await picture(small, `${query}&fmt=png`)).size, { width, height }, query);
  }
});

t.test(
  'a crop keeps the focal point, stored or given, as near to its middle as the edges allow',
  async (t) => {
    const dot = await drawn(200, 100, (x, y) => (Math.hypot(x - 150, y - 30) < 6 ? [255, 0, 0] : [0, 0, 60]));
    const given = await pixels((await picture(dot, 'w=50&h=50&fit=cover&fp=0.75,0.3&zoom=2&fmt=png')).bytes);
    t.ok(off(given.at(25, 25), [255, 0, 0]) < 20, 'given and zoomed: in the middle');
    const stored = await pixels(
      (await picture(dot, 'w=80&h=100&fit=cover&fmt=png', { focal: { x: 0.75, y: 0.3 } })).bytes,
    );
    t.ok(off(stored.at(40, 30), [255, 0, 0]) < 20, 'stored: in the middle across');
    const away = await pixels(
      (await picture(dot, 'w=80&h=100&fit=cover&g=w&fmt=png', { focal: { x: 0.75, y: 0.3 } })).bytes,
    );
    t.ok(off(away.at(40, 30), [0, 0, 60]) < 20, 'a direction wins over the stored point');
    const found = await pixels((await picture(dot, 'w=50&h=100&fit=cover&g=attention&fmt=png')).bytes);
    const red = [...found.data.keys()].filter(
      (offset) => offset % 4 === 0 && (found.data[offset] ?? 0) > 200,
    ).length;
    t.ok(red > 80, 'attention finds the dot');
  },
);

t.test(
  'a region that reaches over the edge is clamped with a warning; one beside the image is refused',
  async (t) => {
    const source = await landmarks(60, 40);
    const clamped = await picture(source, 'rect=50,30,100,100&fmt=png');
    t.same([clamped.size, clamped.warnings], [{ width: 10, height: 10 }, ['rect-clamped']]);
    t.ok(off((await pixels(clamped.bytes)).at(0, 0), (await pixels(source)).at(50, 30)) === 0);
    await t.rejects(picture(source, 'rect=60,0,5,5'), { code: 'no_overlap', status: 422 });
    t.same((await picture(await landmarks(3, 3), 'rect=r,0.9,0.9,0.1,0.1&fmt=png')).size, {
      width: 1,
      height: 1,
    });
  },
);

t.test('trim cuts to the pixel, inside a rect and in a turned picture too', async (t) => {
  const framed = await drawn(100, 80, (x, y) =>
    x >= 20 && x < 70 && y >= 10 && y < 50 ? [x, y * 2, 200] : [255, 255, 255],
  );
  t.same((await picture(framed, 'trim&fmt=png')).size, { width: 50, height: 40 });
  const inRect = await picture(framed, 'rect=0,0,60,80&trim&fmt=png');
  t.same(inRect.size, { width: 40, height: 40 });
  const expected = await sharp(framed).extract({ left: 20, top: 10, width: 50, height: 40 }).png().toBuffer();
  for (const [orientation, angle] of [
    [6, 270],
    [3, 180],
    [8, 90],
  ] as const) {
    const stored = await sharp(framed).rotate(angle).withMetadata({ orientation }).png().toBuffer();
    const result = await pixels((await picture(stored, 'trim&fmt=png')).bytes);
    t.equal(difference(result, await pixels(expected)), 0, `orientation ${orientation}`);
  }
  const plain = await drawn(20, 20, () => [9, 9, 9]);
  t.same(
    (await picture(plain, 'trim&fmt=png')).size,
    { width: 20, height: 20 },
    'a plain picture is left alone',
  );
});

t.test(
  'the eight EXIF orientations give one picture in AVIF, whose own turns a viewer follows too',
  async (t) => {
    const seen = async (orientation: number, query: string) => {
      const source = await corpus(`exif/landscape-${orientation}.jpg`);
      const { bytes, size } = await picture(source, `w=120&effort=fast&fmt=avif&${query}`);
      t.match(await sharp(bytes).metadata(), { ...size }, `${orientation} ${query}: as large as it says`);
      return pixels(bytes);
    };
    for (const query of ['', 'meta=none', 'rot=90', 'gray', 'h=120&fit=cover']) {
      const first = await seen(1, query);
      for (const orientation of [2, 3, 4, 5, 6, 7, 8])
        t.ok(difference(await seen(orientation, query), first) < 6, `${orientation} ${query}`);
    }
    const asStored = await seen(6, 'orient=0');
    t.ok(asStored.height > asStored.width, 'orient=0: as stored');
  },
);

/** A picture as a camera with that orientation stores it. */
async function storedAs(upright: Buffer, orientation: number): Promise<Buffer> {
  const back = inverse(turnOfOrientation(orientation));
  const mirrored = back.flop ? await step(upright, (image) => image.flop()) : upright;
  return step(mirrored, (image) => image.rotate(back.angle).withMetadata({ orientation }));
}

t.test('trim takes the colour of the upright top left corner, however the picture is stored', async (t) => {
  const upright = await drawn(130, 100, (x, y) =>
    x < 30 || y < 20 ? [255, 255, 255] : [20, 90, (x * 2) % 256],
  );
  for (const orientation of [1, 2, 3, 4, 5, 6, 7, 8]) {
    const source = await storedAs(upright, orientation);
    t.same((await picture(source, 'trim&fmt=png')).size, { width: 100, height: 80 }, `${orientation}`);
    const part = await picture(source, 'rect=10,10,110,80&trim&fmt=png');
    t.same(part.size, { width: 90, height: 70 }, `${orientation}, of a part`);
  }
});

t.test('a picture of one line has no room for a window, but for a border', async (t) => {
  const line = await drawn(40, 1, (x) => [x, 0, 0]);
  for (const [query, width] of [
    ['trim=50', 40],
    ['median=5', 40],
    ['trim&median=15', 29],
  ] as const)
    t.same((await picture(line, `${query}&fmt=png`)).size, { width, height: 1 }, query);
});

t.test('no side of a result is above 8,192 px, whatever is added to it', async (t) => {
  const line = await drawn(8192, 2, () => [9, 9, 9]);
  t.same((await picture(line, 'fmt=png')).size, { width: 8192, height: 2 });
  for (const query of ['pad=1', 'border=1,red', 'rot=90&pad=1'])
    await t.rejects(picture(line, `${query}&fmt=png`), {
      code: 'too_many_pixels',
      facts: { allowed: '8192 px a side' },
    });
});
