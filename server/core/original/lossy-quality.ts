/** Quantization of luma at quality 50, in zigzag order: of the standard (ITU-T T.81, table K.1), and ours (mozjpeg's number 3). */
const AT_50 = [
  [
    16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40, 26, 24, 22, 22, 24, 49, 35, 37, 29, 40,
    58, 51, 61, 60, 57, 51, 56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81, 87, 95, 98, 103, 104,
    103, 62, 77, 113, 121, 112, 100, 120, 92, 101, 103, 99,
  ],
  [
    16, 16, 16, 16, 17, 16, 18, 20, 20, 18, 25, 27, 24, 27, 25, 37, 34, 31, 31, 34, 37, 56, 40, 43, 40, 43,
    40, 56, 85, 53, 62, 53, 53, 62, 53, 85, 75, 91, 74, 69, 74, 91, 75, 135, 106, 94, 94, 106, 135, 156, 131,
    124, 131, 156, 189, 169, 169, 189, 238, 226, 238, 311, 311, 418,
  ],
] as const;

/** How libjpeg scales a table (jcparam.c). */
const scaleOf = (quality: number): number => (quality < 50 ? 5000 / quality : 200 - 2 * quality);

/**
 * Quality that a JPEG was written with, from its tables: the one whose own tables are nearest.
 *
 * @param segments  bodies of all DQT segments
 * @returns         1-100; undefined where there is no table of luma
 */
export function jpegQuality(segments: readonly Buffer[]): number | undefined {
  const luma = segments.flatMap(tablesOf).find(({ number }) => number === 0)?.values;
  if (!luma) return undefined;
  let [best, least] = [1, Number.POSITIVE_INFINITY];
  for (const base of AT_50) {
    for (let quality = 1; quality <= 100; quality++) {
      const distance = distanceOf(luma, base, scaleOf(quality));
      if (distance <= least) [best, least] = [quality, distance];
    }
  }
  return best;
}

function distanceOf(values: readonly number[], base: readonly number[], scale: number): number {
  return values.reduce((sum, value, index) => {
    const scaled = Math.floor(((base[index] ?? 0) * scale + 50) / 100);
    return sum + Math.abs(value - Math.min(255, Math.max(1, scaled)));
  }, 0);
}

const TABLE_VALUES = 64;

/** Values in zigzag order. Number of the table, 4 bits of its precision, then its values (T.81, B.2.4.1). */
export function tablesOf(segment: Buffer): { number: number; values: number[] }[] {
  const tables: { number: number; values: number[] }[] = [];
  for (let offset = 0; offset < segment.length; ) {
    const head = segment[offset] ?? 0;
    const bytes = head >> 4 ? 2 : 1;
    const start = offset + 1;
    offset = start + TABLE_VALUES * bytes;
    if (offset > segment.length) break;
    const values = Array.from({ length: TABLE_VALUES }, (_, index) =>
      segment.readUIntBE(start + index * bytes, bytes),
    );
    tables.push({ number: head & 15, values });
  }
  return tables;
}

/** What a WebP was written with. */
export type WebpKind = { readonly isLossless: boolean; readonly quality: number | undefined };

/**
 * Quality that a WebP was written with, on libwebp's scale; of a moving one that of its first frame.
 *
 * @see RFC 9649 for the container, RFC 6386 for the frame
 */
export function webpKind(bytes: Uint8Array): WebpKind {
  const frame = firstFrame(bytes);
  const quantizers = frame && vp8Quantizers(frame.body);
  // Of up to four, which libwebp spreads around what was asked: the second finest is nearest to it (measured: four
  // photographs at 20 to 85, off by 0 to 6).
  const nearest = quantizers && (quantizers[1] ?? quantizers[0] ?? 0);
  return {
    isLossless: frame?.isLossless === true,
    quality: nearest === undefined ? undefined : qualityOfQuantizer(nearest),
  };
}

/** The coarsest step that coefficients of a lossy WebP were rounded to, 4-284; undefined where nobody can tell. */
export function webpStep(bytes: Uint8Array): number | undefined {
  const frame = firstFrame(bytes);
  const coarsest = frame && vp8Quantizers(frame.body)?.at(-1);
  return coarsest === undefined ? undefined : stepOf(Math.min(127, Math.max(0, coarsest)));
}

