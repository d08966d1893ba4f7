import type { BlockSearch, CodedPlane, Place } from './coded-planes.ts';
import { isTouched } from './coded-planes.ts';
import type { ColorBounds } from './color-fit.ts';
import { beyondOf, JPEG_SPANS, planeReach, ROUNDING } from './cut-off-bands.ts';
import type { Rgba } from './rgba.ts';
import { weighed } from './weighed.ts';

/** Bounds of the noise of a block's colours: where they are border, and where anything may be drawn. */
export interface ColorBlock {
  readonly border: ColorBounds;
  readonly content: ColorBounds;
}

const BAND_INDICES = [0, 1, 2] as const;

/** Reads a block of JPEG whose colour has all its pixels; undefined where none differs from the border by more than rounding. */
export function readColors(
  picture: Rgba,
  planes: readonly CodedPlane[],
  search: BlockSearch,
  place: Place,
): ColorBlock | undefined {
  if (!planes.some((plane) => isTouched(picture, plane, search, place))) return undefined;
  const { side, left, top, slack, border } = search;
  const length = side * side * 3;
  const [first, last] = [new Float64Array(length), new Float64Array(length)];
  const [below, above] = [new Float64Array(length), new Float64Array(length)];
  for (let index = 0; index < side * side; index++) {
    const x = place.column * side - left + (index % side);
    const y = place.row * side - top + Math.floor(index / side);
    const isInside = x >= 0 && y >= 0 && x < picture.width && y < picture.height;
    const pixel = (y * picture.width + x) * 4;
    const bands = BAND_INDICES.map((band) => (isInside ? (picture.data[pixel + band] ?? 0) : 0));
    const reach = beyondOf(bands, JPEG_SPANS);
    for (const [band, value] of bands.entries()) {
      const beyond = reach[band] ?? 0;
      first[index * 3 + band] = isInside ? value - (value === 0 ? beyond : 0) : -Infinity;
      last[index * 3 + band] = isInside ? value + (value === 255 ? beyond : 0) : Infinity;
    }
    if (!isInside) continue;
    for (const [band, plane] of planes.entries()) {
      const value = weighed(plane, picture.data, pixel);
      const room = planeRoom(plane, bands, { value, reach, beyond: search.beyond });
      below[index * 3 + band] = room.below;
      above[index * 3 + band] = room.above;
    }
  }
  const bounds = (darkest: (band: number) => number, lightest: (band: number) => number): ColorBounds => ({
    low: first.map((value, index) => value - lightest(index % 3) - slack),
    high: last.map((value, index) => value - darkest(index % 3) + slack),
    below,
    above,
  });
  const ofBorder = (band: number) => border[band] ?? 0;
  return {
    border: bounds(ofBorder, ofBorder),
    content: bounds(
      () => 0,
      () => 255,
    ),
  };
}

/** Planes are bytes before bands are made of them, and are cut off as well: noise is what may lie beyond. */
function planeRoom(
  { weights, isShade }: CodedPlane,
  bands: readonly number[],
  {
    value,
    reach,
    beyond,
  }: { readonly value: number; readonly reach: readonly number[]; readonly beyond: number },
): { readonly below: number; readonly above: number } {
  const { below, above } = planeReach(weights, bands, reach);
  const [least, most] = isShade ? JPEG_SPANS.luma : JPEG_SPANS.colour;
  return {
    below: value - below < least + ROUNDING ? beyond : 0,
    above: value + above > most - ROUNDING ? beyond : 0,
  };
}
