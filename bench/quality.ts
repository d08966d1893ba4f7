/**
 * Measures which WebP and AVIF quality looks like a JPEG quality: the map of server/core/plan/quality.ts.
 * `node bench/quality.ts` prints the table and the lines to put there; docs/quality.md says how to read it.
 */
import { cpuUsage } from 'node:process';
import type { Sharp } from 'sharp';
import sharp from 'sharp';
import { FORMAT_TABLE } from '../server/core/plan/formats.ts';
import { corpus } from '../test/support/corpus.ts';
import type { Luma } from '../test/support/ssim.ts';
import { ssim } from '../test/support/ssim.ts';

const PHOTOS = [
  'samples/flower-macro.jpg',
  'samples/ladybug.jpg',
  'photos/adobergb-1.jpg',
  'photos/eiffel-portrait-small.jpg',
  'photos/harvesters.jpeg',
  'photos/kodim23.png',
  'photos/snow-forest-20mp.jpg',
];
const JPEG = [20, 30, 40, 50, 60, 70, 75, 80, 85, 90, 95];
const OTHERS = [5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80, 85, 90, 95, 98, 100];

const ENCODERS: Readonly<Record<'jpeg' | 'webp' | 'avif', (image: Sharp, quality: number) => Sharp>> = {
  jpeg: (image, quality) =>
    FORMAT_TABLE.jpeg.encode(image, {
      quality,
      lossless: false,
      progressive: undefined,
      chroma: '420',
      colors: undefined,
      effort: 'live',
      delay: [],
      loop: 0,
    }),
  webp: (image, quality) => image.webp({ quality, effort: 2 }),
  avif: (image, quality) => image.avif({ quality, effort: 1, chromaSubsampling: '4:2:0' }),
};

/** Luma and the two chroma differences, ITU-R BT.601 full range, as JPEG has them. */
function planes(data: Buffer, width: number, height: number): [Luma, Luma, Luma] {
  const plane = (red: number, green: number, blue: number, zero: number): Luma => {
    const values = new Uint8ClampedArray(width * height);
    for (let index = 0; index < values.length; index++) {
      const [r = 0, g = 0, b = 0] = [data[index * 3], data[index * 3 + 1], data[index * 3 + 2]];
      values[index] = red * r + green * g + blue * b + zero;
    }
    return { width, height, data: new Uint8Array(values.buffer) };
  };
  return [
    plane(0.299, 0.587, 0.114, 0),
    plane(-0.168736, -0.331264, 0.5, 128),
    plane(0.5, -0.418688, -0.081312, 128),
  ];
}

async function planesOf(bytes: Buffer): Promise<[Luma, Luma, Luma]> {
  const { data, info } = await sharp(bytes).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return planes(data, info.width, info.height);
}

interface Point {
  readonly quality: number;
  readonly likeness: number;
  readonly bytes: number;
}

/** Likeness of a codec over quality, made to rise: where it does not, quality is wasted. */
async function curve(
  original: Buffer,
  codec: keyof typeof ENCODERS,
  qualities: readonly number[],
): Promise<Point[]> {
  const [y, cb, cr] = await planesOf(original);
  const points: Point[] = [];
  for (const quality of qualities) {
    const bytes = await ENCODERS[codec](sharp(original), quality).toBuffer();
    const [y2, cb2, cr2] = await planesOf(bytes);
    const likeness = (6 * ssim(y, y2) + ssim(cb, cb2) + ssim(cr, cr2)) / 8;
    const least = points.at(-1)?.likeness ?? 0;
    points.push({ quality, likeness: Math.max(likeness, least), bytes: bytes.length });
  }
  return points;
}

/** The place on a curve with a likeness; its ends where the curve does not reach it. */
function at(points: readonly Point[], likeness: number): { quality: number; bytes: number } | undefined {
  const above = points.findIndex((point) => point.likeness >= likeness);
  const [low, high] = [points[above - 1], points[above]];
  if (!high) return points.at(-1);
  if (!low) return high;
  const share = (likeness - low.likeness) / (high.likeness - low.likeness || 1);
  const mix = (a: number, b: number) => a + share * (b - a);
  return { quality: mix(low.quality, high.quality), bytes: mix(low.bytes, high.bytes) };
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

interface Match {
  readonly jpeg: number;
  readonly likeness: number;
  readonly webp: { readonly quality: number; readonly bytes: number };
  readonly avif: { readonly quality: number; readonly bytes: number };
}

async function measured(file: string): Promise<Match[]> {
  const original = await sharp(await corpus(file))
    .rotate()
    .resize(800)
    .toColourspace('srgb')
    .removeAlpha()
    .png()
    .toBuffer();
  const [webp, avif] = [await curve(original, 'webp', OTHERS), await curve(original, 'avif', OTHERS)];
  return (await curve(original, 'jpeg', JPEG)).flatMap(({ quality, likeness, bytes }) => {
    const [w, a] = [at(webp, likeness), at(avif, likeness)];
    if (!w || !a) return [];
    const ratio = (found: { quality: number; bytes: number }) => ({
      quality: found.quality,
      bytes: found.bytes / bytes,
    });
    return [{ jpeg: quality, likeness, webp: ratio(w), avif: ratio(a) }];
  });
}

const print = (line: string) => process.stdout.write(`${line}\n`);

sharp.concurrency(1);
const before = cpuUsage();
const all: Match[] = [];
for (const file of PHOTOS) all.push(...(await measured(file)));
print('| JPEG q | likeness | WebP q (range) | AVIF q (range) | WebP bytes | AVIF bytes |');
print('|---|---|---|---|---|---|');
const table = JPEG.map((jpeg) => {
  const rows = all.filter((match) => match.jpeg === jpeg);
  const of = (codec: 'webp' | 'avif') => rows.map((match) => match[codec].quality);
  const range = (list: number[]) =>
    `${Math.round(median(list))} (${Math.round(Math.min(...list))}-${Math.round(Math.max(...list))})`;
  const bytes = (codec: 'webp' | 'avif') => median(rows.map((match) => match[codec].bytes)).toFixed(2);
  const likeness = median(rows.map((match) => match.likeness)).toFixed(3);
  print(
    `| ${jpeg} | ${likeness} | ${range(of('webp'))} | ${range(of('avif'))} | ${bytes('webp')} | ${bytes('avif')} |`,
  );
  return { jpeg, webp: Math.round(median(of('webp'))), avif: Math.round(median(of('avif'))) };
});
for (const codec of ['webp', 'avif'] as const)
  print(`${codec}: ${table.map((row) => `[${row.jpeg}, ${row[codec]}]`).join(', ')}`);
const { user, system } = cpuUsage(before);
print(
  `${PHOTOS.length} photographs, ${Math.round((user + system) / 1e6)} s of CPU, sharp ${sharp.versions.sharp}, libvips ${sharp.versions.vips}, aom ${sharp.versions.aom}`,
);
