/** What a JPEG's segment begins with, and a byte that ought to be NUL; libvips hands them on with the block. */
const NAME = 'Exif\0';
const NAME_BYTES = 6;

/** Types of values (TIFF 6.0, section 2; the last one EXIF 3.0). */
const [ASCII, SHORT, LONG, UTF8] = [2, 3, 4, 129];
const ENTRY_BYTES = 12;
/** Values up to here lie in the entry itself. */
const INLINE_BYTES = 4;

export const EXIF_TAGS = {
  subfile: 0x00fe,
  compression: 0x0103,
  photometric: 0x0106,
  orientation: 0x0112,
  artist: 0x013b,
  directories: 0x014a,
  copyright: 0x8298,
  profile: 0x8773,
  dngVersion: 0xc612,
} as const;

interface Entry {
  readonly type: number;
  readonly count: number;
  /** Of the value, or of its offset where it is longer than four bytes; from the start of the TIFF. */
  readonly at: number;
}

/** The directory of the picture itself, behind which the position, the maker's notes and the thumbnail lie. */
export interface ExifDirectory {
  readonly entries: ReadonlyMap<number, Entry>;
  readonly tiff: Buffer;
  readonly isLittle: boolean;
}

/**
 * Reads a directory of an EXIF block or a TIFF, and nothing that it refers to.
 *
 * @param block  with or without the name that it has in a JPEG
 * @param page   of a TIFF, which has a directory for each; counting from 0
 * @returns      undefined where it is not whole or not there, or is no EXIF
 */
export function readExif(block: Uint8Array, page = 0): ExifDirectory | undefined {
  const bytes = Buffer.from(block.buffer, block.byteOffset, block.byteLength);
  const tiff = bytes.toString('latin1', 0, NAME.length) === NAME ? bytes.subarray(NAME_BYTES) : bytes;
  const order = tiff.toString('latin1', 0, 4);
  if (order !== 'II*\0' && order !== 'MM\0*') return undefined;
  const directory = { tiff, isLittle: order === 'II*\0' };
  try {
    const start = startOf(directory, page);
    const entries = new Map<number, Entry>();
    const end = start + 2 + short(directory, start) * ENTRY_BYTES;
    for (let offset = start + 2; offset < end; offset += ENTRY_BYTES) {
      const tag = short(directory, offset);
      const entry = {
        type: short(directory, offset + 2),
        count: long(directory, offset + 4),
        at: offset + 8,
      };
      // The last bytes too, so that no value breaks off.
      long(directory, entry.at);
      if (!entries.has(tag)) entries.set(tag, entry);
    }
    return { ...directory, entries };
  } catch {
    return undefined;
  }
}

/** Each directory ends with where the next one is. Takes as many steps as the page has number, even in a circle. */
function startOf(bytes: Bytes, page: number): number {
  let start = long(bytes, 4);
  for (let left = page; left > 0; left--) {
    if (start === 0) throw new RangeError('There is no such directory.');
    start = long(bytes, start + 2 + short(bytes, start) * ENTRY_BYTES);
  }
  return start;
}

type Bytes = Pick<ExifDirectory, 'tiff' | 'isLittle'>;

const short = ({ tiff, isLittle }: Bytes, position: number): number =>
  isLittle ? tiff.readUInt16LE(position) : tiff.readUInt16BE(position);

const long = ({ tiff, isLittle }: Bytes, offset: number): number =>
  isLittle ? tiff.readUInt32LE(offset) : tiff.readUInt32BE(offset);

/** The number of a tag; undefined where it is not there or no single SHORT or LONG. */
export function numberIn(directory: ExifDirectory, tag: number): number | undefined {
  const entry = directory.entries.get(tag);
  if (entry?.count !== 1) return undefined;
  if (entry.type === SHORT) return short(directory, entry.at);
  return entry.type === LONG ? long(directory, entry.at) : undefined;
}

/** Whether the bytes of a tag are all there; also where the tag is not. */
export function hasAllOf(directory: ExifDirectory, tag: number): boolean {
  const entry = directory.entries.get(tag);
  if (!entry || entry.count <= INLINE_BYTES) return true;
  return long(directory, entry.at) + entry.count <= directory.tiff.length;
}

/** 1 to 8, 1 where none is said; undefined for a value of another kind. */
export function orientationIn(directory: ExifDirectory): number | undefined {
  const entry = directory.entries.get(EXIF_TAGS.orientation);
  if (!entry) return 1;
  const value = short(directory, entry.at);
  return entry.type === SHORT && entry.count === 1 && value >= 1 && value <= 8 ? value : undefined;
}

/** Writes an orientation of 1 in place of the one that is there. */
export function setUpright(directory: ExifDirectory): boolean {
  const entry = directory.entries.get(EXIF_TAGS.orientation);
  if (!entry || orientationIn(directory) === undefined) return false;
  if (directory.isLittle) directory.tiff.writeUInt16LE(1, entry.at);
  else directory.tiff.writeUInt16BE(1, entry.at);
  return true;
}

/** Longer than any name; a WebP may have 40 MB in a tag, which take seconds to decode. */
const TEXT_BYTES = 4096;

/** Text of a tag as it stands there, NULs and all, up to 4,096 bytes; undefined where there is none. */
export function textIn(directory: ExifDirectory, tag: number): string | undefined {
  const entry = directory.entries.get(tag);
  if (!entry || (entry.type !== ASCII && entry.type !== UTF8)) return undefined;
  const start = entry.count > INLINE_BYTES ? long(directory, entry.at) : entry.at;
  return textOf(directory.tiff.subarray(start, start + Math.min(entry.count, TEXT_BYTES)));
}

/** EXIF says ASCII, IPTC leaves it open; cameras and editors write UTF-8 and Latin-1: `©` is in most copyrights. */
export function textOf(bytes: Buffer): string {
  // A field of fixed width cuts its last letter.
  const text = bytes.toString().replace(/(?<=[\u0080-\ufffc].*)\ufffd\0*$/s, '');
  return text.includes('\ufffd') ? bytes.toString('latin1') : text;
}