/** The table of RFC 6386, 14.1, which rises by 1, 2, 3, 4 and 5 in turn. */
const stepOf = (index: number): number =>
  Math.max(index + 4, 2 * index - 50, 3 * index - 133, 4 * index - 235, 5 * index - 351);

function firstFrame(bytes: Uint8Array): { readonly isLossless: boolean; readonly body: Buffer } | undefined {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let offset = 12; offset + 8 <= file.length; ) {
    const type = file.toString('latin1', offset, offset + 4);
    const length = file.readUInt32LE(offset + 4);
    const body = file.subarray(offset + 8, offset + 8 + length);
    if (type === 'VP8L' || type === 'VP8 ') return { isLossless: type === 'VP8L', body };
    // A frame of a moving picture: its place and time, then chunks again.
    offset += type === 'ANMF' ? 8 + 16 : 8 + length + (length % 2);
  }
  return undefined;
}

/** Frame tag, start code, size (RFC 6386, 9.1). */
const VP8_HEAD_BYTES = 10;
const VP8_START = '\x9d\x01\x2a';

/** Of up to four segments, finest first; undefined for a frame that is none of VP8. */
function vp8Quantizers(frame: Buffer): number[] | undefined {
  if (frame.toString('latin1', 3, 6) !== VP8_START || frame.length < VP8_HEAD_BYTES + 32) return undefined;
  const read = boolReader(frame.subarray(VP8_HEAD_BYTES));
  read(2);
  const segments = read(1) ? segmentQuantizers(read) : undefined;
  // Type, level and sharpness of the loop filter, then its changes, then the number of partitions.
  read(10);
  const hasChanges = read(1) === 1 && read(1) === 1;
  for (let change = 0; hasChanges && change < 8; change++) skipOptional(read, 7);
  read(2);
  const quantizer = read(7);
  const all = segments?.isAbsolute
    ? segments.values
    : (segments?.values ?? [0]).map((value) => value + quantizer);
  return all.toSorted((a, b) => a - b);
}

/** A value that is there where the bit before it says so. */
function skipOptional(read: (bits: number) => number, bits: number): void {
  const isThere = read(1) === 1;
  if (isThere) read(bits);
}

/** RFC 6386, 9.3. */
function segmentQuantizers(
  read: (bits: number) => number,
): { isAbsolute: boolean; values: number[] } | undefined {
  const [hasMap, hasValues] = [read(1), read(1)];
  const isAbsolute = hasValues ? read(1) === 1 : false;
  const signed = (bits: number) => {
    if (!read(1)) return 0;
    const value = read(bits);
    return read(1) ? -value : value;
  };
  const values = hasValues ? [signed(7), signed(7), signed(7), signed(7)] : [];
  if (hasValues) for (let filter = 0; filter < 4; filter++) signed(6);
  for (let branch = 0; hasMap && branch < 3; branch++) skipOptional(read, 8);
  return hasValues ? { isAbsolute, values } : undefined;
}

/** The boolean decoder at even odds (RFC 6386, 7.3). */
function boolReader(bytes: Buffer): (bits: number) => number {
  let [value, range, next, held] = [bytes.readUInt16BE(0), 255, 2, 0];
  const bit = (): number => {
    const split = 1 + ((range - 1) >> 1);
    const isSet = value >= split << 8;
    if (isSet) [value, range] = [value - (split << 8), range - split];
    else range = split;
    while (range < 128) {
      [value, range] = [value << 1, range << 1];
      held++;
      if (held === 8) {
        held = 0;
        value |= bytes[next] ?? 0;
        next++;
      }
    }
    return isSet ? 1 : 0;
  };
  return (bits) => {
    let number = 0;
    for (let left = bits; left > 0; left--) number = (number << 1) | bit();
    return number;
  };
}

/** The inverse of what libwebp does to its quality (quant_enc.c, QualityToCompression). */
function qualityOfQuantizer(quantizer: number): number {
  const cube = (1 - Math.min(127, Math.max(0, quantizer)) / 127) ** 3;
  return Math.max(1, Math.round(100 * (cube < 0.5 ? cube * 1.5 : (cube + 1) / 2)));
}
