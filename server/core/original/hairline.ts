import type { Size } from '../operations/operation.ts';
import { findRoot } from './svg-document.ts';

/** px of one unit at the 72 dpi that libvips draws at; what depends on fonts is left alone. */
const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  px: 1,
  pt: 1,
  pc: 12,
  mm: 72 / 25.4,
  cm: 72 / 2.54,
  in: 72,
};
/** librsvg inside libvips reads no larger ones. */
const MAX_SIDE = 32_767;

/** An SVG that was made larger so that it can be read. */
export interface Enlarged {
  readonly text: string;
  /** By how much; both sides. */
  readonly factor: number;
}

/**
 * An SVG one side of which is less than a pixel, so much larger that it is one: libvips rounds the natural size of a
 * drawing first and refuses what has a side of none, whatever size is asked for.
 *
 * @param text  of the document
 * @returns     undefined where no side is, or the sides are told in another way
 */
export function enlargedHairline(text: string): Enlarged | undefined {
  const root = findRoot(text);
  if (!root) return undefined;
  const tag = text.slice(root.start, root.end);
  const box =
    attribute(tag, 'viewBox')
      ?.trim()
      .split(/[\s,]+/)
      .map(Number) ?? [];
  const size = sizeOf(tag, { width: box[2] ?? Number.NaN, height: box[3] ?? Number.NaN });
  const [short, long] = [Math.min(size.width, size.height), Math.max(size.width, size.height)];
  if (!(short > 0 && short < 1)) return undefined;
  const factor = Math.min(1 / short, MAX_SIDE / long);
  const viewBox = box.length === 4 ? '' : ` viewBox="0 0 ${size.width} ${size.height}"`;
  const sides = ` width="${size.width * factor}" height="${size.height * factor}"${viewBox}`;
  const bare = tag.replace(attributeOf('width'), '').replace(attributeOf('height'), '');
  const larger = bare.replace(/^<[^\s/>]+/, (name) => `${name}${sides}`);
  return { text: text.slice(0, root.start) + larger + text.slice(root.end), factor };
}

const attributeOf = (name: string): RegExp => new RegExp(`\\s${name}\\s*=\\s*("[^"]*"|'[^']*')`);

const attribute = (tag: string, name: string): string | undefined =>
  attributeOf(name).exec(tag)?.[1]?.slice(1, -1);

/** px of both sides, as they are told or as the view box has them; NaN for what is told in another way. */
function sizeOf(tag: string, box: Size): Size {
  const side = (name: 'width' | 'height') => {
    const told = attribute(tag, name);
    if (told === undefined || told.trim() === '100%') return box[name];
    const [, length = '', unit = ''] = /^\s*([\d.]+(?:e[+-]?\d+)?)([a-z]*)\s*$/i.exec(told) ?? [];
    return Number(length || 'none') * (UNITS[unit.toLowerCase()] ?? Number.NaN);
  };
  return { width: side('width'), height: side('height') };
}
