import type { Sharp, SharpOptions } from 'sharp';
import sharp from 'sharp';
import { pageAsked } from '../../server/core/operations/page.ts';
import { readQuery, readTransformation } from '../../server/core/operations/transformation.ts';
import type { PlanOptions } from '../../server/core/plan/plan.ts';
import { makePlan } from '../../server/core/plan/plan.ts';
import { openOriginal, render } from '../../server/core/render/render.ts';
import type { Rendered } from '../../server/core/render/types.ts';

export const LIMITS = { maxPixels: 100_000_000, maxFrames: 500 };
const OPTIONS: PlanOptions = { priority: 'live', limits: LIMITS };

/** Renders a query as a request would: read, planned, drawn, encoded. */
export async function picture(
  bytes: Uint8Array,
  query: string,
  extra: Partial<PlanOptions> = {},
): Promise<Rendered> {
  const values = readTransformation(readQuery(query, {}).canonical);
  const opened = await openOriginal(bytes, { page: pageAsked(values) });
  const options = { ...OPTIONS, ...extra };
  const plan = makePlan(opened.source, values, options);
  const pass = { timeoutSeconds: 20 };
  return render({ opened, plan, options, maxPixels: LIMITS.maxPixels, pass, now: () => performance.now() });
}

export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Buffer;
  /** Red, green, blue, alpha. */
  readonly at: (x: number, y: number) => [number, number, number, number];
}

async function pixelsOf(image: Sharp): Promise<Pixels> {
  const { data, info } = await image
    .toColourspace('srgb')
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const at = (x: number, y: number): [number, number, number, number] => {
    const from = (y * info.width + x) * 4;
    return [data[from] ?? -1, data[from + 1] ?? -1, data[from + 2] ?? -1, data[from + 3] ?? -1];
  };
  return { width: info.width, height: info.height, data, at };
}

/** Decoded as a browser shows it: upright by its own EXIF, in sRGB, with alpha. */
export const pixels = (bytes: Uint8Array, options: SharpOptions = {}): Promise<Pixels> =>
  pixelsOf(sharp(bytes, { limitInputPixels: false, autoOrient: true, ...options }));

/** The numbers in the file, whatever its profile says. */
export const numbers = (bytes: Uint8Array): Promise<Pixels> => pixelsOf(sharp(bytes, { ignoreIcc: true }));

/** Mean difference of two pictures of one size, 0-255; transparent pixels count by their alpha alone. */
export function difference(a: Pixels, b: Pixels): number {
  if (a.width !== b.width || a.height !== b.height) return Number.POSITIVE_INFINITY;
  if (a.data.equals(b.data)) return 0;
  let sum = 0;
  for (let index = 0; index < a.data.length; index += 4) {
    const [p, q] = [(a.data[index + 3] ?? 0) / 255, (b.data[index + 3] ?? 0) / 255];
    for (let band = 0; band < 3; band++)
      sum += Math.abs((a.data[index + band] ?? 0) * p - (b.data[index + band] ?? 0) * q);
    sum += Math.abs(p - q) * 255;
  }
  return sum / a.data.length;
}

/** Largest difference of one colour to another, alpha included where both have it. */
export function off(a: readonly number[], b: readonly number[]): number {
  return Math.max(...b.map((value, index) => Math.abs(value - (a[index] ?? 0))));
}

/** A picture from a function of the place, as PNG. */
export function drawn(
  width: number,
  height: number,
  color: (x: number, y: number) => readonly number[],
): Promise<Buffer> {
  const data = Array.from({ length: width * height }, (_, index) =>
    color(index % width, Math.floor(index / width)),
  ).flat();
  const channels = data.length === width * height * 4 ? 4 : 3;
  return sharp(Buffer.from(data), { raw: { width, height, channels } }).png().toBuffer();
}

/** Four corners of different colours on a gradient: shows every turn, mirror and crop. */
export const landmarks = (width: number, height: number): Promise<Buffer> =>
  drawn(width, height, (x, y) => [
    Math.round((x * 255) / Math.max(1, width - 1)),
    Math.round((y * 255) / Math.max(1, height - 1)),
    x < width / 2 === y < height / 2 ? 40 : 200,
  ]);
