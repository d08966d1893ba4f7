/** Code points of colours (ITU-T H.273). */
export interface CodePoints {
  readonly primaries: number;
  readonly transfer: number;
}

type Read = (bits: number) => number;

/** @throws RangeError where the bytes end */
function bitReader(bytes: Uint8Array): Read {
  let position = 0;
  return (bits) => {
    let value = 0;
    for (let end = position + bits; position < end; position++) {
      const byte = bytes[position >> 3];
      if (byte === undefined) throw new RangeError('The AV1 sequence header ends too early.');
      value = value * 2 + ((byte >> (7 - (position & 7))) & 1);
    }
    return value;
  };
}

const SEQUENCE_HEADER = 1;
/** leb128 (AV1, 4.10.5): seven bits a byte, eight bytes at most. */
const MAX_LENGTH_BYTES = 8;

/**
 * Reads the colours that an AV1 stream says, of its first sequence header (AV1, 5.5).
 *
 * @param units  open bitstream units, each with its length
 * @returns      undefined where none is said, or there is no such header
 */
export function av1CodePoints(units: Uint8Array): CodePoints | undefined {
  for (let start = 0; start + 2 <= units.length; ) {
    const head = units[start] ?? 0;
    if ((head & 0x82) !== 2) return undefined;
    let [place, length] = [start + (head & 4 ? 2 : 1), 0];
    for (let index = 0; index < MAX_LENGTH_BYTES; index++) {
      const byte = units[place++] ?? 0;
      length += (byte & 0x7f) * 128 ** index;
      if (byte < 0x80) break;
    }
    if (((head >> 3) & 15) === SEQUENCE_HEADER) return inSequence(bitReader(units.subarray(place)));
    start = place + length;
  }
  return undefined;
}

/** Of stills, which say neither times nor models of decoders (AV1, 5.5.1). */
function inSequence(read: Read): CodePoints | undefined {
  const profile = read(3);
  read(1);
  const isReduced = read(1) === 1;
  if (isReduced) read(5);
  else if (!skipOperatingPoints(read)) return undefined;
  const [widthBits, heightBits] = [read(4) + 1, read(4) + 1];
  read(widthBits);
  read(heightBits);
  if (!isReduced && read(1)) read(7);
  // Superblocks of 128, two filters of intra prediction.
  read(3);
  if (!isReduced) skipTools(read);
  // Super-resolution, CDEF, restoration.
  read(3);
  return inColorConfig(read, profile);
}

function skipOperatingPoints(read: Read): boolean {
  const hasTimes = read(1) === 1;
  if (hasTimes) return false;
  const hasDelays = read(1) === 1;
  for (let left = read(5) + 1; left > 0; left--) {
    read(12);
    if (read(5) > 7) read(1);
    if (hasDelays && read(1)) read(4);
  }
  return true;
}

/** Tools between frames, screen content, order hints. */
function skipTools(read: Read): void {
  read(4);
  const hasOrder = read(1) === 1;
  if (hasOrder) read(2);
  const isScreenChosen = read(1) === 1;
  const isScreen = isScreenChosen || read(1) === 1;
  if (isScreen && !read(1)) read(1);
  if (hasOrder) read(3);
}

/** AV1, 5.5.2; 2 says that nothing is said. */
function inColorConfig(read: Read, profile: number): CodePoints | undefined {
  const isDeep = read(1) === 1;
  if (profile === 2 && isDeep) read(1);
  if (profile !== 1) read(1);
  const isSaid = read(1) === 1;
  return isSaid ? { primaries: read(8), transfer: read(8) } : undefined;
}
