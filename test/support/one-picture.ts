import { createHash } from 'node:crypto';
import sharp from 'sharp';
import { RULES } from '../../server/core/operations/table.ts';
import { INDEX, readTransformation } from '../../server/core/operations/transformation.ts';
import { makePlan } from '../../server/core/plan/plan.ts';
import { canonicalize } from '../../server/core/query/canonical.ts';
import type { Pairs } from '../../server/core/query/rule.ts';
import { readValue } from '../../server/core/query/values.ts';
import { openOriginal, render } from '../../server/core/render/render.ts';
import { isProblem } from '../../server/shared/errors.ts';
import { difference, LIMITS, pixels } from './pictures.ts';

/**
 * Values that show on a picture of a few pixels, by key. Left out: `dpr` is gone from every key, `p` as well, `ph` is no
 * picture, `mb` says nothing on files of a few hundred bytes (nor does `effort`, but in JPEG), `anim=1` differs from
 * `auto` in what it refuses, and `meta=keep` brings a profile of its own.
 */
export const VALUES: Readonly<Record<string, readonly string[]>> = {
  w: ['9', '20', '30'],
  h: ['11', '25'],
  ar: ['1', '3:2', '1:3', '0.7'],
  fit: ['inside', 'cover', 'contain', 'fill', 'outside', 'min', 'crop'],
  g: ['center', 'n', 'se', 'w', 'focal', 'attention', 'entropy', 'left'],
  fp: ['0.2,0.9', '0.7,0.3'],
  zoom: ['1', '2', '3.5'],
  up: ['1', '0'],
  orient: ['0', 'auto'],
  rect: ['r,0.25,0,0.5,1', '2,1,90,30'],
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
  wmp: ['0', '2', '16'],
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
export const LEFT_OUT = ['dpr', 'p', 'ph', 'mb', ...RULES.flatMap(({ key, url }) => (url ? [key] : []))];

export type Source = Parameters<typeof openOriginal>[0];

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

/** Of one seed: wide with alpha; portrait, turned by EXIF, with a profile and a copyright; moving; smaller than any box. */
export async function tinySources(seed = 1): Promise<readonly Source[]> {
  const raw = (width: number, height: number, channels: 3 | 4, own: number) =>
    sharp(noise(width, height, channels, seed * own), { raw: { width, height, channels } });
  const frames = Buffer.concat([1, 2, 3].map((frame) => noise(12, 48, 4, seed + frame)));
  return Promise.all([
    raw(96, 32, 4, 7).png().toBuffer(),
    raw(50, 36, 3, 8)
      .withMetadata({ orientation: 6 })
      .withExifMerge({ IFD0: { Copyright: 'somebody' } })
      // Last: withMetadata brings sRGB along.
      .withIccProfile('p3')
      .jpeg({ quality: 95 })
      .toBuffer(),
    sharp(frames, { raw: { width: 12, height: 144, channels: 4, pageHeight: 48 } })
      .gif({ delay: [50, 60, 70] })
      .toBuffer(),
    sharp({ create: { width: 2, height: 2, channels: 3, background: '#4080c0' } })
      .png()
      .toBuffer(),
  ]);
}

/** A mark that has alpha and no symmetry. */
export const tinyMark = (): Promise<Buffer> =>
  sharp(noise(9, 6, 4, 99), { raw: { width: 9, height: 6, channels: 4 } })
    .png()
    .toBuffer();

/** What a text of values, each read alone, shows on each source: the file, or why there is none. */
export async function show(
  values: string,
  sources: readonly Source[],
  watermark: Buffer,
): Promise<readonly (Buffer | string)[]> {
  const transformation = readTransformation(values);
  const shown: (Buffer | string)[] = [];
  for (const [number, bytes] of sources.entries()) {
    const focal = number % 2 ? { x: 0.3, y: 0.8 } : undefined;
    const options = { priority: 'live', limits: LIMITS, watermark, ...(focal ? { focal } : {}) } as const;
    try {
      const opened = await openOriginal(bytes);
      const plan = makePlan(opened.source, transformation, options);
      const pass = { timeoutSeconds: 60 };
      const result = await render({ opened, plan, options, maxPixels: 1e6, pass, now: () => 0 });
      shown.push(result.bytes);
    } catch (error) {
      if (!isProblem(error))
        throw new Error(`${values} on source ${number}: ${String(error)}`, { cause: error });
      shown.push(error.code);
    }
  }
  return shown;
}

export const print = (shown: readonly (Buffer | string)[]): string =>
  createHash('sha256')
    .update(shown.map((one) => createHash('sha256').update(one).digest('hex')).join())
    .digest('hex');

/** Mean difference that a step more between two passes may make, sharpened and in JPEG; another picture makes 20 and more. */
const ROUNDING = 8;

/** Whether two lists of files show the same, up to what rounding between passes does. */
export async function alike(
  one: readonly (Buffer | string)[],
  other: readonly (Buffer | string)[],
): Promise<boolean> {
  for (const [index, a] of one.entries()) {
    const b = other[index];
    if (typeof a === 'string' || typeof b === 'string' || b === undefined) {
      if (a !== b) return false;
    } else if (!a.equals(b) && difference(await pixels(a), await pixels(b)) > ROUNDING) return false;
  }
  return true;
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
