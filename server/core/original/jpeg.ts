import { orientationIn, readExif, setUpright } from './exif.ts';
import { jpegQuality, tablesOf } from './lossy-quality.ts';
import type { Header } from './source.ts';

/**
 * Markers of a JPEG (ITU-T T.81, table B.1). Those that are not here are left to libvips: RST has no length, so
 * that a reader which skips one as a segment can be shown another picture than the decoder's.
 */
const [SOI, SOS, SOF0, SOF1, SOF2] = [0xd8, 0xda, 0xc0, 0xc1, 0xc2];
const [APP0, APP1, APP2, APP13, APP15] = [0xe0, 0xe1, 0xe2, 0xed, 0xef];
/** Huffman tables, restart interval, comment. */
const SKIPPED: readonly number[] = [0xc4, 0xdd, 0xfe];
const DQT = 0xdb;

/** What segments of each kind begin with. */
const EXIF = 'Exif\0\0';
const XMP = 'http://ns.adobe.com/xap/1.0/\0';
const PROFILE = 'ICC_PROFILE\0';
const IPTC = 'Photoshop 3.0';
/** Name, number and count in front of each part of a profile, and the most that a part can have. */
const [PROFILE_HEAD_BYTES, PROFILE_PART_BYTES] = [14, 65_519];

const SPACES: Readonly<Record<number, Header['space']>> = { 1: 'b-w', 3: 'srgb', 4: 'cmyk' };

interface Segments {
  readonly exif: readonly Buffer[];
  readonly profile: readonly Buffer[];
  readonly iptc: readonly Buffer[];
  readonly tables: readonly Buffer[];
  readonly xmp: readonly Buffer[];
  readonly frame: { readonly marker: number; readonly body: Buffer } | undefined;
  /** Components in the first scan. */
  readonly scanned: number;
}

/**
 * Reads the header of an ordinary JPEG in a twentieth of the time that libvips takes (12 MP: 0.04 against 0.8 ms),
 * to the same fields.
 *
 * @returns  undefined for whatever is not ordinary, which libvips is to look at: another process than baseline or
 *           progressive with 8 bits, a size that comes later, two EXIF blocks or a broken one, a profile in
 *           parts that do not fit, a header that breaks off
 */
