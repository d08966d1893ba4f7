import type { Box } from '../geometry/turns.ts';
import type { BlockCodec } from '../original/loss.ts';
import { readColors } from './coded-colors.ts';
import type { BlockSearch, CodedPlane, Place } from './coded-planes.ts';
import { codedPlanes, readBlock } from './coded-planes.ts';
import { isColorNoise } from './color-fit.ts';
import { type Bounds, isCodecNoise } from './noise-fit.ts';
import type { Rgba } from './rgba.ts';

export interface InnerSearch extends Omit<BlockSearch, 'side' | 'touch' | 'isFlat' | 'isHalved'> {
  readonly codec: BlockCodec;
  /** px in which all lies that is no border. */
  readonly weak: Box;
}

/** A way to look from one edge of the picture inwards. */
interface Edge {
  readonly name: 'left' | 'top' | 'right' | 'bottom';
  /** Whether a line of blocks is a column of them. */
  readonly isColumn: boolean;
  readonly isFarEnd: boolean;
}

/** What noise is told by: a plane of its own, or all of them together. */
interface Look {
  readonly scale: 1 | 2;
  /** undefined where no pixel of the block differs from the border. */
  readonly read: (search: BlockSearch, place: Place) => Block | undefined;
}

interface Block {
  /**
   * Its strongest pixels, if there is content in it for sure: a block of JPEG without any has no noise. Undefined where
   * its noise may come from content elsewhere.
   */
  readonly strongest: readonly number[] | undefined;
  /** Whether it may be noise where only some of its pixels are content. */
  readonly isNoise: (isBorder: (pixel: number) => boolean) => boolean;
}

/** px around what cannot be noise: what can be is still content there (measured: trim.long.ts). */
export const INNER_MARGIN = 2;
/** Of the strongest pixel of a block: noise of content that is faint may be stronger than that by the rest. */
const STRONG_SHARE = 0.75;
/** Levels of slack of a border of one colour: rounding, and one level. */
const FLAT = 3;

const EDGES: readonly Edge[] = [
  { name: 'left', isColumn: true, isFarEnd: false },
  { name: 'top', isColumn: false, isFarEnd: false },
  { name: 'right', isColumn: true, isFarEnd: true },
  { name: 'bottom', isColumn: false, isFarEnd: true },
];

/**
 * The smallest box outside of which all can be codec noise around a plain border: what was drawn reaches as far at
 * least, whatever it was. Each block's noise stays in it, within what its coefficients are rounded by.
 *
 * @returns  px of the picture; undefined where all can be noise
 */
export function innerBox(picture: Rgba, search: InnerSearch): Box | undefined {
  const sides: Partial<Record<Edge['name'], number>> = {};
  for (const look of looksOf(picture, search))
    for (const edge of EDGES) {
      const side = outermost(look, edge, search);
      if (side === undefined) continue;
      const other = sides[edge.name] ?? side;
      sides[edge.name] = edge.isFarEnd ? Math.max(side, other) : Math.min(side, other);
    }
  const { left, top, right, bottom } = sides;
  if (left === undefined || top === undefined || right === undefined || bottom === undefined)
    return undefined;
  return { left, top, width: right - left, height: bottom - top };
}

function looksOf(picture: Rgba, { codec }: InnerSearch): Look[] {
  const planes = codedPlanes(codec);
  const looks = planes.map((plane) => lookAtPlane(picture, plane));
  // What a band that was cut off hides of one plane, the others still show.
  return codec.chroma && !codec.isHalved ? [...looks, lookAtColors(picture, planes)] : looks;
}

function lookAtPlane(picture: Rgba, plane: CodedPlane): Look {
  const read: Look['read'] = (search, place) => {
    const block = readBlock(picture, plane, search, place);
    if (!block) return undefined;
    return {
      strongest: search.isFlat ? strongestIn(picture, search, place) : undefined,
      isNoise: (isBorder) => isCodecNoise(search.side, mixed(block, isBorder, 1), plane.limits),
    };
  };
  return { scale: plane.scale, read };
}

function lookAtColors(picture: Rgba, planes: readonly CodedPlane[]): Look {
  const limits = planes.map((plane) => plane.limits);
  const read: Look['read'] = (search, place) => {
    const block = readColors(picture, planes, search, place);
    if (!block) return undefined;
    return {
      strongest: search.isFlat ? strongestIn(picture, search, place) : undefined,
      isNoise: (isBorder) =>
        isColorNoise(search.side, { ...block.border, ...mixed(block, isBorder, 3) }, limits),
    };
  };
  return { scale: 1, read };
}

