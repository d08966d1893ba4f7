import sharp from 'sharp';
import type { Size } from '../operations/operation.ts';
import { type Enlarged, enlargedHairline } from '../original/hairline.ts';
import { inflated } from '../original/inflate.ts';
import { findRoot, xmlText } from '../original/svg-document.ts';
import type { PassOptions, Raw } from './pipeline.ts';
import { toRaw } from './pipeline.ts';

/** Natural size of an SVG in px, fractions of one included, as its header says. Nothing is drawn. */
export type Measure = (svg: Uint8Array, signal?: AbortSignal) => Promise<Size>;

/**
 * Draws the whole SVG on exactly `size` px, as sRGB with alpha. By size and not by density: at twice the
 * density an SVG measured in mm is four times as wide (checked: 283, then 1,134 px).
 */
export type Rasterize = (svg: Uint8Array, size: Size, signal?: AbortSignal) => Promise<Raw>;

/** libvips knows an SVG by these letters, which one whose names have a prefix lacks. */
const NAMED = '<!--<svg-->';

/** What librsvg can read: in UTF-8, whatever the encoding, and with sides of a pixel at least. */
function readable(svg: Uint8Array): Enlarged {
  const text = xmlText(inflated(svg));
  const { text: large, factor } = enlargedHairline(text) ?? { text, factor: 1 };
  const root = findRoot(large);
  return { text: root && !large.startsWith('<svg', root.start) ? NAMED + large : large, factor };
}

export async function measureSvg(svg: Uint8Array): Promise<Size> {
  const { text, factor } = readable(svg);
  const { width, height } = await sharp(Buffer.from(text), { limitInputPixels: false }).metadata();
  return { width: width / factor, height: height / factor };
}

export function rasterizeSvg(svg: Uint8Array, { width, height }: Size, pass: PassOptions): Promise<Raw> {
  // sharp scales an SVG while it loads: the lines are drawn at this size, not enlarged to it.
  const image = sharp(Buffer.from(readable(svg).text), { limitInputPixels: false });
  return toRaw(image.resize(width, height, { fit: 'fill' }).ensureAlpha(), { width, height }, pass);
}
