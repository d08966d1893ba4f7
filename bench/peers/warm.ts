import { type FanOutFigures, fanOut } from '../fan-out.ts';
import { originals } from './ours.ts';
import { atMost, type Measured, shown } from './part.ts';

/** Above its encoders alone, of all single renders. */
const ABOVE_ENCODERS = 0.1;

/** Work 7: twelve variants of each photograph at once, against the same renders one by one, at the warmer's settings. */
export async function warm(): Promise<Measured> {
  const found: { file: string; figures: FanOutFigures }[] = [];
  for (const { file, path } of originals())
    found.push({
      file,
      figures: await fanOut({ priority: 'warm', rounds: 1, photograph: path, isCompared: false }),
    });
  const sum = (key: 'singleMs' | 'fannedMs' | 'encodeMs') =>
    found.reduce((total, { figures }) => total + figures[key], 0);
  const above = found.map(
    ({ figures: { fannedMs, encodeMs, singleMs } }) => (fannedMs - encodeMs) / singleMs,
  );
  const rows = found.map(({ file, figures: { singleMs, fannedMs, encodeMs } }) => [
    file,
    shown(singleMs / 1000),
    shown(fannedMs / 1000),
    `${shown(fannedMs / singleMs)} x`,
    `${shown(encodeMs / singleMs)} x`,
  ]);
  rows.push([
    'all',
    shown(sum('singleMs') / 1000),
    shown(sum('fannedMs') / 1000),
    `${shown(sum('fannedMs') / sum('singleMs'))} x`,
    `${shown(sum('encodeMs') / sum('singleMs'))} x`,
  ]);
  return {
    tables: [
      {
        title: '### Twelve variants (six widths, WebP and JPEG) at the settings of the warmer',
        head: ['photograph', 'CPU s one by one', 'at once', 'ratio', 'encoders alone'],
        rows,
      },
    ],
    targets: [
      atMost(
        'warming 12 variants of all photographs, CPU against single renders',
        0.65,
        sum('fannedMs') / sum('singleMs'),
      ),
      atMost(
        'the same of each photograph, above its encoders alone, at most',
        ABOVE_ENCODERS,
        Math.max(...above),
      ),
    ],
  };
}
