import type { Sharp } from 'sharp';
import sharp from 'sharp';
import type { Point } from '../../server/core/geometry/geometry.ts';
import { RULES } from '../../server/core/operations/table.ts';
import { INDEX, readTransformation } from '../../server/core/operations/transformation.ts';
import { makePlan } from '../../server/core/plan/plan.ts';
import { canonicalize } from '../../server/core/query/canonical.ts';
import type { Pairs } from '../../server/core/query/rule.ts';
import { readValue } from '../../server/core/query/values.ts';
import { openOriginal, render } from '../../server/core/render/render.ts';
import type { Opened } from '../../server/core/render/types.ts';
import { isProblem } from '../../server/shared/errors.ts';
import { difference, drawn, LIMITS, pixels } from './pictures.ts';

/**
 * Values that show on a picture of a few pixels, by key: a radius or an inset of which more is asked than a box of these
 * sides has room for is one picture under two keys, since the rules compare words and never numbers. Left out: `dpr` is
 * gone from every key, `p` as well, `ph` is no picture, `mb` says nothing on files of a few hundred bytes (nor does
 * `effort`, but in JPEG), a text is drawn before the mark comes here, `anim=1` differs from `auto` in what it refuses, and `meta=keep` brings a profile of its own.
 */
export const VALUES: Readonly<Record<string, readonly string[]>> = {
  w: ['24', '40', '64'],
  h: ['30', '50'],
  ar: ['1', '3:2', '2:3', '0.7'],
  fit: ['inside', 'cover', 'contain', 'fill', 'outside', 'min', 'crop'],
  g: ['center', 'n', 'se', 'w', 'focal', 'attention', 'entropy', 'left'],
  fp: ['0.2,0.9', '0.7,0.3'],
  zoom: ['1', '2', '3.5'],
  up: ['1', '0'],
  orient: ['0', 'auto'],
  rect: ['r,0.25,0,0.5,1', '2,1,90,60'],
  trim: ['10', '0'],
  rot: ['0', '90', '180', '270', '30', '210', '330'],
  flip: ['h', 'v', 'hv'],
  norm: ['1'],
  gam: ['2'],
  bri: ['-20'],
  sat: ['-100', '40'],
  hue: ['90'],
  con: ['30'],
  gray: ['1'],
  sepia: ['60'],
  tint: ['a30'],
  duo: ['102030,fed', '#040,#ffe'],
  inv: ['1'],
  thr: ['90', '140'],
  median: ['1', '2', '3'],
  blur: ['1'],
  sharp: ['2'],
  pix: ['2', '3'],
  r: ['3', 'max'],
  mask: ['ellipse'],
  wm: ['mark'],
  wmg: ['center', 'n', 'se', 'nw'],
  wmo: ['100', '50'],
  wms: ['20', '60'],
  wmp: ['0', '1', '16'],
  wmt: ['1', '0'],
  wm2: ['mark'],
  wm2g: ['n', 'se'],
  wm2o: ['100', '50'],
  wm2s: ['20', '60'],
  wm2p: ['0', '16'],
  wm2t: ['1'],
  pad: ['2', '1,2,3,4', '3,3,3,3'],
  border: ['1,f00', '2,#0f08'],
  bg: ['fff', '#123', 'transparent', 'fe08'],
  fmt: ['avif', 'webp', 'jpeg', 'png', 'gif', 'auto-avif', 'auto-base', 'source', 'pjpg'],
  q: ['20', '75', '95'],
  lossless: ['1', '0'],
  progressive: ['0', '1'],
  chroma: ['420', '444'],
  colors: ['2', '3', '4', '5', '16', '17', '200', '256'],
  effort: ['fast', 'std', 'small'],
  meta: ['none', 'copyright'],
  icc: ['srgb', 'p3', 'keep'],
  page: ['1', '2'],
  anim: ['auto', '0'],
};

/** Keys of the table that the fuzzer leaves out; see VALUES. */
export const LEFT_OUT = [
  'dpr',
  'p',
  'ph',
  'mb',
  'wmx',
  'wm2x',
  ...RULES.flatMap(({ key, url }) => (url ? [key] : [])),
];

/** An original, read once, with the focal point that is stored for it. */
export interface Sample {
  readonly opened: Opened;
  readonly focal: Point | undefined;
}

/** No two pixels alike in a row, within a frame that trim finds. */
function noise(width: number, height: number, channels: 3 | 4, seed: number): Buffer {
  let state = seed;
  const next = () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return (state >> 16) & 255;
  };
  const inside = (x: number, y: number) => x > 2 && y > 1 && x < width - 3 && y < height - 4;
  const bytes = Array.from({ length: width * height }, (_, index) => {
    const [x, y] = [index % width, Math.floor(index / width)];
    const color = [next(), (next() + x * 9) & 255, (next() + y * 7) & 255, Math.max(90, next())];
    return inside(x, y) ? color.slice(0, channels) : [250, 240, 30, 255].slice(0, channels);
  });
  return Buffer.from(bytes.flat());
}

const noisy = (width: number, height: number, channels: 3 | 4, seed: number): Sharp =>
  sharp(noise(width, height, channels, seed), { raw: { width, height, channels } });

const opened = async (files: ReadonlyArray<Promise<Buffer>>): Promise<Sample[]> => {
  const originals = await Promise.all((await Promise.all(files)).map((bytes) => openOriginal(bytes)));
  return originals.map((original, index) => ({
    opened: original,
    focal: index % 2 ? { x: 0.3, y: 0.8 } : undefined,
  }));
};

