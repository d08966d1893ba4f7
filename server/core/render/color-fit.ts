import { type Bounds, limit } from './noise-fit.ts';
import { BLUE, LUMA, RED } from './weighed.ts';

/** What is known of the difference that a codec has made to pixels: red, green and blue of each lie between two numbers. */
export interface ColorBounds extends Bounds {
  /** Luma and both colours of each pixel: by how much less, and more, they may be than what its bands say. */
  readonly below: Float64Array;
  readonly above: Float64Array;
}

/** Largest miss that is none: half a level of rounding. */
const TOLERANCE = 0.35;
const PROJECTIONS = 100;
/** Rounds between two looks at whether it still gets better, and by how much it must. */
const [LOOK, BETTER] = [20, 0.97];
/** Further than to the bound: projections alone creep. */
const OVERSHOOT = 1.6;
/** Of the three bands, which nearly stand at right angles to each other as luma and colour see them. */
const SWEEPS = 4;

/** Every index is within what it is read from. */
function entry(values: ArrayLike<number> | undefined, index: number): number {
  return values?.[index] ?? 0;
}

const PLANES = [LUMA, BLUE, RED] as const;
/** What one level of a band is in luma and both colours. */
const BANDS = [0, 1, 2].map((band) => PLANES.map((weights) => entry(weights, band)));
const LENGTHS = BANDS.map((band) => band.reduce((sum, share) => sum + share ** 2, 0));

/**
 * Whether a codec can have made a difference to red, green and blue together: one of which neither luma nor colour has
 * coefficients larger than what it rounds by. Tighter than a plane at a time: what a band that was cut off hides of
 * luma has to be hidden in colour too.
 *
 * @param limits  of luma and of each colour: of each coefficient of the orthonormal DCT, row by row
 */
export function isColorNoise(side: number, bounds: ColorBounds, limits: readonly Float64Array[]): boolean {
  const tried = PLANES.map(() => new Float64Array(side * side));
  const fitted = PLANES.map(() => new Float64Array(side * side));
  let before = Number.POSITIVE_INFINITY;
  for (let projection = 0; projection <= PROJECTIONS; projection++) {
    if (projection > 0)
      for (const [plane, block] of tried.entries())
        limit(block, fitted[plane] ?? block, side, limits[plane] ?? block);
    const miss = project(fitted, tried, bounds);
    if (projection > 0 && miss < TOLERANCE) return true;
    if (projection === 0 || projection % LOOK > 0) continue;
    if (miss > before * BETTER) return false;
    before = miss;
  }
  return false;
}

/** Writes pixels within their bounds, and a step beyond; returns the largest step to a bound. */
function project(
  fitted: readonly Float64Array[],
  tried: readonly Float64Array[],
  bounds: ColorBounds,
): number {
  let miss = 0;
  const missing = [0, 0, 0];
  for (let pixel = 0; pixel < (tried[0]?.length ?? 0); pixel++) {
    for (const plane of missing.keys()) missing[plane] = entry(fitted[plane], pixel);
    shortOf(missing, bounds, pixel * 3);
    for (const [plane, block] of tried.entries()) {
      const step = entry(missing, plane);
      miss = Math.max(miss, Math.abs(step));
      block[pixel] = entry(fitted[plane], pixel) - OVERSHOOT * step;
    }
  }
  return miss;
}

/** Turns luma and both colours into how far they are from the nearest that a pixel's bounds allow. */
function shortOf(planes: number[], bounds: ColorBounds, first: number): void {
  const [luma = 0, blue = 0, red = 0] = planes;
  // JFIF. Most pixels are within their bounds.
  const exact = [luma + 1.402 * red, luma - 0.344136 * blue - 0.714136 * red, luma + 1.772 * blue] as const;
  const bands = exact.map((value, band) => within(value, bounds, first + band));
  if (bands[0] === exact[0] && bands[1] === exact[1] && bands[2] === exact[2]) {
    planes.fill(0);
    return;
  }
  for (const [band, value] of bands.entries()) take(planes, band, value);
  // The nearest is a sum of bands and of what is beyond them, each of which is moved in turn.
  const beyond = [0, 0, 0];
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    moveBands(planes, bands, { bounds, first });
    moveBeyond(planes, beyond, { bounds, first });
  }
}

interface Pixel {
  readonly bounds: ColorBounds;
  /** Where its red lies. */
  readonly first: number;
}

const along = (shares: readonly number[], planes: readonly number[]): number =>
  shares.reduce((sum, share, plane) => sum + share * entry(planes, plane), 0);

const within = (value: number, { low, high }: ColorBounds, index: number): number =>
  Math.min(entry(high, index), Math.max(entry(low, index), value));

/** Takes what so many levels of a band are away from luma and both colours. */
function take(planes: number[], band: number, levels: number): void {
  const shares = BANDS[band] ?? [];
  for (const plane of planes.keys()) planes[plane] = entry(planes, plane) - levels * entry(shares, plane);
}

function moveBands(planes: number[], bands: number[], { bounds, first }: Pixel): void {
  for (const [band, value] of bands.entries()) {
    const best = value + along(BANDS[band] ?? [], planes) / (LENGTHS[band] ?? 1);
    const moved = within(best, bounds, first + band);
    take(planes, band, moved - value);
    bands[band] = moved;
  }
}

function moveBeyond(planes: number[], beyond: number[], { bounds: { below, above }, first }: Pixel): void {
  for (const [plane, missing] of planes.entries()) {
    const all = entry(beyond, plane) + missing;
    const moved = Math.min(entry(above, first + plane), Math.max(-entry(below, first + plane), all));
    planes[plane] = all - moved;
    beyond[plane] = moved;
  }
}
