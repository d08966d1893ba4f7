import type { BlockCodec } from '../original/loss.ts';
import { beyondOf, JPEG_SPANS, planeReach, ROUNDING, VP8_SPANS } from './cut-off-bands.ts';
import { filtered } from './loop-filter.ts';
import type { Bounds } from './noise-fit.ts';
import type { Rgba } from './rgba.ts';
import { BLUE, LUMA, type Plane, RED, weighed } from './weighed.ts';

/** A sum of red, green and blue whose noise a codec bounds block by block. */
export interface CodedPlane extends Plane {
  readonly limits: Float64Array;
  /** What is drawn lies between black and white, which bounds it; of colour that says nothing. */
  readonly isShade: boolean;
}

/** Whether a colour lies where a band ends: of what noise adds beyond it nothing is left. */
const isCutOff = ([red, green, blue]: Iterable<number>): boolean => [red, green, blue].some(isAnEnd);

const isAnEnd = (band: number | undefined): boolean => band === 0 || band === 255;

/** Luma and, unless it is grey, both colours. */
export function codedPlanes({ luma, chroma, isHalved }: BlockCodec): CodedPlane[] {
  const scale = isHalved ? 2 : 1;
  const planes: CodedPlane[] = [{ weights: LUMA, limits: luma, scale: 1, isShade: true }];
  if (chroma)
    for (const weights of [BLUE, RED]) planes.push({ weights, limits: chroma, scale, isShade: false });
  return planes;
}

/** Bounds of the noise of a block's pixels: where they are border, and where anything may be drawn. */
export interface CodedBlock {
  readonly border: Bounds;
  readonly content: Bounds;
}

export interface BlockSearch {
  /** Colour of the border. */
  readonly border: Uint8Array;
  /** By how much its own pixels differ. */
  readonly slack: number;
  /** px of a block's side, in its own plane. */
  readonly side: number;
  /** px of the picture's corner from that of its first block. */
  readonly left: number;
  readonly top: number;
  /** A pixel that differs by more is no rounding. */
  readonly touch: number;
  /** JPEG whose colour has all its pixels, and a border of one colour: what differs in a block is content or its noise. */
  readonly isFlat: boolean;
  /** By how much noise may have led beyond black or white, before it was cut off there. */
  readonly beyond: number;
  /** Colour has half the pixels: where it changes, it leads bands beyond black and white by more than noise does. */
  readonly isHalved: boolean;
}

/** Samples around a block whose share in it is above rounding, see sharpened. */
const AROUND = 3;
/** Rounding of three bands, and of four pixels that are brought back to one, against that of one. */
const HALVED_SLACK = 2;

interface Sample {
  /** Difference from the border. */
  readonly value: number;
  /** By how much it may be more, or less: a band was cut off at black or white. */
  readonly above: number;
  readonly below: number;
}

/** JPEG has none. */
const NO_FILTER = new Float64Array();

const UNKNOWN: Sample = { value: 0, above: Infinity, below: Infinity };

/** In blocks of a plane, from its first. */
export interface Place {
  readonly column: number;
  readonly row: number;
}

/** Reads a block of a plane; undefined where no pixel differs from the border by more than rounding does. */
export function readBlock(
  picture: Rgba,
  plane: CodedPlane,
  search: BlockSearch,
  place: Place,
): CodedBlock | undefined {
  if (!isTouched(picture, plane, search, place)) return undefined;
  const { slack, border } = search;
  const base = weighed(plane, border, 0);
  const factor = plane.scale === 2 ? HALVED_SLACK : 1;
  const samples =
    plane.scale === 2 ? halved(picture, plane, search, place) : whole(picture, plane, search, place);
  const filter = search.side === 4 ? filtered(picture, plane, search, place) : NO_FILTER;
  const bounds = (reach: readonly [number, number]): Bounds => ({
    low: Float64Array.from(
      samples,
      ({ value, below }, index) => value - below - reach[0] - (filter[index] ?? 0),
    ),
    high: Float64Array.from(
      samples,
      ({ value, above }, index) => value + above + reach[1] + (filter[index] ?? 0),
    ),
  });
  const all = slack * factor;
  return {
    border: bounds([all, all]),
    content: bounds(plane.isShade ? [255 - base + all, base + all] : [Infinity, Infinity]),
  };
}

/** Whether a pixel of a block differs from the border by more than rounding does. */
export function isTouched(
  { data, width, height }: Rgba,
  plane: CodedPlane,
  { side, left, top, border, touch }: BlockSearch,
  { column, row }: Place,
): boolean {
  const span = side * plane.scale;
  const base = weighed(plane, border, 0);
  const [right, bottom] = [
    Math.min(width, (column + 1) * span - left),
    Math.min(height, (row + 1) * span - top),
  ];
  for (let y = Math.max(0, row * span - top); y < bottom; y++)
    for (let x = Math.max(0, column * span - left); x < right; x++)
      if (Math.abs(weighed(plane, data, (y * width + x) * 4) - base) > touch) return true;
  return false;
}

