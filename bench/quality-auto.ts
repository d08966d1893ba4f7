/**
 * Fits and shows the prediction behind `q=auto`: `SSIMULACRA2=<program> node bench/quality-auto.ts`.
 *
 * The program takes two PNG files and prints a number: `ssimulacra2` of libjxl, or with `SSIMULACRA2="ssimulacra2_rs
 * image"` that of the crate of this name. Crops of the photographs at seeded positions, half of them to fit, the other
 * half to show; docs/quality.md says how to read it. Some minutes of one core.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { codecAutoQuality, type PREDICTED, type Probe } from '../server/core/plan/auto-quality.ts';
import { FORMAT_TABLE } from '../server/core/plan/formats.ts';
import { exactQuality } from '../server/core/plan/quality.ts';
import { probeOf } from '../server/core/render/probe.ts';
import { corpusPath } from '../test/support/corpus.ts';
import { quantile } from './stats.ts';

const PHOTOS = [
  'samples/flower-macro.jpg',
  'samples/ladybug.jpg',
  'photos/adobergb-1.jpg',
  'photos/canal-p3-12mp.jpg',
  'photos/eiffel-portrait-small.jpg',
  'photos/harvesters.jpeg',
  'photos/kodim23.png',
  'photos/snow-forest-20mp.jpg',
];
const CROPS = Number(process.env['CROPS'] ?? 12);
const SEED = 20261129;
const WIDTHS = [240, 320, 400];

type Lossy = keyof typeof PREDICTED;
const QUALITIES: Readonly<Record<Lossy, readonly number[]>> = {
  jpeg: [35, 55, 70, 81, 92],
  webp: [35, 58, 75, 86, 95],
  avif: [34, 45, 55, 66, 80],
};
const LOSSY: readonly Lossy[] = ['jpeg', 'webp', 'avif'];
/** Of each format alone: what all pictures are to have in the mean. */
const TARGET = Number(process.env['TARGET'] ?? 72);

interface Point {
  readonly quality: number;
  readonly score: number;
  readonly bytes: number;
}

interface Crop {
  readonly probe: Probe;
  readonly curves: Readonly<Record<Lossy, readonly Point[]>>;
}

const run = promisify(execFile);
const [program = '', ...lead] = (process.env['SSIMULACRA2'] ?? '').split(' ');

/** The same numbers at each run (Lehmer, 2^31 - 1). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

interface Compared {
  readonly folder: string;
  readonly original: string;
  readonly format: Lossy;
}

async function score({ folder, original, format }: Compared, encoded: Buffer): Promise<number> {
  const other = join(folder, `${format}.png`);
  await sharp(encoded).removeAlpha().png({ compressionLevel: 1 }).toFile(other);
  const { stdout } = await run(program, [...lead, original, other]);
  const [number] = /-?\d+(?:\.\d+)?/.exec(stdout) ?? [];
  if (number === undefined) throw new Error(`${program} printed no number: ${stdout}`);
  return Number(number);
}

async function curve(folder: string, original: string, format: Lossy): Promise<Point[]> {
  const points: Point[] = [];
  for (const quality of QUALITIES[format]) {
    const settings = {
      quality: exactQuality(format, quality),
      lossless: false,
      progressive: undefined,
      chroma: '420',
      colors: undefined,
      effort: 'live',
      delay: [],
      loop: 0,
    } as const;
    const bytes = await FORMAT_TABLE[format].encode(sharp(original), settings).toBuffer();
    const least = points.at(-1)?.score ?? Number.NEGATIVE_INFINITY;
    points.push({
      quality,
      bytes: bytes.length,
      score: Math.max(least + 0.01, await score({ folder, original, format }, bytes)),
    });
  }
  return points;
}

async function cropsOf(folder: string, file: string, random: () => number): Promise<Crop[]> {
  const upright = await sharp(corpusPath(file)).rotate().toColourspace('srgb').removeAlpha().png().toBuffer();
  const { width, height } = await sharp(upright).metadata();
  const crops: Crop[] = [];
  for (let index = 0; index < CROPS; index++) {
    const share = 0.35 + 0.65 * random();
    const side = Math.floor(Math.min(width, height) * share);
    const [left, top] = [Math.floor(random() * (width - side)), Math.floor(random() * (height - side))];
    const size = Math.min(side, WIDTHS[index % WIDTHS.length] ?? 400);
    const { data, info } = await sharp(upright)
      .extract({ left, top, width: side, height: side })
      .resize(size)
      .raw()
      .toBuffer({ resolveWithObject: true });
    const raw = { data, width: info.width, height: info.height, channels: 3 as const };
    const original = join(folder, 'original.png');
    await sharp(data, { raw }).png({ compressionLevel: 1 }).toFile(original);
    const probe = await probeOf(sharp(data, { raw }), 60);
    const [jpeg, webp, avif] = await Promise.all([
      curve(folder, original, 'jpeg'),
      curve(folder, original, 'webp'),
      curve(folder, original, 'avif'),
    ]);
    crops.push({ probe, curves: { jpeg, webp, avif } });
  }
  return crops;
}

type Axis = (point: Point) => number;
const quality: Axis = (point) => point.quality;
const likeness: Axis = (point) => point.score;
const logBytes: Axis = (point) => Math.log(point.bytes);

/** On the straight lines between points, and beyond their ends. */
function along(points: readonly Point[], from: Axis, x: number, to: Axis): number {
  const above = points.findIndex((point) => from(point) >= x);
  const high = Math.max(1, above < 0 ? points.length - 1 : above);
  const [low, up] = [points[high - 1], points[high]];
  if (!low || !up) return Number.NaN;
  return to(low) + ((x - from(low)) / (from(up) - from(low))) * (to(up) - to(low));
}

