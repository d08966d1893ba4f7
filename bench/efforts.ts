import { writeFile } from 'node:fs/promises';
import type { AvifOptions, JpegOptions, Sharp, WebpOptions } from 'sharp';
import sharp from 'sharp';
import { FORMAT_TABLE } from '../server/core/plan/formats.ts';
import { codecQuality } from '../server/core/plan/quality.ts';
import { configureSharp } from '../server/core/sharp/configure.ts';
import { bytesAt, type Point, rising } from './curve.ts';
import { geometricMean } from './peers/part.ts';
import { photographs, reference } from './photographs.ts';
import { Ssimulacra2, ssimulacra2Command } from './ssimulacra2.ts';
import { median, type Row } from './stats.ts';

const FILE = new URL('efforts.json', import.meta.url);
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
/** Of each format alone: bytes are against this one's. */
const BASE: Readonly<Record<Lossy, string>> = { jpeg: 'baseline', webp: 'effort 4', avif: 'effort 1' };

const settingAt = (format: Lossy, name: string): number =>
  SETTINGS.findIndex((setting) => setting.format === format && setting.name === name);

/** One line for each setting: format, setting, lane, CPU ms, CPU and bytes against others at equal SSIMULACRA2. */
async function lines(found: ReadonlyArray<readonly Measured[]>, path: string): Promise<string[][]> {
  const of = (index: number, key: keyof Measured) => found.map((photo) => photo[index]?.[key] ?? Number.NaN);
  const against = (index: number, other: number, key: keyof Measured) =>
    geometricMean(
      of(index, key).map((value, photo) => value / (of(other, key)[photo] ?? Number.NaN)),
    ).toFixed(2);
  const webp4 = settingAt('webp', BASE.webp);
  const made: string[][] = [];
  for (const [index, setting] of SETTINGS.entries()) {
    const lanes = (await lanesOf(setting, path)).map((lane) => LANES[lane]).join('; ');
    made.push([
      setting.format,
      setting.name,
      lanes || '-',
      median(of(index, 'cpuMs')).toFixed(0),
      against(index, webp4, 'cpuMs'),
      against(index, settingAt(setting.format, BASE[setting.format]), 'bytes'),
      against(index, webp4, 'bytes'),
    ]);
  }
  return made;
}

/**
 * CPU and bytes of every setting at equal SSIMULACRA2 over all photographs, into bench/efforts.json: `npm run docs` makes
 * the table of docs/performance.md of it.
 */
export async function efforts(folderOfPhotographs?: string): Promise<Row[]> {
  if (!ssimulacra2Command())
    return [{ what: 'not measured', figure: 'no ssimulacra2 on PATH, see bench/peers.md' }];
  configureSharp();
  const scores = Ssimulacra2.open();
  const all = photographs(folderOfPhotographs);
  const found: Measured[][] = [];
  for (const { path } of all) found.push(await measured(path, scores));
  const rows = await lines(found, all[0]?.path ?? '');
  const { sharp: release, vips, aom, webp } = sharp.versions;
  const versions = `sharp ${release}, libvips ${vips}, aom ${aom}, libwebp ${webp}`;
  const told = { day: new Date().toISOString().slice(0, 10), versions, photographs: all.length, rows };
  if (!folderOfPhotographs) await writeFile(FILE, `${JSON.stringify(told, undefined, 1)}\n`);
  return rows.map(([format, name, lanes, ms, cpu, own, webp4]) => ({
    what: `${format}, ${name} (${lanes})`,
    figure: `${ms} ms of CPU, ${cpu} x WebP effort 4; bytes ${own} x, ${webp4} x WebP effort 4`,
  }));
}