/** Of one seed: wide with alpha; portrait, turned by EXIF, with a profile and a copyright; moving; smaller than any box. */
export async function tinySamples(seed = 1): Promise<readonly Sample[]> {
  const frames = Buffer.concat([1, 2, 3].map((frame) => noise(24, 80, 4, seed + frame)));
  return opened([
    noisy(160, 72, 4, seed * 7)
      .png()
      .toBuffer(),
    noisy(90, 70, 3, seed * 8)
      .withMetadata({ orientation: 6 })
      .withExifMerge({ IFD0: { Copyright: 'somebody' } })
      // Last: withMetadata brings sRGB along.
      .withIccProfile('p3')
      .jpeg({ quality: 95 })
      .toBuffer(),
    sharp(frames, { raw: { width: 24, height: 240, channels: 4, pageHeight: 80 } })
      .gif({ delay: [50, 60, 70] })
      .toBuffer(),
    sharp({ create: { width: 2, height: 2, channels: 3, background: '#4080c0' } })
      .png()
      .toBuffer(),
  ]);
}

/**
 * Of other shapes and levels, for what is alike by chance on the tiny ones: a box that none of them fills, a threshold
 * that none of them has a level near.
 */
export async function otherSamples(): Promise<readonly Sample[]> {
  const ramp = (share: number, lift: number) =>
    drawn(160, 128, (x, y) =>
      [x * 1.6, y * 2, (x + y) % 256].map((level) => Math.floor(lift + level * share)),
    );
  const more = await opened([
    ramp(1, 0),
    ramp(0.4, 0),
    ramp(0.4, 150),
    noisy(60, 400, 4, 11).png().toBuffer(),
    noisy(400, 60, 3, 12).png().toBuffer(),
    noisy(140, 140, 4, 13).webp({ lossless: true }).toBuffer(),
    noisy(300, 200, 3, 14).png().toBuffer(),
    // Says everything that a file can say of itself, on each of its pages.
    sharp(noise(120, 270, 3, 15), { raw: { width: 120, height: 270, channels: 3, pageHeight: 90 } })
      .withMetadata({ orientation: 6 })
      .withExifMerge({ IFD0: { Copyright: 'somebody' } })
      .withIccProfile('p3')
      .webp({ lossless: true })
      .toBuffer(),
    sharp(noise(240, 180, 4, 17), { raw: { width: 240, height: 180, channels: 4, pageHeight: 60 } })
      .gif()
      .toBuffer(),
    sharp(noise(12, 20, 4, 16), { raw: { width: 12, height: 20, channels: 4, pageHeight: 10 } })
      .gif()
      .toBuffer(),
  ]);
  const seeds = await Promise.all([2, 3, 5].map((seed) => tinySamples(seed)));
  return [...more, ...seeds.flat()];
}

/** Another one: of the same mark twice in one place only the upper one may be seen. */
const otherMark = sharp(noise(7, 8, 4, 98), { raw: { width: 7, height: 8, channels: 4 } })
  .png()
  .toBuffer();

/** A mark that has alpha and no symmetry. */
export const tinyMark = (): Promise<Buffer> =>
  sharp(noise(9, 6, 4, 99), { raw: { width: 9, height: 6, channels: 4 } })
    .png()
    .toBuffer();

/** What a text of values, each read alone, shows of an original: the file, or why there is none. */
export async function show(values: string, sample: Sample, watermark: Buffer): Promise<Buffer | string> {
  const { opened: original, focal } = sample;
  const options = {
    priority: 'live',
    limits: LIMITS,
    watermark,
    watermark2: await otherMark,
    ...(focal ? { focal } : {}),
  } as const;
  try {
    const plan = makePlan(original.source, readTransformation(values), options);
    const pass = { timeoutSeconds: 60 };
    const result = await render({ opened: original, plan, options, maxPixels: 1e6, pass, now: () => 0 });
    return result.bytes;
  } catch (error) {
    if (isProblem(error)) return error.code;
    throw new Error(`${values}: ${String(error)}`, { cause: error });
  }
}

/** Mean difference that a step more between two passes may make, sharpened and in JPEG; another picture makes 20 and more. */
const ROUNDING = 8;

/** Whether two files show the same, up to what rounding between passes does. */
export async function alike(a: Buffer | string, b: Buffer | string): Promise<boolean> {
  if (typeof a === 'string' || typeof b === 'string') return a === b;
  return a.equals(b) || difference(await pixels(a), await pixels(b)) <= ROUNDING;
}

/** The key of a query; undefined where it is refused. */
export function keyOf(pairs: Pairs): string | undefined {
  const read = canonicalize(INDEX, pairs, {});
  return 'error' in read ? undefined : read.canonical;
}

/** Each value by itself, nothing dropped and nothing settled, but for the side that `ar` stands for. */
export function plainForm(pairs: Pairs): string {
  const values = new Map(
    pairs.flatMap(([key, text]) => {
      const rule = RULES.find((row) => row.key === key);
      const read = rule?.grammar.flatMap((grammar) => readValue(grammar, text, 1) ?? [])[0];
      const value = rule?.grammar[0]?.[0] === 'steps' ? text : read;
      return value === undefined || value === rule?.fallback ? [] : [[key, value] as const];
    }),
  );
  const [width, height] = (values.get('ar') ?? '').split(':').map(Number);
  const [w, h] = [values.get('w'), values.get('h')];
  if (width && height && (w || h)) {
    values.delete('ar');
    if (w) values.set('h', String(Math.max(1, Math.round((Number(w) * height) / width))));
    else values.set('w', String(Math.max(1, Math.round((Number(h) * width) / height))));
  }
  return [...values].map(([key, value]) => `${key}=${value}`).join('&');
}
