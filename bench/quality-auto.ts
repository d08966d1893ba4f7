/**
 * Fits and shows the prediction behind `q=auto`: `SSIMULACRA2=<program> node bench/quality-auto.ts`.
 *
 * The program is `ssimulacra2` of libjxl or that of the crate, see bench/ssimulacra2.ts. Crops of the photographs at
 * seeded positions, half of them to fit, the other half to show; docs/quality.md says how to read it. Some minutes of one
 * core.
 */
import { writeFile } from 'node:fs/promises';
import sharp from 'sharp';
import { codecAutoQuality, factorsOf, type PREDICTED, type Probe } from '../server/core/plan/auto-quality.ts';
import { FORMAT_TABLE } from '../server/core/plan/formats.ts';
import { exactQuality } from '../server/core/plan/quality.ts';
import { probeOf } from '../server/core/render/probe.ts';
import { along, likeness, logBytes, type Point, quality, rising } from './curve.ts';
import { photographs } from './photographs.ts';
import { Ssimulacra2 } from './ssimulacra2.ts';
import { quantile } from './stats.ts';

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
const NO_PROBE: Probe = { bitsPerPixel: 1, lumaError: 1, colourError: 1, structureLoss: 1 };
const TARGET = Number(process.env['TARGET'] ?? 72);

interface Crop {
  readonly probe: Probe;
  readonly curves: Readonly<Record<Lossy, readonly Point[]>>;
}

/** The same numbers at each run (Lehmer, 2^31 - 1). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

async function curve(scores: Ssimulacra2, original: Buffer, format: Lossy): Promise<Point[]> {
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
    points.push({ quality, bytes: bytes.length, score: await scores.score(original, bytes) });
  }
  return rising(points);
}

async function cropsOf(scores: Ssimulacra2, path: string, random: () => number): Promise<Crop[]> {
  const upright = await sharp(path).rotate().toColourspace('srgb').removeAlpha().png().toBuffer();
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
    const original = await sharp(data, { raw }).png({ compressionLevel: 1 }).toBuffer();
    const probe = await probeOf(sharp(data, { raw }), 60);
    const [jpeg, webp, avif] = await Promise.all(LOSSY.map((format) => curve(scores, original, format)));
    crops.push({ probe, curves: { jpeg: jpeg ?? [], webp: webp ?? [], avif: avif ?? [] } });
  }
  return crops;
}

/** Coefficients of what a probe says, by least squares. */
function fitted(pairs: ReadonlyArray<readonly [x: Probe, y: number]>): number[] {
  const places = factorsOf(pairs[0]?.[0] ?? NO_PROBE).map((_factor, index) => index);
  const known = pairs.map(([probe, y]) => ({ factors: factorsOf(probe), y }));
  const rows = places.map((row) => [
    ...places.map((column) =>
      known.reduce((sum, { factors }) => sum + (factors[row] ?? 0) * (factors[column] ?? 0), 0),
    ),
    known.reduce((sum, { factors, y }) => sum + (factors[row] ?? 0) * y, 0),
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
  return rows.map((row) => row.at(-1) ?? 0);
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

sharp.concurrency(1);
const scores = Ssimulacra2.open();
const random = seeded(SEED);
const crops: Crop[] = [];
for (const { path } of photographs()) crops.push(...(await cropsOf(scores, path, random)));
if (process.env['KEEP']) await writeFile(process.env['KEEP'], JSON.stringify(crops));
const halves = [0, 1].map((half) => crops.filter((_crop, index) => index % 2 === half));
const [known = [], shown = []] = halves;
print(`${crops.length} crops, ${known.length} to fit, ${shown.length} to show; target ${TARGET}`);
print(
  '| format | fixed q: spread | q=auto: mean | spread | 65 or above | fifth percentile | bytes against that fixed q | the same of who knows each picture |',
);
print('|---|---|---|---|---|---|---|---|');
for (const format of LOSSY) {
  const auto = outcome(shown, format, ({ probe }) => codecAutoQuality(format, probe));
  const same = fixedFor(shown, format, auto.floor);
  const fixed = outcome(shown, format, () => same);
  // As good as can be: every picture at the fifth percentile itself.
  const best = outcome(shown, format, ({ curves }) => along(curves[format], likeness, auto.floor, quality));
  const above = auto.scores.filter((value) => value >= 65).length / auto.scores.length;
  print(
    `| ${format} | ${spread(fixed.scores).toFixed(2)} (${same.toFixed(0)}) | ${mean(auto.scores).toFixed(1)} | ${spread(auto.scores).toFixed(2)} | ${(above * 100).toFixed(0)} % | ${auto.floor.toFixed(1)} | ${(auto.bytes / fixed.bytes).toFixed(3)} | ${(best.bytes / fixed.bytes).toFixed(3)} |`,
  );
}
print('Fitted anew on the first half, of 1 and the logarithms of what a probe says:');
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
