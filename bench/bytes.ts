import { readFile } from 'node:fs/promises';
import { readTransformation } from '../server/core/operations/transformation.ts';
import { makePlan } from '../server/core/plan/plan.ts';
import { openOriginal, render } from '../server/core/render/render.ts';
import { configureSharp } from '../server/core/sharp/configure.ts';
import { isProblem } from '../server/shared/errors.ts';
import { corpusPath, corpusRows } from '../test/support/corpus.ts';
import { type Row, ratio } from './stats.ts';

const LIMITS = { maxPixels: 100_000_000, maxFrames: 500 };
const FORMATS = ['jpeg', 'webp', 'avif', 'png', 'gif'] as const;

interface Sum {
  originals: number;
  results: number;
  files: number;
  /** Results that are larger than their original. */
  larger: number;
}

/** What `fmt=source` makes of an original at its own size; undefined where it is refused. */
async function sizeOf(
  bytes: Buffer,
): Promise<{ readonly format: string; readonly length: number } | undefined> {
  try {
    const opened = await openOriginal(bytes);
    const options = { priority: 'live', limits: LIMITS } as const;
    const plan = makePlan(opened.source, readTransformation('fmt=source'), options);
    const pass = { timeoutSeconds: 60 };
    const now = () => performance.now();
    const result = await render({ opened, plan, options, maxPixels: LIMITS.maxPixels, pass, now });
    return { format: opened.source.format, length: result.bytes.length };
  } catch (error) {
    if (isProblem(error)) return undefined;
    throw error;
  }
}

/** Bytes of every file of the corpus in its own format and size, against its own: before and after a change. */
export async function bytes(): Promise<Row[]> {
  configureSharp();
  const sums = new Map<string, Sum>(
    FORMATS.map((format) => [format, { originals: 0, results: 0, files: 0, larger: 0 }]),
  );
  for (const { file } of corpusRows()) {
    const original = await readFile(corpusPath(file));
    const made = await sizeOf(original);
    const sum = made && sums.get(made.format);
    if (!sum) continue;
    sum.originals += original.length;
    sum.results += made.length;
    sum.files += 1;
    if (made.length > original.length) sum.larger += 1;
  }
  return [...sums].map(([format, { originals, results, files, larger }]) => ({
    what: `${format}, ${files} files`,
    figure: `${results} bytes, ${ratio(results / originals)} of the originals; ${larger} larger`,
    budget: format === 'png' || format === 'gif' ? '<= 1.05' : '<= 1',
  }));
}
