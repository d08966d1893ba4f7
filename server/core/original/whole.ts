import { Problem } from '../../shared/errors.ts';
import { EXIF_TAGS, hasAllOf, readExif } from './exif.ts';
import { gifBlocks } from './gif.ts';
import type { SourceFormat } from './sniff.ts';

const ENDS_WHOLE: Readonly<Partial<Record<SourceFormat, (file: Buffer, page: number) => boolean>>> = {
  gif: endsWholeGif,
  avif: endsWholeBoxes,
  tiff: hasWholeProfile,
};

/**
 * Refuses what ends too early and is shown all the same: libvips counts the frames of a GIF that are there, libheif
 * leaves the tiles of an AVIF grey that are not, and libtiff goes without a profile that breaks off.
 *
 * @param page  that is looked at where each has a header of its own; counting from 0
 * @throws Problem `damaged_source`
 */
export function checkWhole(format: SourceFormat, bytes: Uint8Array, page = 0): void {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (ENDS_WHOLE[format]?.(file, page) ?? true) return;
  throw new Problem('damaged_source', 'The file ends before the picture does; it was cut.');
}

/** Each box says how long it is; the last one may say that it goes on to the end (ISO/IEC 14496-12, 4.2). */
function endsWholeBoxes(file: Buffer): boolean {
  let start = 0;
  while (start + 8 <= file.length) {
    const short = file.readUInt32BE(start);
    if (short === 0) return true;
    if (short === 1 && start + 16 > file.length) return false;
    const length = short === 1 ? Number(file.readBigUInt64BE(start + 8)) : short;
    if (length < 8) return false;
    start += length;
  }
  return start === file.length || (start < file.length && isPadding(file.subarray(start)));
}

const isPadding = (rest: Buffer): boolean => rest.every((byte) => byte === 0);

const TRAILER = 0x3b;

/**
 * Whether the blocks end with the trailer, or at least behind a frame: some writers leave it out, and what is no block
 * ends the picture for decoders, too (padding, an appended file).
 */
function endsWholeGif(file: Buffer): boolean {
  const blocks = [...gifBlocks(file)];
  const last = blocks.at(-1);
  if (!last || last.end > file.length) return false;
  return last.isImage || file[last.end] === TRAILER;
}

function hasWholeProfile(file: Buffer, page: number): boolean {
  const directory = readExif(file, page);
  return !directory || hasAllOf(directory, EXIF_TAGS.profile);
}
