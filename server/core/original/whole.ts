import { Problem } from '../../shared/errors.ts';
import type { SourceFormat } from './sniff.ts';

/**
 * Refuses what ends too early and is shown all the same: libvips counts the frames of a GIF that are there, and
 * libheif leaves the tiles of an AVIF grey that are not.
 *
 * @throws Problem `damaged_source`
 */
export function checkWhole(format: SourceFormat, bytes: Uint8Array): void {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (format === 'gif' ? endsWholeGif(file) : format === 'avif' ? endsWholeBoxes(file) : true) return;
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

const [EXTENSION, IMAGE, TRAILER] = [0x21, 0x2c, 0x3b];

/** Bytes of a colour table, by the flags that announce it (GIF89a, 18 and 20). */
const tableBytes = (flags: number): number => (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0);

/** Whether the blocks end with the trailer, or at least behind a frame: some writers leave it out. */
function endsWholeGif(file: Buffer): boolean {
  let start = 13 + tableBytes(file[10] ?? 0);
  let last: number = EXTENSION;
  while (start < file.length) {
    const kind = file[start];
    // What is no block ends the picture for decoders, too: padding, an appended file.
    if (kind !== EXTENSION && kind !== IMAGE) return kind === TRAILER || last === IMAGE;
    const flags = kind === IMAGE ? (file[start + 9] ?? 0) : 0;
    const data = kind === EXTENSION ? start + 2 : start + 11 + tableBytes(flags);
    start = afterBlocks(file, data);
    last = kind;
  }
  return start === file.length && last === IMAGE;
}

/** Behind the empty block that ends a chain of them; behind the file where it does not come. */
function afterBlocks(file: Buffer, first: number): number {
  let start = first;
  while (start < file.length && file[start] !== 0) start += 1 + (file[start] ?? 0);
  return start + 1;
}
