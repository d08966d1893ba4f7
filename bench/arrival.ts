import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { previewOf } from '../server/core/render/preview.ts';
import { openOriginal } from '../server/core/render/render.ts';
import { configureSharp } from '../server/core/sharp/configure.ts';
import { median, type Row, ratio } from './stats.ts';

const FILES = ['snow-forest-20mp.jpg', 'canal-p3-12mp.jpg', 'kodim23.png'];
const LAPS = 9;
const LIMITS = { maxPixels: 100_000_000, maxFrames: 500 };

async function cpuMs(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** Processor time of the decode that an upload gets, against decoding all pixels, in turns. */
export async function arrival(): Promise<Row[]> {
  configureSharp();
  const rows: Row[] = [];
  for (const file of FILES) {
    const bytes = await readFile(new URL(`../test/corpus/files/photos/${file}`, import.meta.url));
    const once = async () =>
      previewOf(await openOriginal(bytes), {
        limits: LIMITS,
        pass: { timeoutSeconds: 60 },
        now: () => performance.now(),
      });
    const laps = { preview: [] as number[], whole: [] as number[] };
    for (let lap = 0; lap < LAPS; lap++) {
      laps.preview.push(await cpuMs(once));
      laps.whole.push(await cpuMs(() => sharp(bytes).raw().toBuffer()));
    }
    const [preview, whole] = [median(laps.preview), median(laps.whole)];
    rows.push({
      what: file,
      figure: `${preview.toFixed(0)} ms of CPU, ${ratio(preview / whole)} of a whole decode`,
    });
  }
  return rows;
}
