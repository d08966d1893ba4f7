import { crc32, deflateSync } from 'node:zlib';
import type { Raw } from './pipeline.ts';

const SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex');
/** Color types (PNG, third edition, 11.2.1). */
const [GREY, INDEXED] = [0, 3];
const MAX_COLORS = 256;

/** Zlib's own default beside it; 9 looks longer and finds no more in indices. */
const LEVEL = 8;

/**
 * Writes a PNG of few colours with a palette, or as grey, of as few bits as they need. To the pixel: what quantizes would
 * take similar colours for one.
 *
 * @param raw  sRGB, 3 or 4 bands
 * @returns    undefined for more than 256 colours
 */
export function indexedPng(raw: Raw): Buffer | undefined {
  const found = indicesOf(raw);
  if (!found) return undefined;
  const { colors, indices } = found;
  const levels = greyLevels(colors);
  const bits = levels?.bits ?? bitsFor(colors.length);
  const values = levels ? indices.map((index) => levels.values[index] ?? 0) : indices;
  const palette = levels ? [] : paletteChunks(colors);
  const header = Buffer.alloc(13);
  header.writeUInt32BE(raw.width, 0);
  header.writeUInt32BE(raw.height, 4);
  header.set([bits, levels ? GREY : INDEXED], 8);
  const rows = packed(values, raw, bits);
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    ...palette,
    chunk('IDAT', deflateSync(rows, { level: LEVEL })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/**
 * Pixels with one band of grey in place of three, and their alpha where they have one that shows.
 *
 * @param raw  sRGB, 3 or 4 bands
 * @returns    undefined where a pixel has a colour
 */
export function greyOf({ data, width, height, channels }: Raw): Raw | undefined {
  if (channels < 3) return undefined;
  let isOpaque = true;
  for (let offset = 0; offset < data.length; offset += channels) {
    if (data[offset] !== data[offset + 1] || data[offset] !== data[offset + 2]) return undefined;
    isOpaque &&= channels === 3 || data[offset + 3] === 255;
  }
  const bands = isOpaque ? 1 : 2;
  const grey = Buffer.alloc(width * height * bands);
  for (let offset = 0, place = 0; offset < data.length; offset += channels) {
    grey[place++] = data[offset] ?? 0;
    if (!isOpaque) grey[place++] = data[offset + 3] ?? 0;
  }
  return { data: grey, width, height, channels: bands };
}

const bitsFor = (colors: number): 1 | 2 | 4 | 8 => (colors <= 2 ? 1 : colors <= 4 ? 2 : colors <= 16 ? 4 : 8);

interface Indices {
  /** RGBA, each in one number; in the order in which they come. */
  readonly colors: readonly number[];
  readonly indices: Uint8Array;
}

/** What is all clear has one colour. */
function indicesOf({ data, width, height, channels }: Raw): Indices | undefined {
  if (channels < 3) return undefined;
  const existing = new Map<number, number>();
  const indices = new Uint8Array(width * height);
  let [last, index] = [-1, 0];
  for (let pixel = 0, offset = 0; pixel < indices.length; pixel++, offset += channels) {
    const alpha = channels === 4 ? (data[offset + 3] ?? 0) : 255;
    const rgb = ((data[offset] ?? 0) << 16) | ((data[offset + 1] ?? 0) << 8) | (data[offset + 2] ?? 0);
    const color = alpha === 0 ? 0 : rgb * 256 + alpha;
    if (color !== last) {
      index = existing.get(color) ?? existing.size;
      if (index === MAX_COLORS) return undefined;
      existing.set(color, index);
      last = color;
    }
    indices[pixel] = index;
  }
  return { colors: [...existing.keys()], indices };
}

const bandsOf = (color: number): [number, number, number, number] => {
  const rgb = Math.floor(color / 256);
  return [rgb >> 16, (rgb >> 8) & 255, rgb & 255, color % 256];
};

/** Undefined where a colour is none of a grey scale, or its palette has fewer bits. */
function greyLevels(colors: readonly number[]): { bits: number; values: readonly number[] } | undefined {
  const bands = colors.map(bandsOf);
  if (!bands.every(([red, green, blue, alpha]) => red === green && green === blue && alpha === 255))
    return undefined;
  const levels = bands.map(([level]) => level);
  const bits =
    [1, 2, 4, 8].find((depth) => levels.every((level) => level % (255 / (2 ** depth - 1)) === 0)) ?? 8;
  return bits > bitsFor(colors.length)
    ? undefined
    : { bits, values: levels.map((level) => level / (255 / (2 ** bits - 1))) };
}

function paletteChunks(colors: readonly number[]): Buffer[] {
  const bands = colors.map(bandsOf);
  const alpha = bands.map((color) => color[3]);
  const seeThrough = alpha.findLastIndex((level) => level < 255) + 1;
  return [
    chunk('PLTE', Buffer.from(bands.flatMap((color) => color.slice(0, 3)))),
    ...(seeThrough ? [chunk('tRNS', Buffer.from(alpha.slice(0, seeThrough)))] : []),
  ];
}

/** Rows without a filter, each pixel in `bits`, from the left. */
function packed(values: Uint8Array, { width, height }: Raw, bits: number): Buffer {
  const stride = 1 + Math.ceil((width * bits) / 8);
  const rows = Buffer.alloc(stride * height);
  for (let y = 0, pixel = 0; y < height; y++) {
    const start = y * stride + 1;
    for (let bit = 0; bit < width * bits; bit += bits, pixel++) {
      const place = start + (bit >> 3);
      rows[place] = (rows[place] ?? 0) | ((values[pixel] ?? 0) << (8 - bits - (bit & 7)));
    }
  }
  return rows;
}

function chunk(type: string, body: Buffer): Buffer {
  const bytes = Buffer.alloc(body.length + 12);
  bytes.writeUInt32BE(body.length);
  bytes.write(type, 4, 'latin1');
  body.copy(bytes, 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, body.length + 8)), body.length + 8);
  return bytes;
}