/** Coefficients of 1 and the logarithms of what a probe says, by least squares. */
function fitted(pairs: ReadonlyArray<readonly [x: Probe, y: number]>): number[] {
  const powers = ({ bitsPerPixel, squaredError }: Probe) => [
    1,
    Math.log(bitsPerPixel),
    Math.log(squaredError),
  ];
  const rows = [0, 1, 2].map((row) => [
    ...[0, 1, 2].map((column) =>
      pairs.reduce((sum, [x]) => sum + (powers(x)[row] ?? 0) * (powers(x)[column] ?? 0), 0),
    ),
    pairs.reduce((sum, [x, y]) => sum + (powers(x)[row] ?? 0) * y, 0),
  ]);
  for (const [pivot, row] of rows.entries()) {
    const lead = row[pivot] ?? 1;
    for (let column = 0; column < row.length; column++) row[column] = (row[column] ?? 0) / lead;
    for (const other of rows.filter((candidate) => candidate !== row)) {
      const factor = other[pivot] ?? 0;
      for (let column = 0; column < row.length; column++)
        other[column] = (other[column] ?? 0) - factor * (row[column] ?? 0);
    }
  }
  return rows.map((row) => row[3] ?? 0);
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
const spread = (values: readonly number[]): number =>
  Math.sqrt(mean(values.map((value) => (value - mean(values)) ** 2)));

/** Scores and bytes of crops, each at a quality. */
function outcome(crops: readonly Crop[], format: Lossy, qualityOf: (crop: Crop) => number) {
  const points = crops.map((crop) => ({ points: crop.curves[format], at: qualityOf(crop) }));
  const scores = points.map(({ points, at }) => along(points, quality, at, likeness));
  const bytes = points.reduce(
    (sum, { points, at }) => sum + Math.exp(along(points, quality, at, logBytes)),
    0,
  );
  return { scores, bytes, floor: quantile(scores, 0.05) };
}

/** The one quality at which the fifth percentile is the same. */
function fixedFor(crops: readonly Crop[], format: Lossy, floor: number): number {
  let [low, high] = [1, 100];
  for (let lap = 0; lap < 30; lap++) {
    const middle = (low + high) / 2;
    if (outcome(crops, format, () => middle).floor < floor) low = middle;
    else high = middle;
  }
  return high;
}

const print = (line: string) => process.stdout.write(`${line}\n`);

if (!program) throw new Error('SSIMULACRA2 names no program, see the head of this file.');
sharp.concurrency(1);
const folder = await mkdtemp(join(tmpdir(), 'rendition-quality-'));
const random = seeded(SEED);
const crops: Crop[] = [];
for (const file of PHOTOS) crops.push(...(await cropsOf(folder, file, random)));
await rm(folder, { recursive: true });
if (process.env['KEEP']) await writeFile(process.env['KEEP'], JSON.stringify(crops));
const halves = [0, 1].map((half) => crops.filter((_crop, index) => index % 2 === half));
const [known = [], shown = []] = halves;
print(`${crops.length} crops, ${known.length} to fit, ${shown.length} to show; target ${TARGET}`);
print(
  '| format | fixed q: spread | q=auto: mean | spread | 65 or above | fifth percentile | bytes against that fixed q |',
);
print('|---|---|---|---|---|---|---|');
for (const format of LOSSY) {
  const auto = outcome(shown, format, ({ probe }) => codecAutoQuality(format, probe));
  const same = fixedFor(shown, format, auto.floor);
  const fixed = outcome(shown, format, () => same);
  const above = auto.scores.filter((value) => value >= 65).length / auto.scores.length;
  print(
    `| ${format} | ${spread(fixed.scores).toFixed(2)} (q ${same.toFixed(0)}) | ${mean(auto.scores).toFixed(1)} | ${spread(auto.scores).toFixed(2)} | ${(above * 100).toFixed(0)} % | ${auto.floor.toFixed(1)} | ${(auto.bytes / fixed.bytes).toFixed(3)} |`,
  );
}
print('Fitted anew on the first half, of 1 and the logarithms of bits per pixel and squared error:');
for (const format of LOSSY) {
  const wanted = known.map(
    ({ probe, curves }) => [probe, along(curves[format], likeness, TARGET, quality)] as const,
  );
  print(
    `  ${format}: [${fitted(wanted)
      .map((value) => value.toFixed(2))
      .join(', ')}]`,
  );
}
