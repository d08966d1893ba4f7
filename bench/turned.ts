import { readQuery, readTransformation } from '../server/core/operations/transformation.ts';
import { makePlan } from '../server/core/plan/plan.ts';
import { openOriginal, render } from '../server/core/render/render.ts';
import { corpus } from '../test/support/corpus.ts';
import { median, type Row, ratio } from './stats.ts';

const ROUNDS = 15;
const LIMITS = { maxPixels: 100_000_000, maxFrames: 500 };

async function cpuMs(bytes: Buffer): Promise<number> {
  const before = process.cpuUsage();
  const opened = await openOriginal(bytes);
  const options = { priority: 'live', limits: LIMITS } as const;
  const plan = makePlan(
    opened.source,
    readTransformation(readQuery('w=800&fmt=webp', {}).canonical),
    options,
  );
  const now = () => performance.now();
  await render({ opened, plan, options, maxPixels: LIMITS.maxPixels, pass: { timeoutSeconds: 60 }, now });
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** CPU of the same picture, stored lying on its side and stored upright; in turns. */
export async function turnedRatio(): Promise<number> {
  const [upright, lying] = await Promise.all([
    corpus('exif/landscape-1.jpg'),
    corpus('exif/landscape-6.jpg'),
  ]);
  const ratios: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const [turnedMs, uprightMs] = [await cpuMs(lying), await cpuMs(upright)];
    if (round) ratios.push(turnedMs / uprightMs);
  }
  return median(ratios);
}

export async function turned(): Promise<Row[]> {
  return [
    {
      what: 'CPU of orientation 6 / orientation 1, w=800 webp',
      figure: ratio(await turnedRatio()),
      budget: '<= 1.1',
    },
  ];
}