/** The difference of a pixel; UNKNOWN outside of the picture. */
function sampleOf(
  { data, width, height }: Rgba,
  plane: CodedPlane,
  search: BlockSearch,
  { x, y }: { readonly x: number; readonly y: number },
): Sample {
  if (x < 0 || y < 0 || x >= width || y >= height) return UNKNOWN;
  const pixel = (y * width + x) * 4;
  const bands = [data[pixel] ?? 0, data[pixel + 1] ?? 0, data[pixel + 2] ?? 0];
  const value = weighed(plane, data, pixel);
  return { ...roomAround(value, bands, plane, search), value: value - weighed(plane, search.border, 0) };
}

/** By how much a plane may have been more, or less, before its bands were cut off. */
function roomAround(
  value: number,
  bands: readonly number[],
  { weights }: CodedPlane,
  { beyond, side, isHalved }: BlockSearch,
): Pick<Sample, 'above' | 'below'> {
  if (!isCutOff(bands)) return { above: 0, below: 0 };
  const spans = side === 8 ? JPEG_SPANS : VP8_SPANS;
  const reach = isHalved ? beyondOf(bands, spans) : bands.map((band) => (isAnEnd(band) ? beyond : 0));
  const { above, below } = planeReach(weights, bands, reach);
  if (!isHalved) return { above, below };
  // Planes are cut off as well, and noise is what may lie beyond.
  const [low, high] = weights === LUMA ? spans.luma : spans.colour;
  return {
    above: value + above > high - ROUNDING ? above + beyond : above,
    below: value - below < low + ROUNDING ? below + beyond : below,
  };
}

function whole(picture: Rgba, plane: CodedPlane, search: BlockSearch, { column, row }: Place): Sample[] {
  const { side, left, top } = search;
  return Array.from({ length: side * side }, (_, index) =>
    sampleOf(picture, plane, search, {
      x: column * side - left + (index % side),
      y: row * side - top + Math.floor(index / side),
    }),
  );
}

/**
 * Samples of colour that has half the pixels, from pixels between which it was smoothed (libjpeg's and libwebp's
 * upsampling: three quarters of the nearest and one of the next). What is not known of a pixel is not known of the
 * samples around it.
 */
function halved(picture: Rgba, plane: CodedPlane, search: BlockSearch, { column, row }: Place): Sample[] {
  const { side, left, top } = search;
  const span = side + 2 * AROUND;
  const first = { x: (column * side - AROUND) * 2 - left, y: (row * side - AROUND) * 2 - top };
  const fours = Array.from({ length: span * span }, (_, index) => {
    const [x, y] = [first.x + (index % span) * 2, first.y + Math.floor(index / span) * 2];
    return [0, 1, 2, 3].map((pixel) =>
      sampleOf(picture, plane, search, { x: x + (pixel & 1), y: y + (pixel >> 1) }),
    );
  });
  const means = fours.map((four) => four.reduce((sum, { value }) => sum + value, 0) / 4);
  const unknown = fours.map((four) => Math.max(...four.map(({ above, below }) => Math.max(above, below))));
  const sharp = sharpened(sharpened(Float64Array.from(means), span), span);
  return Array.from({ length: side * side }, (_, index) => {
    const center = (Math.floor(index / side) + AROUND) * span + (index % side) + AROUND;
    const around = [-span, 0, span].flatMap((line) => [-1, 0, 1].map((step) => center + line + step));
    const reach = Math.max(...around.map((place) => unknown[place] ?? 0));
    return { value: sharp[center] ?? 0, above: reach, below: reach };
  });
}

/** Undoes the smoothing along each row, and turns rows into columns: the mean of two pixels has 1/8, 6/8, 1/8 of three samples. */
function sharpened(means: Float64Array, span: number): Float64Array {
  const turned = new Float64Array(means.length);
  const share = new Float64Array(span);
  for (let row = 0; row < span; row++) {
    let before = 0;
    for (let x = 0; x < span; x++) {
      const own = (x === 0 || x === span - 1 ? 7 : 6) / 8 - (x ? (share[x - 1] ?? 0) / 8 : 0);
      share[x] = 1 / 8 / own;
      before = ((means[row * span + x] ?? 0) - before / 8) / own;
      turned[x * span + row] = before;
    }
    for (let x = span - 2; x >= 0; x--)
      turned[x * span + row] =
        (turned[x * span + row] ?? 0) - (share[x] ?? 0) * (turned[(x + 1) * span + row] ?? 0);
  }
  return turned;
}
