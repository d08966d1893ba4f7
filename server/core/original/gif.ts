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

interface Frame extends GifBlock {
  /** Of the flags of its graphic control extension; undefined where it has none. */
  readonly control: number | undefined;
  readonly flags: number;
}

function framesOf(file: Buffer): Frame[] {
  const frames: Frame[] = [];
  let control: number | undefined;
  for (const block of gifBlocks(file)) {
    if (!block.isImage && file[block.start + 1] === CONTROL) control = block.start + 3;
    if (!block.isImage) continue;
    frames.push({ ...block, control, flags: control === undefined ? 0 : (file[control] ?? 0) });
    control = undefined;
  }
  return frames;
}

const isClear = ({ flags }: Frame): boolean => (flags & 1) === 1;
/** Whether the place of a frame is given back to the background. */
const isGivenBack = ({ flags }: Frame): boolean => ((flags >> 2) & 7) === RESTORE_BACKGROUND;

/** Whether a frame leaves something of the screen free (GIF89a, 18 and 20). */
function leavesFree(file: Buffer, { start }: Frame): boolean {
  if (start + 9 > file.length) return false;
  const number = (offset: number) => file.readUInt16LE(offset);
  const [left, top] = [number(start + 1), number(start + 3)];
  return left > 0 || top > 0 || number(start + 5) < number(6) || number(start + 7) < number(8);
}

/**
 * A GIF that is transparent where no frame is, and behind frames that are given back to the background, as browsers have
 * it whatever its background colour is: libnsgif does so only where a frame has a transparent colour. Such a frame gets
 * one that none of its pixels has.
 *
 * @returns  the same bytes where nothing is to be done
 */
export function clearingToTransparent(bytes: Uint8Array): Uint8Array {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const frames = framesOf(file);
  const [first] = frames;
  const opaque = frames.filter((frame) => !isClear(frame));
  const isHoled = first !== undefined && opaque.length === frames.length && leavesFree(file, first);
  const opened = opaque
    .filter((frame) => isGivenBack(frame) || (isHoled && frame === first))
    .flatMap((frame) => {
      const color = unusedColor(file, frame);
      return color === undefined ? [] : [{ ...frame, color }];
    });
  if (opened.length === 0) return bytes;
  const copy = Buffer.from(file);
  for (const { control, flags, color } of opened) {
    if (control === undefined) continue;
    copy[control] = flags | 1;
    copy[control + 3] = color;
  }
  const bare = opened.find(({ control }) => control === undefined);
  if (!bare) return copy;
  const extension = Buffer.from([EXTENSION, CONTROL, 4, 1, 0, 0, bare.color, 0]);
  return Buffer.concat([copy.subarray(0, bare.start), extension, copy.subarray(bare.start)]);
}

function unusedColor(file: Buffer, { start: image, data, end }: Frame): number | undefined {
  const coded = file.subarray(data - 1, end);
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
