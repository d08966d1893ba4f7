import type { Geometry } from '../geometry/geometry.ts';
import type { Transformation } from '../operations/index.ts';
import type { Size, Step } from '../operations/operation.ts';
import type { Source } from '../original/source.ts';
import type { EncoderSettings, Format } from './formats.ts';
import { FORMAT_TABLE } from './formats.ts';
import { shrinkOnLoad } from './shrink.ts';

/** What a render is expected to take; admission counts these, not requests. */
export interface Cost {
  /** Of one core. */
  readonly cpuMs: number;
  /** Peak, beside the original's own bytes. */
  readonly memoryBytes: number;
}

/**
 * Decoding, per megapixel of the original: CPU ms, and bytes of memory per pixel where the decoder keeps the
 * whole picture (docs/performance.md has the measurements).
 */
const DECODING: Readonly<Record<Source['format'], { cpuMs: number; bytes: number }>> = {
  jpeg: { cpuMs: 12, bytes: 0.3 },
  png: { cpuMs: 20, bytes: 0.3 },
  webp: { cpuMs: 15, bytes: 4 },
  gif: { cpuMs: 15, bytes: 4 },
  avif: { cpuMs: 50, bytes: 18 },
  tiff: { cpuMs: 12, bytes: 2 },
  svg: { cpuMs: 30, bytes: 8 },
  // Of its master.
  heic: { cpuMs: 20, bytes: 0.3 },
};

const BASE_BYTES = 8_000_000;

/** @param frames  how many pages are decoded */
export function priceOf(
  work: {
    source: Source;
    /** px that are decoded or drawn, of one page. */
    upright: Size;
    geometry: Geometry;
    steps: readonly Step[];
    values: Pick<Transformation, 'trim' | 'gam'>;
    frames: number;
    result: Size;
  },
  output: { format: Format; settings: EncoderSettings },
): Cost {
  const { source, steps, frames } = work;
  const megapixels = (work.upright.width * work.upright.height * frames) / 1e6;
  const result = (work.result.width * work.result.height * frames) / 1e6;
  const { cpuMs, bytes } = DECODING[source.format];
  // A trim looks at all of it.
  const trims = work.values.trim !== undefined;
  const shrink = trims ? 1 : shrinkOnLoad(work);
  const decode = megapixels * (shrink > 1 ? cpuMs / Math.min(4, shrink) : cpuMs) * (trims ? 3 : 1);
  const filters = steps.reduce((sum, step) => sum + (step.cost ?? 0), 0) * result;
  const format = FORMAT_TABLE[output.format];
  const encode = encodingOf(output, source);
  const decodingBytes = (source.scans ? 4 : bytes) * megapixels * 1e6 + (trims ? megapixels * 4e6 : 0);
  const passes = 4 * (steps.length ? 3 : 1);
  return {
    cpuMs: Math.ceil(2 + decode + filters + result * encode),
    memoryBytes: Math.ceil(BASE_BYTES + decodingBytes + result * 1e6 * (passes + format.memory)),
  };
}

/** A coarse JPEG, read back and compared. */
const PROBE_MS = 20;

/** A palette is looked for before it is written. */
const INDEXING_MS = 75;

/** Mean of those that are tried, three at most (measured over the corpus: 1.3). */
const TRIES = 1.5;

/** CPU ms per megapixel of the result. */
function encodingOf(
  { format, settings }: { format: Format; settings: EncoderSettings },
  source: Source,
): number {
  const { cost, paletteCost } = FORMAT_TABLE[format];
  const once =
    ((source.palette && paletteCost) || cost)[settings.effort] + (settings.indexed ? INDEXING_MS : 0);
  const probe = settings.isAuto ? PROBE_MS : 0;
  return probe + (settings.ceiling === undefined ? once : once * TRIES);
}
