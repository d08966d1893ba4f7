import sharp from 'sharp';
import type { Box } from '../../server/core/geometry/turns.ts';

export const SIDES = { width: 160, height: 120 } as const;

const BACKGROUNDS = [
  [255, 255, 255],
  [0, 0, 0],
  [240, 240, 240],
  [30, 60, 120],
] as const;
const COLORS = [
  [0, 0, 0],
  [255, 255, 255],
  [255, 0, 0],
  [20, 120, 40],
] as const;

export const KINDS = ['text', 'dots', 'across', 'down', 'frame', 'noise', 'disc'] as const;
export type Kind = (typeof KINDS)[number];

/** A sequence of numbers from 0 to below 1 that is the same for a seed. */
function sequence(seed: number): (below: number) => number {
  let state = seed * 2_654_435_761;
  return (below) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0;
    return Math.floor(((state >>> 8) / 2 ** 24) * below);
  };
}

/** Places of the content of a kind, between `from` and `to`. */
function* placesOf(kind: Kind, { left, top, width, height }: Box, next: (below: number) => number) {
  const [right, bottom] = [left + width - 1, top + height - 1];
  if (kind === 'dots') {
    for (const [x, y] of [
      [left, top],
      [right - 1, bottom - 1],
      [left + 20, bottom - 9],
    ] as const)
      for (let dot = 0; dot < 4; dot++) yield [x + (dot & 1), y + (dot >> 1)] as const;
  }
  if (kind === 'text')
    for (let stroke = 0; stroke < 250; stroke++) {
      const [x, y] = [left + next(width), top + next(height)];
      for (let length = 1 + next(6); length > 0; length--)
        yield stroke % 2
          ? ([Math.min(right, x + length), y] as const)
          : ([x, Math.min(bottom, y + length)] as const);
    }
  for (let y = top; y <= bottom; y++)
    for (let x = left; x <= right; x++) {
      const onEdge = x === left || x === right || y === top || y === bottom;
      const inDisc = Math.hypot(x - left - height / 2, y - top - height / 2) <= height / 2;
      const isContent =
        kind === 'noise' ||
        (kind === 'across' && y === top) ||
        (kind === 'down' && x === left) ||
        (kind === 'frame' && onEdge) ||
        (kind === 'disc' && inDisc);
      if (isContent) yield [x, y] as const;
    }
}

export interface Bordered {
  readonly data: Buffer;
  /** Of all pixels that differ, counted one by one. */
  readonly box: Box;
}

/** Content of a kind on a plain background, of three bands. */
export function bordered(kind: Kind, seed: number): Bordered {
  const next = sequence(seed);
  const background = BACKGROUNDS[next(BACKGROUNDS.length)] ?? BACKGROUNDS[0];
  const strong = COLORS.filter(
    (color) => Math.max(...color.map((band, at) => Math.abs(band - (background[at] ?? 0)))) > 60,
  );
  const color = strong[next(strong.length)] ?? COLORS[0];
  const data = Buffer.alloc(SIDES.width * SIDES.height * 3, Buffer.from(background));
  const room = { left: 20 + next(30), top: 20 + next(20), width: 60 + next(40), height: 40 + next(30) };
  const [columns, rows]: [number[], number[]] = [[], []];
  for (const [x, y] of placesOf(kind, room, next)) {
    const bands = kind === 'noise' ? [next(256), next(256), next(256)] : color;
    if (bands.every((band, at) => Math.abs(band - (background[at] ?? 0)) <= 10)) continue;
    data.set(bands, (y * SIDES.width + x) * 3);
    columns.push(x);
    rows.push(y);
  }
  const [left, top] = [Math.min(...columns), Math.min(...rows)];
  const [width, height] = [Math.max(...columns) - left + 1, Math.max(...rows) - top + 1];
  return { data, box: { left, top, width, height } };
}

export const openBordered = ({ data }: Bordered) => sharp(data, { raw: { ...SIDES, channels: 3 } });
