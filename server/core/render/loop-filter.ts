import { MACROBLOCK } from './ground.ts';
import type { Rgba } from './rgba.ts';
import { type Plane, weighed } from './weighed.ts';

/**
 * Levels that the filter across an edge of macroblocks adds to the three pixels on either side, at most: 27, 18 and 9
 * of 128 of a difference that is cut off at 127 (RFC 6386, 15.3), stretched as shades are.
 */
const REACHES = [27, 18, 9].map((share) => (share * 127 * 255) / (128 * 219));

interface FilterSearch {
  readonly border: Uint8Array;
  readonly side: number;
  readonly left: number;
  readonly top: number;
  readonly touch: number;
}

/** By how much VP8's loop filter may have changed each pixel of a block: where content lies beyond the edge of its macroblock. */
export function filtered(
  picture: Rgba,
  plane: Plane,
  { border, side, left, top, touch }: FilterSearch,
  { column, row }: { readonly column: number; readonly row: number },
): Float64Array {
  const most = new Float64Array(side * side);
  const length = MACROBLOCK / plane.scale;
  const base = weighed(plane, border, 0);
  const isContent = (x: number, y: number): boolean => {
    const [px, py] = [x * plane.scale - left, y * plane.scale - top];
    if (px < 0 || py < 0 || px >= picture.width || py >= picture.height) return false;
    return Math.abs(weighed(plane, picture.data, (py * picture.width + px) * 4) - base) > touch;
  };
  const add = (index: number, own: number, isAcross: (edge: number) => boolean): void => {
    const within = own % length;
    const isFar = within >= length / 2;
    const reach = REACHES[isFar ? length - 1 - within : within];
    if (reach !== undefined && isAcross(isFar ? own - within + length : own - within - 1))
      most[index] = (most[index] ?? 0) + reach;
  };
  for (let index = 0; index < side * side; index++) {
    const x = column * side + (index % side);
    const y = row * side + Math.floor(index / side);
    add(index, x, (edge) => isContent(edge, y));
    add(index, y, (edge) => isContent(x, edge));
  }
  return most;
}
