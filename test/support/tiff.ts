/** Tags of a directory (TIFF 6.0); values of 16 bits, as many as a tag has. */
export interface TiffTags {
  readonly compression?: number;
  readonly photometric?: number;
  readonly planar?: number;
  readonly bits?: readonly number[];
  readonly tiled?: boolean;
  /** SampleFormat: 1 unsigned, 2 signed, 3 floating point. */
  readonly samples?: number;
  readonly subfile?: number;
  /** Further tags, of a single value each. */
  readonly more?: ReadonlyArray<readonly [tag: number, value: number]>;
}

const SIDE = 16;
const [SHORT, LONG] = [3, 4];
const ENTRY_BYTES = 12;

/** A little-endian TIFF of 16 x 16 px whose pixels are noise of three samples, with the tags that are asked for. */
export function tiff(tags: TiffTags = {}): Buffer {
  const { compression = 1, photometric = 2, planar = 1, bits = [8, 8, 8], tiled = false } = tags;
  const bytesOfPixel = bits.reduce((sum, each) => sum + each / 8, 0);
  const planes = planar === 2 ? bits.length : 1;
  const planeBytes = (SIDE * SIDE * bytesOfPixel) / planes;
  const pixels = Buffer.from(Array.from({ length: planeBytes * planes }, (_, place) => (place * 37) % 251));
  const offsets = (start: number) => Array.from({ length: planes }, (_, plane) => start + plane * planeBytes);
  const counts = Array.from({ length: planes }, () => planeBytes);
  const rows = (start: number): Array<readonly [number, number, readonly number[]]> => [
    ...(tags.subfile === undefined ? [] : [[254, LONG, [tags.subfile]] as const]),
    [256, SHORT, [SIDE]],
    [257, SHORT, [SIDE]],
    [258, SHORT, bits],
    [259, SHORT, [compression]],
    [262, SHORT, [photometric]],
    ...(tiled ? [] : [[273, LONG, offsets(start)] as const]),
    [277, SHORT, [bits.length]],
    ...(tiled ? [] : [[278, SHORT, [SIDE]] as const, [279, LONG, counts] as const]),
    [284, SHORT, [planar]],
    ...(tiled
      ? [
          [322, SHORT, [SIDE]] as const,
          [323, SHORT, [SIDE]] as const,
          [324, LONG, offsets(start)] as const,
          [325, LONG, counts] as const,
        ]
      : []),
    ...(tags.more ?? []).map(([tag, value]) => [tag, SHORT, [value]] as const),
    ...(tags.samples === undefined ? [] : [[339, SHORT, bits.map(() => tags.samples ?? 1)] as const]),
  ];
  const sorted = (start: number) => rows(start).sort(([a], [b]) => a - b);
  const size = directory(sorted(0), 0).length;
  return Buffer.concat([directory(sorted(8 + size), 8), pixels]);
}

/** Header, directory and the values that do not fit into their entries. */
function directory(rows: ReadonlyArray<readonly [number, number, readonly number[]]>, lead: number): Buffer {
  const bytes = Buffer.alloc(2 + rows.length * ENTRY_BYTES + 4);
  bytes.writeUInt16LE(rows.length, 0);
  const behind: Buffer[] = [];
  let end = 8 + bytes.length;
  for (const [row, [tag, type, values]] of rows.entries()) {
    const entry = 2 + row * ENTRY_BYTES;
    bytes.writeUInt16LE(tag, entry);
    bytes.writeUInt16LE(type, entry + 2);
    bytes.writeUInt32LE(values.length, entry + 4);
    const packed = Buffer.alloc(Math.max(4, values.length * (type === SHORT ? 2 : 4)));
    for (const [place, value] of values.entries()) {
      if (type === SHORT) packed.writeUInt16LE(value, place * 2);
      else packed.writeUInt32LE(value, place * 4);
    }
    if (packed.length === 4) packed.copy(bytes, entry + 8);
    else {
      bytes.writeUInt32LE(end, entry + 8);
      behind.push(packed);
      end += packed.length;
    }
  }
  const header = Buffer.from('49492a0008000000', 'hex').subarray(0, lead);
  return Buffer.concat([header, bytes, ...behind]);
}
