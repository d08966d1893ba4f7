import type { Box } from '../geometry/turns.ts';
import type { BlockCodec } from '../original/loss.ts';
import type { BlockSearch, CodedPlane, Place } from './coded-planes.ts';
import { codedPlanes, readBlock } from './coded-planes.ts';
import type { Bounds } from './noise-fit.ts';
import { isCodecNoise } from './noise-fit.ts';
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
  for (const plane of codedPlanes(search.codec, search.border))
    for (const edge of EDGES) {
      const side = outermost(picture, plane, edge, search);
      if (side === undefined) continue;
      const other = sides[edge.name] ?? side;
      sides[edge.name] = edge.isFarEnd ? Math.max(side, other) : Math.min(side, other);
    }
  const { left, top, right, bottom } = sides;
  if (left === undefined || top === undefined || right === undefined || bottom === undefined)
    return undefined;
  return { left, top, width: right - left, height: bottom - top };
}

/** Where content is met first from an edge: the first line that has to hold some, or the one behind the last. */
function outermost(picture: Rgba, plane: CodedPlane, edge: Edge, search: InnerSearch): number | undefined {
  const { codec, weak } = search;
  const span = codec.side * plane.scale;
  const start = edge.isColumn ? search.left : search.top;
  const [from, length] = edge.isColumn ? [weak.left, weak.width] : [weak.top, weak.height];
  const [first, last] = [Math.floor((from + start) / span), Math.floor((from + length - 1 + start) / span)];
  for (let step = 0; step <= last - first; step++) {
    const line = edge.isFarEnd ? last - step : first + step;
    const depth = depthIn(picture, plane, { edge, line }, search);
    if (depth === codec.side) continue;
    // A pixel of its own is one of two of the picture: the inner one, for what is surely content.
    const lines = depth * plane.scale + plane.scale - 1;
    return (edge.isFarEnd ? (line + 1) * span - lines : line * span + lines) - start;
  }
  return undefined;
}

/** How many lines of a line of blocks can all be border, from the edge: the side of a block where all can. */
function depthIn(
  picture: Rgba,
  plane: CodedPlane,
  { edge, line }: { readonly edge: Edge; readonly line: number },
  search: InnerSearch,
): number {
  const { codec, weak } = search;
  const { side } = codec;
  const span = side * plane.scale;
  const start = edge.isColumn ? search.top : search.left;
  const [from, length] = edge.isColumn ? [weak.top, weak.height] : [weak.left, weak.width];
  const [first, last] = [Math.floor((from + start) / span), Math.floor((from + length - 1 + start) / span)];
  const touch = codec.touch + search.slack;
  let depth: number = side;
  for (let other = first; other <= last && depth > 0; other++) {
    const place: Place = edge.isColumn ? { column: line, row: other } : { column: other, row: line };
    const block = readBlock(
      picture,
      plane,
      {
        ...search,
        side,
        touch,
        isHalved: codec.isHalved,
        isFlat: side === 8 && !codec.isHalved && search.slack < FLAT,
      },
      place,
    );
    if (!block) continue;
    if (block.isSure) depth = Math.min(depth, side - 1);
    const isNoise = () => isCodecNoise(side, partly(block, edge, { depth, side }), plane.limits);
    while (depth > 0 && !isNoise()) depth--;
  }
  return depth;
}

/** Bounds of a block whose outermost lines are border. */
function partly(
  { border, content }: { readonly border: Bounds; readonly content: Bounds },
  { isColumn, isFarEnd }: Edge,
  { depth, side }: { readonly depth: number; readonly side: number },
): Bounds {
  const isBorder = (index: number): boolean => {
    const line = isColumn ? index % side : Math.floor(index / side);
    return (isFarEnd ? side - 1 - line : line) < depth;
  };
  const pick = (of: 'low' | 'high') =>
    border[of].map((bound, index) => (isBorder(index) ? bound : (content[of][index] ?? 0)));
  return { low: pick('low'), high: pick('high') };
}
