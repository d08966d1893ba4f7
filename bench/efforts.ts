import type { AvifOptions, JpegOptions, Sharp, WebpOptions } from 'sharp';
import sharp from 'sharp';
import { FORMAT_TABLE } from '../server/core/plan/formats.ts';
import { codecQuality } from '../server/core/plan/quality.ts';
import { configureSharp } from '../server/core/sharp/configure.ts';
import { bytesAt, type Point, rising } from './curve.ts';
import { photographs, reference } from './photographs.ts';
import { Ssimulacra2 } from './ssimulacra2.ts';
import { median, type Row } from './stats.ts';

const WIDTH = 800;
const ROUNDS = 3;
/** What the pictures of all settings are brought to. */
const SCORE = 70;
/** On JPEG's scale, so that they look alike in the three. */
const QUALITIES = [45, 65, 78, 88];

type Lossy = 'jpeg' | 'webp' | 'avif';

/** One setting of an encoder. */
interface Setting {
  readonly format: Lossy;
  readonly name: string;
  readonly encode: (image: Sharp, quality: number) => Sharp;
}

const jpeg = (name: string, options: JpegOptions): Setting => ({
  format: 'jpeg',
  name,
  encode: (image, quality) =>
    image.jpeg({
      optimiseCoding: true,
      quantisationTable: 3,
      ...options,
      quality,
      chromaSubsampling: '4:2:0',
    }),
});
const webp = (effort: NonNullable<WebpOptions['effort']>): Setting => ({
  format: 'webp',
  name: `effort ${effort}`,
  encode: (image, quality) => image.webp({ quality: codecQuality('webp', quality), effort }),
});
const avif = (effort: NonNullable<AvifOptions['effort']>): Setting => ({
  format: 'avif',
  name: `effort ${effort}`,
  encode: (image, quality) =>
    image.avif({ quality: codecQuality('avif', quality), effort, chromaSubsampling: '4:2:0' }),
});

const TRELLIS = { trellisQuantisation: true, overshootDeringing: true };
const SETTINGS: readonly Setting[] = [
  jpeg('baseline, tables of libjpeg', { progressive: false, quantisationTable: 0 }),
  jpeg('progressive, tables of libjpeg', { progressive: true, quantisationTable: 0 }),
  jpeg('baseline', { progressive: false }),
  jpeg('progressive', { progressive: true }),
  jpeg('progressive, best scans', { progressive: true, optimiseScans: true }),
  jpeg('progressive, trellis', { progressive: true, ...TRELLIS }),
  jpeg('progressive, trellis, best scans', { progressive: true, ...TRELLIS, optimiseScans: true }),
  ...([0, 1, 2, 3, 4, 5, 6] as const).map(webp),
  ...([0, 1, 2, 3] as const).map(avif),
];

/** Of one photograph. */
interface Measured {
  readonly cpuMs: number;
  readonly bytes: number;
}

async function cpuMs(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

async function measured(path: string, scores: Ssimulacra2): Promise<Measured[]> {
  const original = await reference(path, WIDTH);
  const { data, info } = await sharp(original).raw().toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  const pixels = () => sharp(data, { raw: { width, height, channels } });
  const times = SETTINGS.map(() => [] as number[]);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, { encode }] of SETTINGS.entries())
      times[index]?.push(await cpuMs(() => encode(pixels(), 75).toBuffer()));
  }
  const found: Measured[] = [];
  for (const [index, { encode }] of SETTINGS.entries()) {
    const points: Point[] = [];
    for (const quality of QUALITIES) {
      const bytes = await encode(pixels(), quality).toBuffer();
      points.push({ quality, bytes: bytes.length, score: await scores.score(original, bytes) });
    }
    found.push({ cpuMs: Math.min(...(times[index] ?? [])), bytes: bytesAt(rising(points), SCORE) });
  }
  return found;
}

/** The lanes that have this setting: those that make the very same bytes. */
async function lanesOf({ format, encode }: Setting, path: string): Promise<string[]> {
  const pixels = await sharp(path).resize(200).removeAlpha().png().toBuffer();
  const bytes = await encode(sharp(pixels), 75).toBuffer();
  const lanes: string[] = [];
  for (const effort of ['fast', 'live', 'warm'] as const) {
    const settings = {
      quality: 75,
      lossless: false,
      progressive: undefined,
      chroma: '420',
      colors: undefined,
    } as const;
    const made = FORMAT_TABLE[format].encode(sharp(pixels), { ...settings, effort, delay: [], loop: 0 });
    if (bytes.equals(await made.toBuffer())) lanes.push(effort);
  }
  return lanes;
}

const LANES: Readonly<Record<string, string>> = { fast: '`fast`', live: 'request', warm: 'warmer, `small`' };
/** Of each format alone: CPU is against this one's. */
const BASE: Readonly<Record<Lossy, string>> = { jpeg: 'baseline', webp: 'effort 4', avif: 'effort 1' };

/** The table of docs/performance.md: format, setting, lane, CPU and bytes at equal SSIMULACRA2 over all photographs. */
export async function efforts(folderOfPhotographs?: string): Promise<Row[]> {
  configureSharp();
  const scores = await Ssimulacra2.open();
  const all = photographs(folderOfPhotographs);
  const found: Measured[][] = [];
  for (const { path } of all) found.push(await measured(path, scores));
  await scores.close();
  const of = (index: number, key: keyof Measured) => found.map((photo) => photo[index]?.[key] ?? Number.NaN);
  const geometric = (values: readonly number[]) =>
    Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
  const webp4 = SETTINGS.findIndex(({ format, name }) => format === 'webp' && name === BASE.webp);
  const lines: string[] = [];
  for (const [index, setting] of SETTINGS.entries()) {
    const base = SETTINGS.findIndex(({ format, name }) => format === setting.format && name === BASE[format]);
    const against = (other: number, key: keyof Measured) =>
      geometric(of(index, key).map((value, photo) => value / (of(other, key)[photo] ?? Number.NaN))).toFixed(
        2,
      );
    const lanes = (await lanesOf(setting, all[0]?.path ?? '')).map((lane) => LANES[lane]).join('; ');
    lines.push(
      `| ${setting.format} | ${setting.name} | ${lanes || '-'} | ${median(of(index, 'cpuMs')).toFixed(0)} | ${against(webp4, 'cpuMs')} | ${against(base, 'bytes')} | ${against(webp4, 'bytes')} |`,
    );
  }
  return lines.map((figure) => ({ what: '', figure }));
}
