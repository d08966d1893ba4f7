import type { Box } from '../geometry/turns.ts';
import type { CodecLoss } from '../original/loss.ts';
import { aroundMacroblock, type Ground, groundOf, MACROBLOCK } from './ground.ts';
import { INNER_MARGIN, innerBox } from './inner-box.ts';
import type { Rgba } from './rgba.ts';

/** What a codec may have added to the pixels around content. */
export interface CodecNoise extends CodecLoss {
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

/** px that sharp's upsampling of chroma and a loop filter reach beyond it. */
const REACH = 4;

/** Of the strongest pixel nearby; below it lies what JPEG (q60-95) and WebP add to lines, text and noise. */
const NOISE_SHARE = 0.45;
/** The same more than a px or two from an edge, and of the largest difference that the codec makes. */
const FAR_PEAK_SHARE = { jpeg: 0.5, vp8: 0.55 } as const;
const FAR_SHARE = { jpeg: 0.4, vp8: 0.25 } as const;
/** Of the largest difference that a codec makes: what noise has beyond black or white, where it is cut off. */
const BEYOND_SHARE = 0.5;

/** px around what is surely content that may be its soft edge. */
const MARGIN = 1;
/** Rounding of a decoder, levels. */
const ROUNDING = 1.5;

type IsContent = (x: number, y: number) => boolean;
type Difference = (x: number, y: number) => number;

/**
 * The smallest box around all pixels that are not border. In a lossy picture, what is no stronger than codec noise
 * beside stronger content counts only where it touches that.
 *
 * @returns  undefined where all is border
 */
export function contentBox(picture: Rgba, search: ContentSearch): Box | undefined {
  const { threshold, noise } = search;
  const ground = noise && groundIn(picture, search, noise);
  const border = ground?.colour ?? search.border;
  const differs = differenceIn(picture, border);
  const all = { left: 0, top: 0, width: picture.width, height: picture.height };
  const bare = rowOfBorder(picture, border);
  const weak = boxWhere(all, (x, y) => differs(x, y) > threshold, bare);
  if (!weak || !noise || !ground) return weak;
  const within = (isStrong: (difference: number, peak: number) => boolean): Box | undefined => {
    const isContent = strengthIn(picture, noise, differs, isStrong);
    return boxWhere(
      weak,
      (x, y) => differs(x, y) > threshold && isContent(x, y),
      () => false,
    );
  };
  const { most, blocks: codec } = noise;
  if (!codec) {
    const strong = within((difference, peak) => difference > most || difference > NOISE_SHARE * peak);
    return strong && grown(strong, weak, MARGIN);
  }
  const inner = innerBox(picture, {
    codec,
    border,
    slack: ROUNDING + ground.unevenness,
    weak,
    beyond: most * BEYOND_SHARE,
    left: noise.left,
    top: noise.top,
  });
  const sure = inner && grown(inner, weak, INNER_MARGIN);
  if (!codec.isHalved) return sure;
  // Colour of half the pixels says less of where noise comes from.
  const least = most * (codec.side === 8 ? FAR_SHARE.jpeg : FAR_SHARE.vp8);
  const far = within(
    (difference, peak) =>
      difference > least && difference > FAR_PEAK_SHARE[codec.side === 8 ? 'jpeg' : 'vp8'] * peak,
  );
  return sure && far ? union(sure, far) : (sure ?? far);
}

function groundIn(picture: Rgba, { border, threshold }: ContentSearch, noise: CodecNoise): Ground {
  return groundOf(picture, { corner: border, threshold, most: noise.most, offset: noise });
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

/** Whether a pixel is strong beside the strongest one of its macroblock and those around it. */
function strengthIn(
  picture: Rgba,
  noise: CodecNoise,
  differs: Difference,
  isStrong: (difference: number, peak: number) => boolean,
): IsContent {
  const peaks = new Map<number, number>();
  const across = Math.ceil((picture.width + noise.left) / MACROBLOCK);
  const peakOf = (column: number, row: number): number => {
    const key = row * across + column;
    const found = peaks.get(key) ?? peakIn(aroundMacroblock({ column, row }, noise, picture, REACH), differs);
    peaks.set(key, found);
    return found;
  };
  return (x, y) =>
    isStrong(
      differs(x, y),
      peakOf(Math.floor((x + noise.left) / MACROBLOCK), Math.floor((y + noise.top) / MACROBLOCK)),
    );
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

/**
 * A box with a margin, as far as another one reaches. Sides that have passed each other, where noise tells of content
 * but not in which line it is, hold all between them.
 */
function grown(box: Box, limit: Box, margin: number): Box {
  const left = Math.max(limit.left, box.left - margin);
  const top = Math.max(limit.top, box.top - margin);
  const right = Math.min(limit.left + limit.width, box.left + box.width + margin);
  const bottom = Math.min(limit.top + limit.height, box.top + box.height + margin);
  const [first, above] = [Math.min(left, right - 1), Math.min(top, bottom - 1)];
  return {
    left: first,
    top: above,
    width: Math.max(right, left + 1) - first,
    height: Math.max(bottom, top + 1) - above,
  };
}
