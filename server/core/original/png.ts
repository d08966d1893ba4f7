import { crc32, deflateSync, inflateSync } from 'node:zlib';
import type { ColorSpace, Primaries } from './color-space.ts';
import { SRGB_PRIMARIES, spaceOfCicp } from './color-space.ts';

const SIGNATURE_BYTES = 8;
/** Length and type before a chunk's body, a CRC behind it. */
const [HEAD_BYTES, FRAME_BYTES] = [8, 12];

interface Chunk {
  readonly type: string;
  /** Of its length. */
  readonly start: number;
  readonly end: number;
  readonly body: Buffer;
}

/** Chunks before the pixels; those that break off are not there. */
export function headChunks(bytes: Uint8Array): Chunk[] {
  const png = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const chunks: Chunk[] = [];
  for (let start = SIGNATURE_BYTES; start + FRAME_BYTES <= png.length; ) {
    const type = png.toString('latin1', start + 4, start + HEAD_BYTES);
    const end = start + FRAME_BYTES + png.readUInt32BE(start);
    if (type === 'IDAT' || end > png.length) break;
    chunks.push({ type, start, end, body: png.subarray(start + HEAD_BYTES, end - 4) });
    start = end;
  }
  return chunks;
}

/** What a PNG says of its colours; a chunk that cannot be used counts as `unknown`, and the next in rank holds. */
export type PngColour =
  | { readonly profile: Buffer; readonly isUnknown: boolean }
  | { readonly space: ColorSpace | undefined; readonly isUnknown: boolean };

/** Longest profile that is unpacked; printers' have 3 MB. */
const PROFILE_BYTES = 2 ** 24;

/**
 * Reads what is said of colours, in the order of rank of the PNG specification (third edition, 4.3): cICP, iCCP, sRGB,
 * gAMA and cHRM.
 *
 * @param isUsable  whether a profile can be worked with
 * @returns         without a space where none is said: sRGB
 */
export function readPngColour(bytes: Uint8Array, isUsable: (profile: Buffer) => boolean): PngColour {
  const chunks = new Map(headChunks(bytes).map(({ type, body }) => [type, body]));
  const cicp = chunks.get('cICP');
  const space = cicp && cicpOf(cicp, chunks);
  if (space) return { space, isUnknown: false };
  let isUnknown = cicp !== undefined;
  const iccp = chunks.get('iCCP');
  if (iccp) {
    const profile = unpacked(iccp);
    if (profile && isUsable(profile)) return { profile, isUnknown };
    isUnknown = true;
  }
  if (chunks.has('sRGB')) return { space: undefined, isUnknown };
  const gamma = chunks.get('gAMA');
  const chromaticities = chunks.get('cHRM');
  return { space: gamma && measured(gamma, chromaticities), isUnknown };
}

/** Primaries, transfer, matrix (0: RGB), full range; then how bright, in 1/10,000 cd/m². */
function cicpOf(body: Buffer, chunks: ReadonlyMap<string, Buffer>): ColorSpace | undefined {
  if (body.length !== 4 || body[2] !== 0 || body[3] !== 1) return undefined;
  const space = spaceOfCicp(body[0] ?? 0, body[1] ?? 0);
  const [content, display] = [chunks.get('cLLI'), chunks.get('mDCV')];
  const brightest = content?.length === 8 ? content.readUInt32BE(0) : 0;
  const mastered = display?.length === 24 ? display.readUInt32BE(16) : 0;
  return space && { ...space, peak: (brightest || mastered) / 10_000 || undefined };
}

function unpacked(body: Buffer): Buffer | undefined {
  try {
    return inflateSync(body.subarray(body.indexOf(0) + 2), { maxOutputLength: PROFILE_BYTES });
  } catch {
    return undefined;
  }
}

/** gAMA and cHRM, in 1/100,000; cHRM alone says nothing of the curve and is left aside, as browsers do. */
function measured(gamma: Buffer, chromaticities: Buffer | undefined): ColorSpace | undefined {
  const exponent = gamma.length === 4 ? gamma.readUInt32BE(0) / 100_000 : 0;
  if (exponent < 0.01 || exponent > 10) return undefined;
  return { primaries: primariesOf(chromaticities) ?? SRGB_PRIMARIES, transfer: [1 / exponent] };
}

function primariesOf(body: Buffer | undefined): Primaries | undefined {
  if (body?.length !== 32) return undefined;
  const pair = (offset: number) =>
    [body.readUInt32BE(offset) / 100_000, body.readUInt32BE(offset + 4) / 100_000] as const;
  return { white: pair(0), red: pair(8), green: pair(16), blue: pair(24) };
}

/** Chunks that say something of colours; of them only a profile remains. */
const COLOUR_CHUNKS = ['cICP', 'iCCP', 'sRGB', 'gAMA', 'cHRM'];

/** A copy of a PNG that carries a profile, and says nothing else of its colours. */
export const withPngProfile = (bytes: Uint8Array, profile: Uint8Array): Buffer =>
  Buffer.concat(withPngChunks(bytes, [pngChunk('iCCP', profileBody(profile))]));

/** The pieces of a PNG with chunks of ours behind its header, and nothing of its own that says something of colours. */
export function withPngChunks(bytes: Uint8Array, added: readonly Uint8Array[]): Uint8Array[] {
  const chunks = headChunks(bytes);
  const kept = chunks
    .filter(({ type }) => !COLOUR_CHUNKS.includes(type))
    .map(({ start, end }) => bytes.subarray(start, end));
  const [header = bytes.subarray(0, 0), ...others] = kept;
  const rest = bytes.subarray(chunks.at(-1)?.end ?? SIGNATURE_BYTES);
  return [bytes.subarray(0, SIGNATURE_BYTES), header, ...added, ...others, rest];
}

/** Body of an iCCP chunk. */
export const profileBody = (profile: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from('icc\0\0', 'latin1'), deflateSync(profile, { level: 1 })]);

/** A chunk as it stands in a PNG: length, type, body, CRC. */
export function pngChunk(type: string, body: Uint8Array): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), body]);
  const chunk = Buffer.alloc(named.length + HEAD_BYTES);
  chunk.writeUInt32BE(body.length);
  named.copy(chunk, 4);
  chunk.writeUInt32BE(crc32(named), chunk.length - 4);
  return chunk;
}
