/** Blocks of a GIF (GIF89a, appendix A), and the label of a graphic control extension. */
const [EXTENSION, IMAGE, CONTROL] = [0x21, 0x2c, 0xf9];
const RESTORE_BACKGROUND = 2;
const MAX_CODES = 4096;
/** Of one frame of 256 colours; 20 ms to look through. */
const MAX_CODED_BYTES = 2 ** 20;

/** Bytes of a colour table, by the flags that announce it (18 and 20). */
export const tableBytes = (flags: number): number => (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0);

/** Behind the empty block that ends a chain of them; behind the file where it does not come. */
export function afterBlocks(file: Buffer, first: number): number {
  let start = first;
  while (start < file.length && file[start] !== 0) start += 1 + (file[start] ?? 0);
  return start + 1;
}

export interface GifBlock {
  readonly isImage: boolean;
  readonly start: number;
  /** Of its chain of data blocks; behind the code size of an image. */
  readonly data: number;
  readonly end: number;
}

/** Blocks from behind the header to the first byte that begins none. */
export function* gifBlocks(file: Buffer): Generator<GifBlock> {
  let start = 13 + tableBytes(file[10] ?? 0);
  while (start < file.length && (file[start] === EXTENSION || file[start] === IMAGE)) {
    const isImage = file[start] === IMAGE;
    const data = isImage ? start + 11 + tableBytes(file[start + 9] ?? 0) : start + 2;
    const end = afterBlocks(file, data);
    yield { isImage, start, data, end };
    start = end;
  }
}

/**
 * A GIF whose frames are cleared to transparent behind them, as browsers do whatever its background colour is:
 * libnsgif does so only where a frame has a transparent colour. It gets one that none of its pixels has.
 *
 * @returns  the same bytes where nothing is to be done
 */
export function clearingToTransparent(bytes: Uint8Array): Uint8Array {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let copy: Buffer | undefined;
  let control: number | undefined;
  for (const { isImage, start, data, end } of gifBlocks(file)) {
    if (!isImage && file[start + 1] === CONTROL) control = start + 3;
    if (!isImage) continue;
    const flags = control === undefined ? 0 : (file[control] ?? 0);
    const unused = clears(flags) ? unusedColor(file, start, file.subarray(data - 1, end)) : undefined;
    if (control !== undefined && unused !== undefined) {
      copy ??= Buffer.from(file);
      copy[control] = flags | 1;
      copy[control + 3] = unused;
    }
    control = undefined;
  }
  return copy ?? bytes;
}

/** Whether the place of a frame is given back to the background, and it has no transparent colour. */
const clears = (flags: number): boolean => ((flags >> 2) & 7) === RESTORE_BACKGROUND && (flags & 1) === 0;

/** @param coded  of a frame: its code size and its data blocks */
function unusedColor(file: Buffer, image: number, coded: Buffer): number | undefined {
  const own = tableBytes(file[image + 9] ?? 0) / 3;
  const colors = own || tableBytes(file[10] ?? 0) / 3;
  if (colors < 256) return colors;
  if (coded.length > MAX_CODED_BYTES) return undefined;
  const used = usedColors(coded);
  for (let color = 255; color >= 0; color--) if (!used[color]) return color;
  return undefined;
}

/** Colours that the codes of a frame spell (appendix F); only the first of a string is new, the rest came before. */
function usedColors(coded: Buffer): Uint8Array {
  const used = new Uint8Array(256);
  const size = coded[0] ?? 8;
  const clear = 1 << size;
  const first = clear + 2;
  let [width, next, bits, held] = [size + 1, first - 1, 0, 0];
  for (const byte of dataOf(coded)) {
    held |= byte << bits;
    bits += 8;
    while (bits >= width) {
      const code = held & ((1 << width) - 1);
      held >>>= width;
      bits -= width;
      if (code < clear) used[code] = 1;
      if (code === clear) [width, next] = [size + 1, first - 1];
      else if (next < MAX_CODES) next++;
      if (next >= 1 << width && width < 12) width++;
    }
  }
  return used;
}

/** Bytes of data blocks, one after the other. */
function* dataOf(coded: Buffer): Generator<number> {
  for (let start = 1; start < coded.length; start += 1 + (coded[start] ?? 0))
    yield* coded.subarray(start + 1, start + 1 + (coded[start] ?? 0));
}
