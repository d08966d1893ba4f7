import type { Transformation } from '../operations/index.ts';
import type { Size } from '../operations/operation.ts';
import { MAX_SIDE } from '../operations/resize.ts';
import { regionOf } from './region.ts';
import type { Box, Turn } from './turns.ts';
import { angle, compose, turnSize, UPRIGHT } from './turns.ts';

/** What the geometry of a transformation comes to. Everything lies in the upright picture, before `rot` and `flip`. */
export interface Geometry {
  /** Part of the original that is read; all of it when undefined. */
  readonly region: Box | undefined;
  /** The region after scaling. */
  readonly scaled: Size;
  /** Part of the scaled region that is kept. */
  readonly crop: Box | undefined;
  /** The crop is chosen by content: `crop` has its size only. */
  readonly strategy: 'entropy' | 'attention' | undefined;
  /** Canvas of fit=contain, and where the picture lies on it. */
  readonly canvas: { readonly size: Size; readonly at: Box } | undefined;
  /** Quarter turns and mirrors asked for by `rot` and `flip`. */
  readonly turn: Turn;
  /** After turn, before arbitrary rotation and padding. */
  readonly result: Size;
  readonly warnings: readonly string[];
}

const size = (width: number, height: number): Size => ({
  width: Math.max(1, Math.round(width)),
  height: Math.max(1, Math.round(height)),
});
const scaledBy = (from: Size, factor: number): Size => size(from.width * factor, from.height * factor);
const clamp = (value: number, low: number, high: number): number => Math.min(Math.max(value, low), high);

/** The box that `ar` alone means: the largest of that ratio inside the picture, or for contain the smallest around it. */
function ratioBox(picture: Size, ratio: number, around: boolean): Size {
  const wide = picture.width / picture.height > ratio;
  return wide === around
    ? size(picture.width, picture.width / ratio)
    : size(picture.height * ratio, picture.height);
}

const GRAVITY: Readonly<Record<string, readonly [x: number, y: number]>> = {
  center: [0.5, 0.5],
  n: [0.5, 0],
  ne: [1, 0],
  e: [1, 0.5],
  se: [1, 1],
  s: [0.5, 1],
  sw: [0, 1],
  w: [0, 0.5],
  nw: [0, 0],
};

/** A window of `window` px inside `frame`, its middle as near to the focal point as the edges allow. */
function focalWindow(frame: Size, window: Size, x: number, y: number): Box {
  const along = (whole: number, part: number, share: number) =>
    clamp(Math.round(share * whole - part / 2), 0, whole - part);
  return { left: along(frame.width, window.width, x), top: along(frame.height, window.height, y), ...window };
}

/** A window of `window` px in `frame`, at a compass direction. */
function compassWindow(frame: Size, window: Size, gravity: string): Box {
  const [x, y] = GRAVITY[gravity] ?? [0.5, 0.5];
  return {
    left: Math.round((frame.width - window.width) * x),
    top: Math.round((frame.height - window.height) * y),
    ...window,
  };
}

type Placed = Pick<Geometry, 'scaled' | 'crop' | 'strategy' | 'canvas'>;
const whole = (scaled: Size): Placed => ({ scaled, crop: undefined, strategy: undefined, canvas: undefined });

function cover(picture: Size, box: Size, values: Transformation, focus: Point | undefined): Placed {
  const fill = Math.max(box.width / picture.width, box.height / picture.height) * (values.zoom ?? 1);
  const factor = values.up ? fill : Math.min(fill, 1);
  // Not enlarging: the crop keeps its aspect and the box shrinks with the picture.
  const window = factor < fill ? scaledBy(box, factor / fill) : box;
  const spread = size(
    Math.max(picture.width * factor, window.width),
    Math.max(picture.height * factor, window.height),
  );
  const fits = {
    width: Math.min(window.width, spread.width),
    height: Math.min(window.height, spread.height),
  };
  const gravity = values.g ?? 'focal';
  if (gravity === 'entropy' || gravity === 'attention') {
    return { ...whole(spread), crop: { left: 0, top: 0, ...fits }, strategy: gravity };
  }
  if (fits.width === spread.width && fits.height === spread.height) return whole(spread);
  const crop =
    focus && gravity === 'focal'
      ? focalWindow(spread, fits, focus.x, focus.y)
      : compassWindow(spread, fits, gravity);
  return { ...whole(spread), crop };
}

