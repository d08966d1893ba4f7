import type { Size } from '../operations/operation.ts';

/** sRGB with alpha, row by row. */
export interface Rgba extends Size {
  readonly data: Uint8Array;
}
