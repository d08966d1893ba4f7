import { constants, gunzipSync } from 'node:zlib';
import { isSvgText, xmlText } from './svg-document.ts';

/** Formats that can be read. The type is told by content alone: names and declared types lie. */
export const SOURCE_FORMATS = {
  jpeg: 'image/jpeg',
  png: 'image/png',
  webp: 'image/webp',
  gif: 'image/gif',
  avif: 'image/avif',
  tiff: 'image/tiff',
  svg: 'image/svg+xml',
  heic: 'image/heic',
} as const;
export type SourceFormat = keyof typeof SOURCE_FORMATS;

/** Bytes from the start of a file that are enough to tell its type; the licence that an SVG opens with may be long. */
export const SNIFF_BYTES = 262_144;
/** The same for a file that does not begin like a text of XML. */
export const MAGIC_BYTES = 4096;

/** gzip makes a thousand of one (RFC 1951): 4 MB at most of what is looked at. */
const GZIP_HEAD_BYTES = 4096;

export type Sniffed = { readonly format: SourceFormat } | { readonly unsupported: string };

/** Magic numbers: offset and hex. First match wins. */
const MAGIC: ReadonlyArray<readonly [hex: string, is: SourceFormat | (string & {}), offset?: number]> = [
  ['ffd8ff', 'jpeg'],
  ['89504e470d0a1a0a', 'png'],
  ['474946383761', 'gif'],
  ['474946383961', 'gif'],
  ['49492a00', 'tiff'],
  ['4d4d002a', 'tiff'],
  ['49492b00', 'tiff'],
  ['4d4d002b', 'tiff'],
  ['424d', 'a BMP image'],
  ['25504446', 'a PDF document'],
  ['38425053', 'a Photoshop document'],
  ['0000000c4a584c20', 'a JPEG XL image'],
  ['ff0a', 'a JPEG XL image'],
  ['0000000c6a502020', 'a JPEG 2000 image'],
  ['00000100', 'an ICO image'],
  ['504b0304', 'a ZIP archive'],
  ['1a45dfa3', 'a Matroska or WebM video'],
];

/** ISO base media brands (ISO/IEC 14496-12), by what they mean here. */
const BRANDS: Readonly<Record<string, SourceFormat | (string & {})>> = {
  avif: 'avif',
  avis: 'an AVIF image sequence',
  heic: 'heic',
  heix: 'heic',
  heim: 'heic',
  heis: 'heic',
  hevc: 'heic',
  hevx: 'heic',
  hevm: 'heic',
  hevs: 'heic',
  // Whatever the codec: said by the brands behind it, or by the decoder.
  mif1: 'heic',
  mif2: 'heic',
  msf1: 'heic',
};

const SAYS_NO_CODEC: readonly string[] = ['mif1', 'mif2', 'msf1', 'avis'];

function told(name: string): Sniffed {
  return name in SOURCE_FORMATS ? { format: name as SourceFormat } : { unsupported: name };
}

function brand(bytes: Buffer): Sniffed {
  const major = bytes.toString('latin1', 8, 12);
  if (major in BRANDS && !SAYS_NO_CODEC.includes(major)) return told(BRANDS[major] ?? '');
  const end = Math.min(bytes.readUInt32BE(0), bytes.length);
  for (let offset = 16; offset + 4 <= end; offset += 4) {
    const compatible = bytes.toString('latin1', offset, offset + 4);
    if (compatible === 'avif' || compatible.startsWith('hei')) return told(BRANDS[compatible] ?? '');
  }
  return told(BRANDS[major] ?? 'an MP4 or QuickTime file');
}

/** Whether a file is compressed (RFC 1952): inflated says what it really is. */
export const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

/** @param head  the first SNIFF_BYTES of a file, or all of it when it is shorter */
export function sniff(head: Uint8Array): Sniffed {
  const bytes = Buffer.from(head.buffer, head.byteOffset, Math.min(head.byteLength, SNIFF_BYTES));
  if (bytes.length === 0) return { unsupported: 'an empty file' };
  if (isGzip(bytes)) return sniffInside(bytes);
  const hex = bytes.toString('hex', 0, 16);
  for (const [magic, name] of MAGIC) if (hex.startsWith(magic)) return told(name);
  const text = bytes.toString('latin1', 0, MAGIC_BYTES);
  if (text.startsWith('RIFF') && text.startsWith('WEBP', 8)) return { format: 'webp' };
  if (text.startsWith('ftyp', 4) && bytes.length >= 16) return brand(bytes);
  if (mayBeXml(bytes) && isSvgText(xmlText(bytes))) return { format: 'svg' };
  if (/^\s*<(!doctype html|html|head|body|script)/i.test(text)) return { unsupported: 'an HTML page' };
  return { unsupported: 'an unknown file type' };
}

/** Whether a file begins like a text of XML, in whatever encoding, so that all of SNIFF_BYTES has to be looked at. */
export function mayBeXml(head: Uint8Array): boolean {
  const start = Buffer.from(head.buffer, head.byteOffset, Math.min(head.byteLength, MAGIC_BYTES));
  return /^(\xef\xbb\xbf|\xff\xfe|\xfe\xff)?[\s\0]*</.test(start.toString('latin1'));
}

/** What lies compressed in a file: an .svgz, or an object with Content-Encoding gzip. */
function sniffInside(bytes: Buffer): Sniffed {
  try {
    const inside = gunzipSync(bytes.subarray(0, GZIP_HEAD_BYTES), { finishFlush: constants.Z_SYNC_FLUSH });
    const sniffed = isGzip(inside) ? undefined : sniff(inside);
    if (sniffed && 'format' in sniffed) return sniffed;
  } catch {
    // Told as what it is from outside.
  }
  return { unsupported: 'a gzip archive' };
}

/** Whether a file is one that only libheif reads, by its first MAGIC_BYTES. */
export function isHeic(head: Uint8Array): boolean {
  const bytes = Buffer.from(head.buffer, head.byteOffset, Math.min(head.byteLength, MAGIC_BYTES));
  if (!bytes.subarray(4, 8).equals(FTYP)) return false;
  const sniffed = sniff(bytes);
  return 'format' in sniffed && sniffed.format === 'heic';
}

const FTYP = Buffer.from('ftyp', 'latin1');