/** Bounds of a block some of whose pixels are border, each of so many bands; on the others anything may be drawn. */
function mixed(
  { border, content }: { readonly border: Bounds; readonly content: Bounds },
  isBorder: (pixel: number) => boolean,
  bands: 1 | 3,
): Bounds {
  const pick = (of: keyof Bounds) =>
    border[of].map((bound, index) =>
      isBorder(Math.floor(index / bands)) ? bound : (content[of][index] ?? 0),
    );
  return { low: pick('low'), high: pick('high') };
}

/** Where content is met first from an edge: the first line that has to hold some, or the one behind the last. */
function outermost(look: Look, edge: Edge, search: InnerSearch): number | undefined {
  const { codec, weak } = search;
  const span = codec.side * look.scale;
  const start = edge.isColumn ? search.left : search.top;
  const [from, length] = edge.isColumn ? [weak.left, weak.width] : [weak.top, weak.height];
  const [first, last] = [Math.floor((from + start) / span), Math.floor((from + length - 1 + start) / span)];
  for (let step = 0; step <= last - first; step++) {
    const line = edge.isFarEnd ? last - step : first + step;
    const depth = depthIn(look, { edge, line }, search);
    if (depth === codec.side) continue;
    // A pixel of its own is one of two of the picture: the inner one, for what is surely content.
    const lines = depth * look.scale + look.scale - 1;
    return (edge.isFarEnd ? (line + 1) * span - lines : line * span + lines) - start;
  }
  return undefined;
}

/** How many lines of a line of blocks can all be border, from the edge: the side of a block where all can. */
function depthIn(
  look: Look,
  { edge, line }: { readonly edge: Edge; readonly line: number },
  search: InnerSearch,
): number {
  const { codec, weak } = search;
  const { side } = codec;
  const span = side * look.scale;
  const start = edge.isColumn ? search.top : search.left;
  const [from, length] = edge.isColumn ? [weak.top, weak.height] : [weak.left, weak.width];
  const [first, last] = [Math.floor((from + start) / span), Math.floor((from + length - 1 + start) / span)];
  const blocks: BlockSearch = {
    ...search,
    side,
    touch: codec.touch + search.slack,
    isHalved: codec.isHalved,
    isFlat: side === 8 && !codec.isHalved && search.slack < FLAT,
  };
  let depth: number = side;
  for (let other = first; other <= last && depth > 0; other++) {
    const place: Place = edge.isColumn ? { column: line, row: other } : { column: other, row: line };
    const block = look.read(blocks, place);
    if (!block) continue;
    const lines = block.strongest?.map((pixel) => lineOf(edge, side, pixel) + INNER_MARGIN);
    if (lines) depth = Math.min(depth, side - 1, Math.max(...lines));
    const isNoise = () => block.isNoise(outerLines(edge, { depth, side }));
    while (depth > 0 && !isNoise()) depth--;
  }
  return depth;
}

/** Whether a pixel lies in the outermost lines of a block. */
function outerLines(
  edge: Edge,
  { depth, side }: { readonly depth: number; readonly side: number },
): (pixel: number) => boolean {
  return (pixel) => lineOf(edge, side, pixel) < depth;
}

/** The line of a block in which a pixel lies, from the edge. */
function lineOf({ isColumn, isFarEnd }: Edge, side: number, pixel: number): number {
  const line = isColumn ? pixel % side : Math.floor(pixel / side);
  return isFarEnd ? side - 1 - line : line;
}

/** The pixels of a block that differ most from the border, or nearly so: among them are those of content. */
function strongestIn(
  { data, width, height }: Rgba,
  { side, left, top, border }: BlockSearch,
  { column, row }: Place,
): number[] {
  const differences = Array.from({ length: side * side }, (_, index) => {
    const [x, y] = [column * side - left + (index % side), row * side - top + Math.floor(index / side)];
    if (x < 0 || y < 0 || x >= width || y >= height) return 0;
    const pixel = (y * width + x) * 4;
    return Math.max(...[0, 1, 2].map((band) => Math.abs((data[pixel + band] ?? 0) - (border[band] ?? 0))));
  });
  const least = STRONG_SHARE * Math.max(...differences);
  return [...differences.keys()].filter((index) => (differences[index] ?? 0) >= least);
}
