import type { Box } from '../geometry/turns.ts';
import type { Size } from '../operations/operation.ts';

/** What a codec may have added to the pixels around content. */
export interface CodecNoise {
  /** Largest difference that it makes, 0-255. */
  readonly most: number;
  /** px of the picture's corner from the corner of its first block: a region may begin inside of one. */
  readonly left: number;
  readonly top: number;
}

export interface ContentSearch {
  /** 0-255; a pixel whose colour and alpha differ by no more is border. */
  readonly threshold: number;
  /** Colour of the border: red, green, blue, alpha. */
  readonly border: Uint8Array;
  /** Undefined: without loss. */
  readonly noise: CodecNoise | undefined;
}

/** sRGB with alpha, row by row. */
export interface Rgba extends Size {
  readonly data: Uint8Array;
}

/** px of a side of a macroblock (JPEG 4:2:0, VP8): no further does a codec spread what it loses. */
const BLOCK = 16;

/** px that sharp's upsampling of chroma and a loop filter reach beyond it. */
const REACH = 4;

/** Of the strongest pixel nearby; below it lies what JPEG (q60-95) and WebP add to lines, text and noise. */
const NOISE_SHARE = 0.45;

/** px around what is surely content that may be its soft edge. */
const MARGIN = 1;

type IsContent = (x: number, y: number) => boolean;
type Difference = (x: number, y: number) => number;

/**
 * The smallest box around all pixels that are not border. In a lossy picture, what is no stronger than codec noise
 * beside stronger content counts only where it touches that.
 *
 * @returns  undefined where all is border
 */
export function contentBox(picture: Rgba, search: ContentSearch): Box | undefined {
  const differs = differenceIn(picture, search.border);
  const all = { left: 0, top: 0, width: picture.width, height: picture.height };
  const bare = rowOfBorder(picture, search.border);
  const weak = boxWhere(all, (x, y) => differs(x, y) > search.threshold, bare);
  if (!weak || !search.noise) return weak;
  const strong = boxWhere(weak, strengthIn(picture, search.threshold, search.noise, differs), () => false);
  return strong && grown(strong, weak);
}

/** Largest difference of a pixel to another one, 0-255; colours count as far as they are seen. */
function differenceIn({ data, width }: Rgba, border: Uint8Array): Difference {
  const value = (index: number): number => data[index] ?? 0;
  const alpha = border[3] ?? 0;
  const band = (index: number, opacity: number): number =>
    Math.abs(value(index) * opacity - (border[index & 3] ?? 0) * alpha);
  return (column, row) => {
    const pixel = (row * width + column) * 4;
    const opacity = value(pixel + 3);
    const colour = Math.max(band(pixel, opacity), band(pixel + 1, opacity), band(pixel + 2, opacity));
    return Math.max(Math.abs(opacity - alpha), colour / 255);
  };
}

/** Whether a row is the border's colour to the bit: compared by the word, since a page may be white for megapixels. */
function rowOfBorder({ data, width }: Rgba, border: Uint8Array): (row: number) => boolean {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const row = Buffer.alloc(width * 4, border);
  return (index) => row.compare(bytes, index * width * 4, (index + 1) * width * 4) === 0;
}

/** Looks from the four edges inwards: what lies inside is never read. */
function boxWhere(frame: Box, isContent: IsContent, isBare: (y: number) => boolean): Box | undefined {
  const [right, bottom] = [frame.left + frame.width - 1, frame.top + frame.height - 1];
  const inRow = (y: number): boolean => {
    if (isBare(y)) return false;
    for (let x = frame.left; x <= right; x++) if (isContent(x, y)) return true;
    return false;
  };
  let top = frame.top;
  while (top <= bottom && !inRow(top)) top++;
  if (top > bottom) return undefined;
  let last = bottom;
  while (!inRow(last)) last--;
  let [first, end] = [right, frame.left];
  for (let y = top; y <= last; y++) {
    if (isBare(y)) continue;
    for (let x = frame.left; x < first; x++) if (isContent(x, y)) first = x;
    for (let x = right; x > end; x--) if (isContent(x, y)) end = x;
  }
  // Content of one column is met from one side only, where the other has passed it already.
  return { left: Math.min(first, end), top, width: Math.abs(end - first) + 1, height: last - top + 1 };
}

/** Whether a pixel is stronger than what a codec adds beside the strongest one of its macroblock and those around it. */
function strengthIn(picture: Rgba, threshold: number, noise: CodecNoise, differs: Difference): IsContent {
  const peaks = new Map<number, number>();
  const across = Math.ceil((picture.width + noise.left) / BLOCK);
  const peakOf = (column: number, row: number): number => {
    const key = row * across + column;
    const found = peaks.get(key) ?? peakIn(aroundOf(column, row, noise, picture), differs);
    peaks.set(key, found);
    return found;
  };
  return (x, y) => {
    const difference = differs(x, y);
    if (difference <= threshold) return false;
    if (difference > noise.most) return true;
    const peak = peakOf(Math.floor((x + noise.left) / BLOCK), Math.floor((y + noise.top) / BLOCK));
    return difference > NOISE_SHARE * peak;
  };
}

function aroundOf(column: number, row: number, { left, top }: CodecNoise, { width, height }: Size): Box {
  const [x, y] = [Math.max(0, column * BLOCK - left - REACH), Math.max(0, row * BLOCK - top - REACH)];
  return {
    left: x,
    top: y,
    width: Math.min(width, (column + 1) * BLOCK - left + REACH) - x,
    height: Math.min(height, (row + 1) * BLOCK - top + REACH) - y,
  };
}

function peakIn({ left, top, width, height }: Box, differs: Difference): number {
  let peak = 0;
  for (let y = top; y < top + height; y++)
    for (let x = left; x < left + width; x++) peak = Math.max(peak, differs(x, y));
  return peak;
}

/** The smallest box around two. */
export function union(a: Box, b: Box): Box {
  const left = Math.min(a.left, b.left);
  const top = Math.min(a.top, b.top);
  const right = Math.max(a.left + a.width, b.left + b.width);
  const bottom = Math.max(a.top + a.height, b.top + b.height);
  return { left, top, width: right - left, height: bottom - top };
}

/** A box with a margin, as far as another one reaches. */
function grown(box: Box, limit: Box): Box {
  const left = Math.max(limit.left, box.left - MARGIN);
  const top = Math.max(limit.top, box.top - MARGIN);
  const right = Math.min(limit.left + limit.width, box.left + box.width + MARGIN);
  const bottom = Math.min(limit.top + limit.height, box.top + box.height + MARGIN);
  return { left, top, width: right - left, height: bottom - top };
}
