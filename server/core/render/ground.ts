import type { Box } from '../geometry/turns.ts';
import type { Size } from '../operations/operation.ts';
import type { Rgba } from './rgba.ts';

/** px of a side of a macroblock (JPEG 4:2:0, VP8): no further does a codec spread what it loses. */
export const MACROBLOCK = 16;

/** Of macroblocks, from the first. */
export interface MacroblockPlace {
  readonly column: number;
  readonly row: number;
}

/** px of a picture's corner from that of its first macroblock. */
interface Offset {
  readonly left: number;
  readonly top: number;
}

/** What a border is, where noise of content nearby may have changed the top left pixel. */
export interface Ground {
  /** Red, green, blue, alpha. */
  readonly colour: Uint8Array;
  /** By how much it differs from that colour, as one of a scan does, levels. */
  readonly unevenness: number;
}

export interface GroundSearch {
  /** Colour of the top left pixel. */
  readonly corner: Uint8Array;
  /** 0-255; a pixel that differs by no more is border. */
  readonly threshold: number;
  /** Largest difference that the codec makes, 0-255: a colour further from the corner is no border. */
  readonly most: number;
  readonly offset: Offset;
}

/**
 * The colour of the border, and how even that is: in macroblocks along the edge which have no content and none beside
 * them, whose noise would be taken for it.
 */
export function groundOf(picture: Rgba, search: GroundSearch): Ground {
  const { threshold, offset } = search;
  const colour = colourOf(picture, search);
  let unevenness = 0;
  for (const place of outerPlaces(picture, offset)) {
    const around = aroundMacroblock(place, offset, picture, MACROBLOCK);
    if (farthest(picture, around, colour) > threshold) continue;
    const own = farthest(picture, aroundMacroblock(place, offset, picture, 0), colour);
    unevenness = Math.max(unevenness, own);
  }
  return { colour, unevenness };
}

/**
 * What half of the edge is, where the top left pixel is that but for noise: it differs by no more than the tolerance, or
 * by no more than the codec's noise and stands among pixels that differ as well. Else the top left pixel.
 */
function colourOf(picture: Rgba, { corner, threshold, most, offset }: GroundSearch): Uint8Array {
  const usual = middleOfEdge(picture);
  const difference = Math.max(...usual.map((band, index) => Math.abs(band - (corner[index] ?? 0))));
  if (difference <= threshold) return usual;
  const first = aroundMacroblock({ column: 0, row: 0 }, offset, picture, 0);
  const isNoisy = farthest(picture, first, corner) > threshold;
  return isNoisy && difference <= most && shareOfEdge(picture, usual, threshold) >= 0.5 ? usual : corner;
}

function onEdge({ width, height }: Size, look: (x: number, y: number) => void): void {
  for (let x = 0; x < width; x++) for (const y of [0, height - 1]) look(x, y);
  for (let y = 0; y < height; y++) for (const x of [0, width - 1]) look(x, y);
}

function shareOfEdge(picture: Rgba, colour: Uint8Array, threshold: number): number {
  let [near, all] = [0, 0];
  onEdge(picture, (left, top) => {
    all++;
    if (farthest(picture, { left, top, width: 1, height: 1 }, colour) <= threshold) near++;
  });
  return near / all;
}

/** Of each band the middle one along the picture's edge. */
function middleOfEdge(picture: Rgba): Uint8Array {
  const { data, width, height } = picture;
  const counts = [0, 1, 2, 3].map(() => new Uint32Array(256));
  onEdge(picture, (x, y) => {
    for (const [band, levels] of counts.entries()) {
      const level = data[(y * width + x) * 4 + band] ?? 0;
      levels[level] = (levels[level] ?? 0) + 1;
    }
  });
  return Uint8Array.from(counts, (levels) => {
    let below = 0;
    return levels.findIndex((pixels) => {
      below += pixels;
      return below >= width + height;
    });
  });
}

function outerPlaces({ width, height }: Size, { left, top }: Offset): MacroblockPlace[] {
  const columns = Math.ceil((width + left) / MACROBLOCK);
  const rows = Math.ceil((height + top) / MACROBLOCK);
  const across = Array.from({ length: columns }, (_, column) =>
    [0, rows - 1].map((row) => ({ column, row })),
  );
  const down = Array.from({ length: rows }, (_, row) => [0, columns - 1].map((column) => ({ column, row })));
  return [...across, ...down].flat();
}

/** A macroblock with so many px around it, as far as the picture reaches. */
export function aroundMacroblock(
  { column, row }: MacroblockPlace,
  { left, top }: Offset,
  { width, height }: Size,
  px: number,
): Box {
  const [x, y] = [Math.max(0, column * MACROBLOCK - left - px), Math.max(0, row * MACROBLOCK - top - px)];
  return {
    left: x,
    top: y,
    width: Math.min(width, (column + 1) * MACROBLOCK - left + px) - x,
    height: Math.min(height, (row + 1) * MACROBLOCK - top + px) - y,
  };
}

function farthest({ data, width }: Rgba, box: Box, colour: Uint8Array): number {
  let most = 0;
  for (let y = box.top; y < box.top + box.height; y++)
    for (let index = (y * width + box.left) * 4; index < (y * width + box.left + box.width) * 4; index++)
      most = Math.max(most, Math.abs((data[index] ?? 0) - (colour[index & 3] ?? 0)));
  return most;
}
