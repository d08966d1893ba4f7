import type { BlockSearch, CodedPlane, Place } from './coded-planes.ts';
import { isTouched } from './coded-planes.ts';
import type { ColorBounds } from './color-fit.ts';
import { beyondOf, JPEG_SPANS, ROUNDING } from './cut-off-bands.ts';
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
    const known = x >= 0 && y >= 0 && x < picture.width && y < picture.height;
    const pixel = (y * picture.width + x) * 4;
    const bands = BAND_INDICES.map((band) => (known ? (picture.data[pixel + band] ?? 0) : 0));
    const beyond = beyondOf(bands, JPEG_SPANS);
    const room = planeRoom(picture, planes, search, known ? pixel : undefined);
    for (const band of BAND_INDICES) {
      const [place, value, reach] = [index * 3 + band, bands[band] ?? 0, beyond[band] ?? 0];
      first[place] = known ? value - (value === 0 ? reach : 0) : -Infinity;
      last[place] = known ? value + (value === 255 ? reach : 0) : Infinity;
      below[place] = room[band]?.below ?? 0;
      above[place] = room[band]?.above ?? 0;
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
  { data }: Rgba,
  planes: readonly CodedPlane[],
  { beyond }: BlockSearch,
  pixel: number | undefined,
): ReadonlyArray<{ readonly below: number; readonly above: number }> {
  if (pixel === undefined) return [];
  const bands = BAND_INDICES.map((band) => data[pixel + band] ?? 0);
  const reach = beyondOf(bands, JPEG_SPANS);
  return planes.map((plane) => {
    const value = weighed(plane, data, pixel);
    let [low, high] = [value, value];
    for (const [band, weight] of plane.weights.entries()) {
      const share = Math.abs(weight) * (reach[band] ?? 0);
      if (weight > 0 === (bands[band] === 255)) high += share;
      else low -= share;
    }
    const [least, most] = plane.isShade ? JPEG_SPANS.luma : JPEG_SPANS.colour;
    return {
      below: low < least + ROUNDING ? beyond : 0,
      above: high > most - ROUNDING ? beyond : 0,
    };
  });
}
