import type { Exif } from 'sharp';
import type { Size } from '../operations/operation.ts';
import type { Header, Source } from '../original/source.ts';
import type { Probe } from '../plan/auto-quality.ts';
import type { Plan, PlanOptions } from '../plan/plan.ts';
import type { ReadGlyphs } from './drawing-warnings.ts';
import type { PassOptions, Raw } from './pipeline.ts';
import type { Rasterize } from './svg.ts';

/** An original whose header has been read, of the page that is to be shown. */
export interface Opened {
  readonly bytes: Uint8Array;
  readonly source: Source;
  readonly metadata: Header;
  /** Author and copyright, as every result says them. */
  readonly copyright: Exif | undefined;
}

export interface RenderRequest {
  readonly opened: Opened;
  readonly plan: Plan;
  /** Made the plan; a trim makes it anew. */
  readonly options: PlanOptions;
  readonly maxPixels: number;
  readonly pass: PassOptions;
  /** Draws SVGs, in a process that may die; in this one when absent. */
  readonly rasterize?: Rasterize | undefined;
  /** The whole drawing at the size of the plan, where it has been drawn already. */
  readonly raster?: Raw | undefined;
  /** A drawing has been drawn: what comes now is no work of its own. */
  readonly onDrawn?: (() => void) | undefined;
  /** Which letters the fonts of drawings have; absent where that is not known. */
  readonly readGlyphs?: ReadGlyphs | undefined;
  /** The region of the plan at its scale or larger, as stored, in sRGB: stands for decoding the original. */
  readonly base?: Raw | undefined;
  /** Monotonic ms, for the timings. */
  readonly now: () => number;
}

export interface Rendered {
  readonly bytes: Buffer;
  readonly contentType: string;
  /** px of a frame; undefined for placeholders. */
  readonly size: Size | undefined;
  readonly warnings: readonly string[];
  /** What the quality was predicted by; undefined: it was not. */
  readonly probe?: Probe | undefined;
  /** ms; a single pass decodes, transforms and encodes at once and counts as encode. */
  readonly timings: { readonly decode: number; readonly transform: number; readonly encode: number };
}
