import sharp from 'sharp';
import { seeded } from './seeded.ts';

/** px; small, so that thousands are a few minutes. */
export const SIDES = { width: 96, height: 80 } as const;
/** px around content that are surely border. */
const ROOM = 12;

type Color = readonly [number, number, number];

const BACKGROUNDS: readonly Color[] = [
  [255, 255, 255],
  [255, 255, 255],
  [0, 0, 0],
  [240, 240, 240],
  [250, 248, 240],
  [30, 60, 120],
  [20, 20, 24],
  [255, 0, 0],
  [0, 120, 60],
  [200, 220, 255],
];
const WORDS = ['Invoice', 'fjord', 'Total.', 'i.', 'Wxy', '1,250', '—', 'Qg', '·', 'lil', "'"] as const;
const FAMILIES = ['sans-serif', 'serif', 'monospace'] as const;

export const KINDS = [
  'text',
  'strokes',
  'across',
  'down',
  'diagonal',
  'dots',
  'frame',
  'noise',
  'disc',
  'fade',
  'texture',
  'box',
] as const;
export type Kind = (typeof KINDS)[number];

interface Drawing {
  readonly next: () => number;
  readonly whole: (below: number) => number;
  /** How much of a pixel is content, 0-1; nothing outside of the room. */
  readonly cover: (x: number, y: number, share?: number) => void;
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

function everywhere(drawing: Drawing, share: (x: number, y: number) => number): void {
  const { left, top, right, bottom, cover } = drawing;
  for (let y = top; y < bottom; y++) for (let x = left; x < right; x++) cover(x, y, share(x, y));
}

/** Letters with soft edges, at any place between two pixels. */
async function text(drawing: Drawing): Promise<void> {
  const { whole, next, left, top, cover } = drawing;
  const size = 7 + whole(26);
  const style = `font-family="${FAMILIES[whole(3)]}" font-weight="${next() < 0.3 ? 'bold' : 'normal'}"`;
  const { width, height } = SIDES;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><text x="${left + next()}" y="${top + size + next()}" ${style} font-size="${size}">${WORDS[whole(WORDS.length)]}</text></svg>`;
  const { data, info } = await sharp(Buffer.from(svg))
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) cover(x, y, (data[(y * info.width + x) * 4 + 3] ?? 0) / 255);
}

function strokes({ whole, left, top, right, bottom, cover }: Drawing): void {
  for (let stroke = 10 + whole(140); stroke > 0; stroke--) {
    const [x, y] = [left + whole(right - left), top + whole(bottom - top)];
    for (let step = 1 + whole(6); step > 0; step--)
      if (stroke % 2) cover(x + step, y);
      else cover(x, y + step);
  }
}

function dots({ whole, left, top, right, bottom, cover }: Drawing): void {
  for (let dot = 1 + whole(5); dot > 0; dot--) {
    const size = 1 + whole(3);
    const [x, y] = [left + whole(right - left - size), top + whole(bottom - top - size)];
    for (let pixel = 0; pixel < size * size; pixel++) cover(x + (pixel % size), y + Math.floor(pixel / size));
  }
}

function diagonal({ left, top, right, bottom, cover }: Drawing): void {
  for (let step = 0; step < 400; step++) {
    const y = top + (step / 400) * (bottom - top - 1);
    const [x, row] = [Math.floor(left + (step / 400) * (right - left - 1)), Math.floor(y)];
    cover(x, row, 1 - (y - row));
    cover(x, row + 1, y - row);
  }
}

/** Ends in nothing: to the right, downwards, or around its middle. */
function fade(drawing: Drawing): void {
  const { whole, left, top, right, bottom } = drawing;
  const way = whole(3);
  everywhere(drawing, (x, y) => {
    const [across, down] = [(x - left) / (right - left), (y - top) / (bottom - top)];
    return [1 - across, 1 - down, 1 - 2 * Math.hypot(across - 0.5, down - 0.5)][way] ?? 0;
  });
}

function disc(drawing: Drawing): void {
  const { left, top, right, bottom } = drawing;
  const radius = Math.min(right - left, bottom - top) / 2;
  everywhere(drawing, (x, y) => radius - Math.hypot(x + 0.5 - left - radius, y + 0.5 - top - radius) + 0.5);
}

async function draw(kind: Kind, drawing: Drawing): Promise<void> {
  const { whole, left, top, right, bottom } = drawing;
  const wide = 1 + whole(3);
  const onEdge = (x: number, y: number) =>
    x - left < wide || right - 1 - x < wide || y - top < wide || bottom - 1 - y < wide;
  if (kind === 'text') await text(drawing);
  else if (kind === 'strokes') strokes(drawing);
  else if (kind === 'dots') dots(drawing);
  else if (kind === 'diagonal') diagonal(drawing);
  else if (kind === 'fade') fade(drawing);
  else if (kind === 'disc') disc(drawing);
  else if (kind === 'across') everywhere(drawing, (_x, y) => Number(y < top + wide));
  else if (kind === 'down') everywhere(drawing, (x) => Number(x < left + wide));
  else if (kind === 'frame') everywhere(drawing, (x, y) => Number(onEdge(x, y)));
  else everywhere(drawing, () => 1);
}

const farthest = (a: Color, b: Color): number =>
  Math.max(...a.map((band, index) => Math.abs(band - (b[index] ?? 0))));

export interface TrimPicture {
  /** Red, green, blue. */
  readonly data: Buffer;
  readonly background: Color;
}

/** Content of a kind on a plain background, somewhere. */
export async function trimPicture(kind: Kind, seed: number): Promise<TrimPicture> {
  const next = seeded(seed * KINDS.length + KINDS.indexOf(kind));
  const whole = (below: number) => Math.floor(next() * below);
  const any = (): Color => [whole(256), whole(256), whole(256)];
  const background = next() < 0.6 ? (BACKGROUNDS[whole(BACKGROUNDS.length)] ?? any()) : any();
  let color = background;
  while (farthest(color, background) < 24)
    color = next() < 0.4 ? [255 * whole(2), 255 * whole(2), 255 * whole(2)] : any();
  const { width, height } = SIDES;
  const [left, top] = [ROOM + whole(20), ROOM + whole(16)];
  const right = Math.min(width - ROOM, left + 16 + whole(44));
  const bottom = Math.min(height - ROOM, top + 14 + whole(36));
  const shares = new Float64Array(width * height);
  const cover = (x: number, y: number, share = 1) => {
    const place = y * width + x;
    if (x >= left && x < right && y >= top && y < bottom)
      shares[place] = Math.max(shares[place] ?? 0, Math.min(1, share));
  };
  await draw(kind, { next, whole, cover, left, top, right, bottom });
  const phases = any();
  const wave = 0.1 + next() * 0.8;
  const colorOf = (x: number, y: number): readonly number[] => {
    if (kind === 'noise') return any();
    if (kind !== 'texture') return color;
    return phases.map((phase) => 128 + 127 * Math.sin(x * wave + phase) * Math.cos(y * wave * 0.7 + phase));
  };
  const data = Buffer.alloc(width * height * 3, Buffer.from(background));
  for (const [place, share] of shares.entries()) {
    if (share === 0) continue;
    const own = colorOf(place % width, Math.floor(place / width));
    data.set(
      background.map((band, index) => Math.round(band + ((own[index] ?? 0) - band) * share)),
      place * 3,
    );
  }
  return { data, background };
}

type Sides = readonly [left: number, top: number, right: number, bottom: number];

/** Of all pixels that are content; undefined where none is. */
export function sidesOf(isContent: (x: number, y: number) => boolean): Sides | undefined {
  const [columns, rows]: [number[], number[]] = [[], []];
  for (let y = 0; y < SIDES.height; y++)
    for (let x = 0; x < SIDES.width; x++)
      if (isContent(x, y)) {
        columns.push(x);
        rows.push(y);
      }
  if (columns.length === 0) return undefined;
  return [Math.min(...columns), Math.min(...rows), Math.max(...columns) + 1, Math.max(...rows) + 1];
}

/** By how many px `sides` reach beyond others on the side where they do most; below 0 where they lie inside. */
export const reach = (sides: Sides, others: Sides): number =>
  Math.max(others[0] - sides[0], others[1] - sides[1], sides[2] - others[2], sides[3] - others[3]);