function contain(picture: Size, box: Size, values: Transformation): Placed {
  const fit = Math.min(box.width / picture.width, box.height / picture.height);
  const scaled = scaledBy(picture, values.up ? fit : Math.min(fit, 1));
  const inside = { width: Math.min(scaled.width, box.width), height: Math.min(scaled.height, box.height) };
  if (inside.width === box.width && inside.height === box.height) return whole(inside);
  return { ...whole(inside), canvas: { size: box, at: compassWindow(box, inside, values.g ?? 'center') } };
}

/** Scaling without a crop. An exact side stays exact: 333 px asked is 333 px given. */
function fitted(picture: Size, values: Transformation): Size {
  const { w, h, fit = 'inside', up } = values;
  const across = w === undefined ? Number.POSITIVE_INFINITY : w / picture.width;
  const down = h === undefined ? Number.POSITIVE_INFINITY : h / picture.height;
  if (fit === 'fill' && w !== undefined && h !== undefined) {
    return up ? size(w, h) : size(Math.min(w, picture.width), Math.min(h, picture.height));
  }
  const both = w !== undefined && h !== undefined;
  const factor = both && fit === 'outside' ? Math.max(across, down) : Math.min(across, down);
  if (factor === Number.POSITIVE_INFINITY || (factor > 1 && !up)) return size(picture.width, picture.height);
  const { width, height } = scaledBy(picture, factor);
  return { width: factor === across && w ? w : width, height: factor === down && h ? h : height };
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

function placed(picture: Size, values: Transformation, focus: Point | undefined): Placed {
  const { w, h, ar, fit } = values;
  const box = w !== undefined && h !== undefined ? { width: w, height: h } : undefined;
  if (box && fit === 'cover') return cover(picture, box, values, focus);
  if (box && fit === 'contain') return contain(picture, box, values);
  if (box || ar === undefined || w !== undefined || h !== undefined) return whole(fitted(picture, values));
  if (fit === 'contain') return contain(picture, ratioBox(picture, ar, true), values);
  if (fit === 'fill') return whole(ratioBox(picture, ar, false));
  return cover(picture, ratioBox(picture, ar, false), values, focus);
}

/** Rounding may push a box a pixel over the edge. */
function within(box: Box, frame: Size): Box {
  const width = Math.min(box.width, frame.width);
  const height = Math.min(box.height, frame.height);
  return {
    left: Math.min(box.left, frame.width - width),
    top: Math.min(box.top, frame.height - height),
    width,
    height,
  };
}

/** Shrinks everything alike until no side passes `maxSide`: only an original or an open side can get there. */
function limited(place: Placed, maxSide: number): { place: Placed; shrunk: boolean } {
  const { width, height } = place.canvas?.size ?? place.crop ?? place.scaled;
  const factor = Math.min(1, maxSide / Math.max(width, height));
  if (factor === 1) return { place, shrunk: false };
  const box = (b: Box): Box => ({
    left: Math.round(b.left * factor),
    top: Math.round(b.top * factor),
    ...scaledBy(b, factor),
  });
  const scaled = scaledBy(place.scaled, factor);
  const canvas = place.canvas && scaledBy(place.canvas.size, factor);
  const found = place.canvas && { ...box(place.canvas.at), ...scaled };
  return {
    place: {
      ...place,
      scaled,
      crop: place.crop && within(box(place.crop), scaled),
      canvas: canvas && found && { size: canvas, at: within(found, canvas) },
    },
    shrunk: true,
  };
}

/** `rot` by quarters and `flip` as one turn; the rest of `rot` is a step of its own. */
function askedTurn({ rot = 0, flip }: Transformation): Turn {
  if (rot % 90 !== 0) return UPRIGHT;
  const turned: Turn = { flop: false, angle: angle(rot) };
  const mirror: Turn =
    flip === 'v' ? { flop: true, angle: 180 } : { flop: flip === 'h', angle: flip === 'hv' ? 180 : 0 };
  return compose(turned, mirror);
}

/** By more than 1 %, and by more than a side is rounded. */
function isDistorted(picture: Size, scaled: Size): boolean {
  const off = (side: number, exact: number): boolean =>
    Math.abs(side - exact) > Math.max(0.5 + 1e-9, exact / 100);
  const across = scaled.width / picture.width;
  const down = scaled.height / picture.height;
  return off(scaled.height, picture.height * across) && off(scaled.width, picture.width * down);
}

export interface Framing {
  /** The image's stored focal point, for g=focal without fp. */
  readonly focal?: Point | undefined;
  /** Region that trim found, in the upright image; stands for that of `rect`. */
  readonly trimmed?: Box | undefined;
  /** Enlarged without being asked: nothing is lost. */
  readonly vector?: boolean;
  /** px; placeholders need few. */
  readonly maxSide?: number;
}

/**
 * Plans size, crop and turns of an upright picture.
 *
 * @param image  px, both sides >= 1
 * @throws Problem `no_overlap`
 */
export function planGeometry(image: Size, values: Transformation, framing: Framing = {}): Geometry {
  const cut = values.rect && regionOf(values.rect, image);
  const region = framing.trimmed ?? cut?.box;
  const picture = region ?? image;
  const point = values.fp ?? framing.focal;
  const focus = point && {
    x: clamp((point.x * image.width - (region?.left ?? 0)) / picture.width, 0, 1),
    y: clamp((point.y * image.height - (region?.top ?? 0)) / picture.height, 0, 1),
  };
  const { maxSide = MAX_SIDE, vector } = framing;
  const { place, shrunk } = limited(
    placed(picture, vector ? { ...values, up: true } : values, focus),
    maxSide,
  );
  const turn = askedTurn(values);
  const warned = shrunk && maxSide === MAX_SIDE;
  const warnings = [
    ...(cut?.clamped ? ['rect-clamped'] : []),
    ...(warned ? [`limited-to-${MAX_SIDE}`] : []),
    ...(values.fit === 'fill' && isDistorted(picture, place.scaled) ? ['distorted'] : []),
  ];
  const { width, height } = turnSize(place.canvas?.size ?? place.crop ?? place.scaled, turn);
  return { ...place, region, turn, result: { width, height }, warnings };
}

/** px that may be made to be cropped; one pixel of an original may be gigapixels. Few pixels as large as that have no shape. */
const MOST_EXCESS = 4_000_000;

/**
 * Where nothing is scaled, a crop is a region: sharp would crop before it mirrors (checked: orientation 2 with ar).
 * Enlarging a whole picture to keep a part of it would be waste: cuts the part out first and scales only that.
 * It is rounded outwards to whole pixels of the original, and what is too much is cropped afterwards: stretched into the
 * window, a strip of 25.3 rows that became 27 would be out of shape by 7 % (checked: 101 x 99 px to 1600 x 400).
 */
export function cutFirst(geometry: Geometry, upright: Size): Geometry {
  const { crop, scaled, strategy } = geometry;
  const picture = geometry.region ?? { left: 0, top: 0, ...upright };
  if (!crop || strategy) return geometry;
  if (scaled.width === picture.width && scaled.height === picture.height) {
    const region = { ...crop, left: picture.left + crop.left, top: picture.top + crop.top };
    return { ...geometry, region, scaled: { width: crop.width, height: crop.height }, crop: undefined };
  }
  if (scaled.width * scaled.height <= picture.width * picture.height * 1.05) return geometry;
  const across = outwards(crop.left, crop.width, scaled.width / picture.width, picture.width);
  const down = outwards(crop.top, crop.height, scaled.height / picture.height, picture.height);
  const region = {
    left: picture.left + across.start,
    top: picture.top + down.start,
    width: across.length,
    height: down.length,
  };
  const { width, height } = crop;
  const enlarged = { width: across.scaled, height: down.scaled };
  const excess = enlarged.width * enlarged.height - width * height;
  if (excess === 0 || excess > MOST_EXCESS)
    return { ...geometry, region, scaled: { width, height }, crop: undefined };
  const window = { left: across.before, top: down.before, width, height };
  const cut = { ...geometry, region, scaled: enlarged, crop: window };
  // A few pixels may be as many as before.
  const isSame = region.width === enlarged.width && region.height === enlarged.height;
  return isSame ? cutFirst(cut, upright) : cut;
}

/** The whole pixels under `part` px from `first` on, how many they are when scaled, and what of those lies before it. */
function outwards(first: number, part: number, factor: number, most: number) {
  const start = Math.floor(first / factor);
  const length = Math.max(1, Math.min(most, Math.ceil((first + part) / factor)) - start);
  const scaled = Math.max(part, Math.round(length * factor));
  return { start, length, scaled, before: clamp(Math.round(first - start * factor), 0, scaled - part) };
}
