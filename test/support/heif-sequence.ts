/** A box, or a full one where version and flags are given (ISO/IEC 14496-12, 4.2). */
function box(type: string, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(8 + body.length);
  head.write(type, 4, 'latin1');
  return Buffer.concat([head, body]);
}

const full = (type: string, flags: number, ...parts: readonly Buffer[]): Buffer =>
  box(type, u32(flags), ...parts);

const u32 = (...values: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, 4 * index);
  return bytes;
};
const u16 = (...values: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(2 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt16BE(value, 2 * index);
  return bytes;
};
const text = (letters: string): Buffer => Buffer.from(letters, 'latin1');

const MATRIX = u32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000);

/** Of one coded picture: a box of a HEIC by its name, which must be the only one of it. */
function boxIn(heic: Buffer, type: string): Buffer {
  const start = heic.indexOf(type, 0, 'latin1') - 4;
  return heic.subarray(start, start + heic.readUInt32BE(start));
}

function track(side: number, hvcC: Buffer, sizes: readonly number[], offset: number): Buffer {
  const entry = box(
    'hvc1',
    Buffer.alloc(6),
    u16(1),
    Buffer.alloc(16),
    u16(side, side),
    u32(0x480000, 0x480000, 0),
    u16(1),
    Buffer.alloc(32),
    u16(24, 0xffff),
    hvcC,
  );
  const table = box(
    'stbl',
    full('stsd', 0, u32(1), entry),
    full('stts', 0, u32(1, sizes.length, 100)),
    full('stsc', 0, u32(1, 1, sizes.length, 1)),
    full('stsz', 0, u32(0, sizes.length, ...sizes)),
    full('stco', 0, u32(1, offset)),
    full('stss', 0, u32(sizes.length, ...sizes.map((_size, index) => index + 1))),
  );
  const length = 100 * sizes.length;
  const media = box(
    'mdia',
    full('mdhd', 0, u32(0, 0, 1000, length), u16(0x55c4, 0)),
    full('hdlr', 0, u32(0), text('pict'), Buffer.alloc(13)),
    box(
      'minf',
      full('vmhd', 1, Buffer.alloc(8)),
      box('dinf', full('dref', 0, u32(1), full('url ', 1))),
      table,
    ),
  );
  const head = full(
    'tkhd',
    7,
    u32(0, 0, 1, 0, length),
    Buffer.alloc(16),
    MATRIX,
    u32(side << 16, side << 16),
  );
  return box('trak', head, media);
}

/**
 * An image sequence (ISO/IEC 23008-12, 7) of one coded picture, shown three times.
 *
 * @param heic   square, of one image in one piece
 * @param still  whether the picture is there as a still one as well
 */
export function sequenceOf(heic: Buffer, side: number, still: boolean): Buffer {
  const brands = still ? 'heicmif1msf1hevc' : 'msf1hevc';
  const ftyp = box('ftyp', text(still ? 'heic' : 'hevc'), u32(0), text(brands));
  const coded = boxIn(heic, 'mdat').subarray(8);
  const meta = still ? Buffer.from(boxIn(heic, 'meta')) : Buffer.alloc(0);
  const sizes = [coded.length, coded.length, coded.length];
  const movie = (offset: number) =>
    box(
      'moov',
      full(
        'mvhd',
        0,
        u32(0, 0, 1000, 300, 0x10000),
        u16(0x100, 0),
        Buffer.alloc(8),
        MATRIX,
        Buffer.alloc(24),
        u32(2),
      ),
      track(side, boxIn(heic, 'hvcC'), sizes, offset),
    );
  const start = ftyp.length + meta.length + movie(0).length + 8;
  if (still) {
    // Where the item begins: the base offset of the one entry of `iloc`, version 0.
    meta.writeUInt32BE(start, meta.indexOf('iloc', 0, 'latin1') + 4 + 4 + 2 + 2 + 2 + 2);
  }
  return Buffer.concat([ftyp, meta, movie(start), box('mdat', coded, coded, coded)]);
}