export function readJpegHeader(bytes: Uint8Array): Header | undefined {
  const segments = readSegments(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  const { frame, exif, iptc, xmp, profile } = segments ?? {};
  if (!segments || frame?.body[0] !== 8) return undefined;
  const [height, width] = [frame.body.readUInt16BE(1), frame.body.readUInt16BE(3)];
  const components = frame.body[5] ?? 0;
  const space = SPACES[components];
  const orientation = orientationOf(exif ?? []);
  if (!width || !height || !space || orientation === undefined || !isWhole(profile ?? [])) return undefined;
  return {
    width,
    height,
    space,
    orientation,
    hasAlpha: false,
    quality: jpegQuality(segments.tables),
    hasProfile: profile?.length !== 0,
    ...(profile?.length
      ? { icc: Buffer.concat(profile.map((part) => part.subarray(PROFILE_HEAD_BYTES))) }
      : {}),
    isProgressive: frame.marker === SOF2 || segments.scanned < components,
    ...(exif?.[0] ? { exif: exif[0] } : {}),
    ...(iptc?.[0] ? { iptc: iptc[0] } : {}),
    ...(xmp?.[0] ? { xmp: xmp[0].subarray(XMP.length) } : {}),
  };
}

/** All that comes before the first scan; undefined when it does not come, or is not ordinary. */
function readSegments(bytes: Buffer): Segments | undefined {
  if (bytes[0] !== 0xff || bytes[1] !== SOI) return undefined;
  const found = {
    exif: [] as Buffer[],
    profile: [] as Buffer[],
    iptc: [] as Buffer[],
    xmp: [] as Buffer[],
    tables: [] as Buffer[],
  };
  let frame: Segments['frame'];
  for (let offset = 2; offset + 4 <= bytes.length; ) {
    const marker = bytes[offset + 1] ?? 0;
    const length = bytes.readUInt16BE(offset + 2);
    const end = offset + 2 + length;
    if (bytes[offset] !== 0xff || length < 2 || end > bytes.length) return undefined;
    const body = bytes.subarray(offset + 4, end);
    if (marker === SOS) {
      const scanned = body[0] ?? 0;
      return body.length === 4 + 2 * scanned ? { ...found, frame, scanned } : undefined;
    }
    if (marker === SOF0 || marker === SOF1 || marker === SOF2) {
      if (frame || body.length !== 6 + 3 * (body[5] ?? 0)) return undefined;
      frame = { marker, body };
    } else if (marker === APP1 && startsWith(body, 'Exif')) found.exif.push(body);
    else if (marker === APP1 && startsWith(body, XMP)) found.xmp.push(body);
    else if (marker === APP2 && startsWith(body, 'ICC_PROFILE')) found.profile.push(body);
    else if (marker === APP13 && startsWith(body, IPTC)) found.iptc.push(body);
    else if (marker === DQT) found.tables.push(body);
    else if (!SKIPPED.includes(marker) && !(marker >= APP0 && marker <= APP15)) return undefined;
    offset = end;
  }
  return undefined;
}

/** How the pixels of a JPEG are coded. */
export interface JpegCoding {
  /** Step of each coefficient of a block, row by row. */
  readonly luma: readonly number[];
  /** The coarser of both; undefined for grey. */
  readonly chroma: readonly number[] | undefined;
  /** 4:2:0. */
  readonly isHalved: boolean;
}

/** Sampling factors of the first component, the others having 1 x 1 (T.81, A.1.1). */
const [FULL, HALVED] = [0x11, 0x22];

/** @returns undefined for a file that is not ordinary, or has another sampling than 4:4:4 and 4:2:0 */
export function jpegCoding(bytes: Uint8Array): JpegCoding | undefined {
  const segments = readSegments(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  const body = segments?.frame?.body;
  if (!segments || !body) return undefined;
  const tables = segments.tables.flatMap(tablesOf);
  const components = Array.from({ length: body[5] ?? 0 }, (_, index) => ({
    sampling: body[7 + 3 * index],
    steps: tables.findLast(({ number }) => number === body[8 + 3 * index])?.values,
  }));
  const [luma, ...colour] = components;
  if (!luma?.steps || (colour.length !== 0 && colour.length !== 2)) return undefined;
  const isHalved = colour.length > 0 && luma.sampling === HALVED;
  if (colour.length && !isHalved && luma.sampling !== FULL) return undefined;
  if (colour.some(({ sampling, steps }) => sampling !== FULL || !steps)) return undefined;
  const [blue, red] = colour.map(({ steps }) => byRows(steps ?? []));
  const chroma = blue?.map((step, index) => Math.max(step, red?.[index] ?? 0));
  return { luma: byRows(luma.steps), chroma, isHalved };
}

/** Coefficients lie along diagonals, to and fro (T.81, figure A.6). */
function byRows(zigzag: readonly number[]): number[] {
  const order = Array.from({ length: 64 }, (_, index) => index).toSorted(
    (a, b) => diagonalOf(a) - diagonalOf(b) || (diagonalOf(a) % 2 ? a - b : b - a),
  );
  const rows = Array.from({ length: 64 }, () => 0);
  for (const [place, index] of order.entries()) rows[index] = zigzag[place] ?? 0;
  return rows;
}

const diagonalOf = (index: number): number => (index >> 3) + (index & 7);

/** Marker and length in front of a segment. */
const SEGMENT_HEAD_BYTES = 4;

/**
 * A copy of a JPEG without its EXIF.
 *
 * @param exif  as readJpegHeader found it in `bytes`
 * @returns     undefined where it lies elsewhere: libvips has read the header
 */
export function withoutExif(bytes: Uint8Array, exif: Uint8Array): Buffer | undefined {
  const start = exif.byteOffset - bytes.byteOffset;
  const end = start + exif.byteLength;
  if (exif.buffer !== bytes.buffer || start < 0 || end > bytes.byteLength) return undefined;
  return Buffer.concat([bytes.subarray(0, start - SEGMENT_HEAD_BYTES), bytes.subarray(end)]);
}

/**
 * A copy of a JPEG whose EXIF says that it is upright.
 *
 * @param exif  as readJpegHeader found it in `bytes`
 * @returns     undefined where it lies elsewhere, or says nothing of it
 */
export function withUprightExif(bytes: Uint8Array, exif: Uint8Array): Buffer | undefined {
  const start = exif.byteOffset - bytes.byteOffset;
  const end = start + exif.byteLength;
  if (exif.buffer !== bytes.buffer || start < 0 || end > bytes.byteLength) return undefined;
  const copy = Buffer.from(bytes);
  const directory = readExif(copy.subarray(start, end));
  return directory && setUpright(directory) ? copy : undefined;
}

/** A copy of a JPEG that carries a profile, in place of its own. */
export function withJpegProfile(bytes: Uint8Array, profile: Uint8Array): Buffer {
  const jpeg = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const kept: Buffer[] = [];
  let offset = 2;
  while (offset + SEGMENT_HEAD_BYTES <= jpeg.length && jpeg[offset] === 0xff && jpeg[offset + 1] !== SOS) {
    const end = offset + 2 + jpeg.readUInt16BE(offset + 2);
    const segment = jpeg.subarray(offset, end);
    const isProfile = segment[1] === APP2 && startsWith(segment.subarray(SEGMENT_HEAD_BYTES), 'ICC_PROFILE');
    if (!isProfile) kept.push(segment);
    offset = end;
  }
  return Buffer.concat([jpeg.subarray(0, 2), ...profileSegments(profile), ...kept, jpeg.subarray(offset)]);
}

function profileSegments(profile: Uint8Array): Buffer[] {
  const count = Math.ceil(profile.length / PROFILE_PART_BYTES);
  return Array.from({ length: count }, (_, index) => {
    const part = profile.subarray(index * PROFILE_PART_BYTES, (index + 1) * PROFILE_PART_BYTES);
    const head = Buffer.from([0xff, APP2, 0, 0, ...Buffer.from(PROFILE, 'latin1'), index + 1, count]);
    head.writeUInt16BE(head.length - 2 + part.length, 2);
    return Buffer.concat([head, part]);
  });
}

const startsWith = (body: Buffer, text: string): boolean => body.toString('latin1', 0, text.length) === text;

/** 1 to 8, 1 where none is said; undefined where libvips should decide. */
function orientationOf([block, ...more]: readonly Buffer[]): number | undefined {
  if (!block) return 1;
  const directory = more.length || !startsWith(block, EXIF) ? undefined : readExif(block);
  return directory && orientationIn(directory);
}

/** A profile comes in numbered parts, each of which says how many there are (ICC.1, B.4). */
function isWhole(parts: readonly Buffer[]): boolean {
  const [number, count] = [PROFILE.length, PROFILE.length + 1];
  return parts.every(
    (part, index) =>
      startsWith(part, PROFILE) &&
      part.length > count + 1 &&
      part[number] === index + 1 &&
      part[count] === parts.length,
  );
}
