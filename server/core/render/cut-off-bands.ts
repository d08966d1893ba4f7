import type { Weights } from './weighed.ts';
import { BLUE, LUMA, RED } from './weighed.ts';

/** Between what a decoder keeps a plane, before it makes red, green and blue of it. */
type Span = readonly [low: number, high: number];

export interface PlaneSpans {
  readonly luma: Span;
  readonly colour: Span;
}

/** JPEG decodes to bytes, of which colour lies around 128. */
export const JPEG_SPANS: PlaneSpans = { luma: [0, 255], colour: [-128, 127] };
/** VP8 as well, but shades are 16 to 235 of them and colour 16 to 240, which are stretched: by 255/219 and 255/224. */
export const VP8_SPANS: PlaneSpans = { luma: [-18.7, 278.4], colour: [-145.8, 144.7] };

/** Of bands and of planes, levels. */
export const ROUNDING = 1.5;
/** The most that colour adds to a band, levels. */
const MOST = 227;
/** What is found of one band bounds the others anew. */
const PASSES = 2;

/**
 * By how much bands at 0 or 255 may have been beyond, before they were cut off there: so far that neither luma nor
 * colour leaves what a decoder has of them. Of white nothing, since nothing is lighter; of red in pure red next to
 * nothing, since no colour is redder.
 *
 * @param bands  red, green, blue, 0-255
 * @returns      levels, of each band: above 255, or below 0
 */
export function beyondOf(bands: readonly number[], spans: PlaneSpans): readonly number[] {
  const signs = bands.map((band) => (band >= 255 ? 1 : band <= 0 ? -1 : 0));
  const beyond = signs.map((sign) => (sign ? MOST : 0));
  for (let pass = 0; pass < PASSES; pass++)
    for (const [weights, span] of [
      [LUMA, spans.luma],
      [BLUE, spans.colour],
      [RED, spans.colour],
    ] as const)
      tighten(beyond, { bands, signs, weights, span });
  return beyond;
}

interface Limit {
  readonly bands: readonly number[];
  readonly signs: readonly number[];
  readonly weights: Weights;
  readonly span: Span;
}

function tighten(beyond: number[], { bands, signs, weights, span: [low, high] }: Limit): void {
  const shares = weights.map((weight, index) => weight * (signs[index] ?? 0));
  const plane = weights.reduce((sum, weight, index) => sum + weight * (bands[index] ?? 0), 0);
  for (const [index, share] of shares.entries()) {
    if (share === 0) continue;
    // The others may lead the other way.
    const others = shares.reduce(
      (sum, other, place) =>
        place === index || other * share > 0 ? sum : sum + Math.abs(other) * (beyond[place] ?? 0),
      0,
    );
    const room = (share > 0 ? high - plane : plane - low) + ROUNDING + others;
    beyond[index] = Math.min(beyond[index] ?? 0, Math.max(0, room) / Math.abs(share));
  }
}

/** By how much a plane may have been more, or less, before its bands were cut off by so much. */
export function planeReach(
  weights: Weights,
  bands: readonly number[],
  reach: readonly number[],
): { above: number; below: number } {
  let [above, below] = [0, 0];
  for (const [band, weight] of weights.entries()) {
    const share = Math.abs(weight) * (reach[band] ?? 0);
    if (weight > 0 === (bands[band] === 255)) above += share;
    else below += share;
  }
  return { above, below };
}
