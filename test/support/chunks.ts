import { crc32 } from 'node:zlib';

/** Length of signature and header of a PNG: where its own chunks may begin. */
const HEADER_BYTES = 33;

/** A chunk of a PNG. */
export function chunk(type: string, body: Uint8Array): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), body]);
  const bytes = Buffer.alloc(named.length + 8);
  bytes.writeUInt32BE(body.length);
  named.copy(bytes, 4);
  bytes.writeUInt32BE(crc32(named), bytes.length - 4);
  return bytes;
}

/** A PNG that says more, right behind its header. */
export const withChunks = (png: Buffer, ...chunks: readonly Buffer[]): Buffer =>
  Buffer.concat([png.subarray(0, HEADER_BYTES), ...chunks, png.subarray(HEADER_BYTES)]);

const words = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, 4 * index);
  return bytes;
};

/** @param gamma  of the numbers: 45,455 is 1 / 2.2 */
export const gAMA = (gamma: number): Buffer => chunk('gAMA', words(gamma));
export const cHRM = (...values: number[]): Buffer => chunk('cHRM', words(...values));
/** Those of Display P3. */
export const P3_PRIMARIES = [31_270, 32_900, 68_000, 32_000, 26_500, 69_000, 15_000, 6000] as const;
export const sRGB = (): Buffer => chunk('sRGB', Buffer.from([0]));
export const cICP = (primaries: number, transfer: number, matrix = 0, range = 1): Buffer =>
  chunk('cICP', Buffer.from([primaries, transfer, matrix, range]));
/** cd/m², of the brightest pixel and of the brightest frame. */
export const cLLI = (brightest: number): Buffer =>
  chunk('cLLI', words(brightest * 10_000, brightest * 10_000));

/** An AVIF whose code points are others; sharp writes them where it writes without loss. */
export function withCodePoints(avif: Buffer, primaries: number, transfer: number): Buffer {
  const copy = Buffer.from(avif);
  const start = copy.indexOf('nclx', 0, 'latin1') + 4;
  copy.writeUInt16BE(primaries, start);
  copy.writeUInt16BE(transfer, start + 2);
  return copy;
}

/** The first two units of what sharp writes: a delimiter, then the sequence header. */
const STREAM_START = Buffer.from('12000a', 'hex');
const inBits = (...bytes: readonly number[]): string =>
  bytes.map((byte) => byte.toString(2).padStart(8, '0')).join('');

/** An AVIF, by sharp, whose code points stand in its AV1 stream alone. */
export function withStreamCodePoints(avif: Buffer, primaries: number, transfer: number): Buffer {
  const copy = Buffer.from(avif);
  const start = copy.indexOf(STREAM_START) + STREAM_START.length;
  const header = inBits(...copy.subarray(start, start + 16));
  const written = header.replace(inBits(1, 13), inBits(primaries, transfer));
  for (const [index, byte] of (written.match(/.{8}/g) ?? []).entries())
    copy[start + index] = Number.parseInt(byte, 2);
  return copy;
}
