import type { Size } from '../operations/operation.ts';
import type { CodePoints } from './av1.ts';
import { av1CodePoints } from './av1.ts';
import type { ColorSpace } from './color-space.ts';
import { spaceOfCicp } from './color-space.ts';

interface Box {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  /** Behind length and type. */
  readonly body: Buffer;
}

/** Version and flags of a full box. */
const FULL_BYTES = 4;

/** Boxes of a file or of a container, as far as they are whole (ISO/IEC 14496-12, 4.2). */
function boxesOf(bytes: Buffer): Box[] {
  const boxes: Box[] = [];
  for (let start = 0; start + 8 <= bytes.length; ) {
    const short = bytes.readUInt32BE(start);
    const isLong = short === 1 && start + 16 <= bytes.length;
    const length = isLong ? Number(bytes.readBigUInt64BE(start + 8)) : short || bytes.length - start;
    const end = start + length;
    const head = isLong ? 16 : 8;
    if (length < head || end > bytes.length) break;
    const type = bytes.toString('latin1', start + 4, start + 8);
    boxes.push({ type, start, end, body: bytes.subarray(start + head, end) });
    start = end;
  }
  return boxes;
}

const find = (boxes: readonly Box[], type: string): Box | undefined => boxes.find((box) => box.type === type);

interface Meta {
  readonly box: Box;
  readonly children: readonly Box[];
  readonly properties: Box;
  readonly container: Box;
  readonly associations: Box;
  readonly primary: number;
}

/** Of a still picture; undefined where it is not there, or not whole. */
function metaOf(file: Buffer): Meta | undefined {
  const box = find(boxesOf(file), 'meta');
  const children = box ? boxesOf(box.body.subarray(FULL_BYTES)) : [];
  const properties = find(children, 'iprp');
  const inside = properties ? boxesOf(properties.body) : [];
  const [container, associations] = [find(inside, 'ipco'), find(inside, 'ipma')];
  const pitm = find(children, 'pitm')?.body;
  if (!box || !properties || !container || !associations || !pitm) return undefined;
  const primary = pitm[0] === 0 ? pitm.readUInt16BE(FULL_BYTES) : pitm.readUInt32BE(FULL_BYTES);
  return { box, children, properties, container, associations, primary };
}

/** px of the primary image as it is stored, before it is turned or cropped (`ispe`); undefined where that is not said. */
export function primarySize(bytes: Uint8Array): Size | undefined {
  try {
    const meta = metaOf(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    const said = meta && find(propertiesOf(meta), 'ispe')?.body;
    return said && { width: said.readUInt32BE(FULL_BYTES), height: said.readUInt32BE(FULL_BYTES + 4) };
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** A property list: where an item's entries begin and end, how many there are, how long each is. */
interface Entries {
  readonly item: number;
  /** Of the count, in the body of the box. */
  readonly countAt: number;
  readonly end: number;
  readonly numbers: readonly number[];
}

/** What properties each item has (ISO/IEC 23008-12, 9.3.1); the first property is number 1. */
function entriesOf({ body }: Box): Entries[] {
  const entries: Entries[] = [];
  const [isLong, isWide] = [(body[0] ?? 0) > 0, ((body[3] ?? 0) & 1) === 1];
  let offset = FULL_BYTES + 4;
  for (let left = body.readUInt32BE(FULL_BYTES); left > 0; left--) {
    const item = isLong ? body.readUInt32BE(offset) : body.readUInt16BE(offset);
    const countAt = offset + (isLong ? 4 : 2);
    const count = body.readUInt8(countAt);
    const end = countAt + 1 + count * (isWide ? 2 : 1);
    const numbers = Array.from({ length: count }, (_, place) =>
      isWide
        ? body.readUInt16BE(countAt + 1 + 2 * place) & 0x7fff
        : body.readUInt8(countAt + 1 + place) & 0x7f,
    );
    entries.push({ item, countAt, end, numbers });
    offset = end;
  }
  return entries;
}

function propertiesOf(meta: Meta): Box[] {
  const all = boxesOf(meta.container.body);
  const numbers = entriesOf(meta.associations).find(({ item }) => item === meta.primary)?.numbers ?? [];
  return numbers.flatMap((number) => all[number - 1] ?? []);
}

/** Undefined: none is said. */
export interface AvifColour {
  readonly space: ColorSpace | undefined;
  /** What is said is not to be understood. */
  readonly isUnknown: boolean;
}

/**
 * Reads the code points of an AVIF, and how bright it is (ISO/IEC 23008-12, `colr`, `clli`, `mdcv`); where there are none,
 * those of the AV1 stream.
 */
export function readAvifColour(bytes: Uint8Array): AvifColour {
  try {
    const meta = metaOf(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    if (!meta) return { space: undefined, isUnknown: false };
    const properties = propertiesOf(meta);
    const nclx = properties.find(
      ({ type, body }) => type === 'colr' && body.toString('latin1', 0, 4) === 'nclx',
    );
    const said = nclx
      ? { primaries: nclx.body.readUInt16BE(4), transfer: nclx.body.readUInt16BE(6) }
      : inStream(bytes, meta, properties);
    if (!said) return { space: undefined, isUnknown: false };
    const space = spaceOfCicp(said.primaries, said.transfer);
    return { space: space && { ...space, peak: peakOf(properties) }, isUnknown: space === undefined };
  } catch (error) {
    if (error instanceof RangeError) return { space: undefined, isUnknown: true };
    throw error;
  }
}

/** Of units behind the four bytes of the decoder's configuration (AV1-ISOBMFF, 2.3), or of the picture itself. */
function inStream(bytes: Uint8Array, meta: Meta, properties: readonly Box[]): CodePoints | undefined {
  const units = find(properties, 'av1C')?.body.subarray(4);
  if (!units) return undefined;
  const item = units.length ? units : itemOf(bytes, meta);
  return item && av1CodePoints(item);
}

/** The bytes of the primary item where they lie in one piece of the file (ISO/IEC 14496-12, 8.11.3). */
function itemOf(bytes: Uint8Array, { children, primary }: Meta): Uint8Array | undefined {
  const iloc = find(children, 'iloc')?.body;
  const version = iloc?.[0] ?? 3;
  if (!iloc || version > 2) return undefined;
  const sizes = iloc.readUInt16BE(FULL_BYTES);
  const [offsetBytes, lengthBytes] = [sizes >> 12, (sizes >> 8) & 15];
  const [baseBytes, indexBytes] = [(sizes >> 4) & 15, version ? sizes & 15 : 0];
  const idBytes = version === 2 ? 4 : 2;
  let place = FULL_BYTES + 2;
  const read = (length: number): number => {
    const value =
      length === 8 ? Number(iloc.readBigUInt64BE(place)) : length ? iloc.readUIntBE(place, length) : 0;
    place += length;
    return value;
  };
  for (let left = read(idBytes); left > 0; left--) {
    const item = read(idBytes);
    const method = version ? read(2) & 15 : 0;
    read(2);
    const base = read(baseBytes);
    const extents = Array.from({ length: read(2) }, () => {
      read(indexBytes);
      return { offset: base + read(offsetBytes), length: read(lengthBytes) };
    });
    const [first] = extents;
    if (item === primary)
      return first && extents.length === 1 && method === 0
        ? bytes.subarray(first.offset, first.offset + first.length)
        : undefined;
  }
  return undefined;
}

/** cd/m². */
function peakOf(properties: readonly Box[]): number | undefined {
  const content = find(properties, 'clli')?.body.readUInt16BE(0) ?? 0;
  const mastered = (find(properties, 'mdcv')?.body.readUInt32BE(16) ?? 0) / 10_000;
  return content || mastered || undefined;
}

/**
 * A copy of an AVIF that carries a profile. Offsets in the file count from its start, so nothing moves: the description
 * becomes free space, and a longer one stands at the end.
 *
 * @returns undefined where the file is not as it should be
 */
export function withAvifProfile(bytes: Uint8Array, profile: Uint8Array): Buffer | undefined {
  try {
    return rewritten(bytes, profile);
  } catch (error) {
    // A length that leads out of its box.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function rewritten(bytes: Uint8Array, profile: Uint8Array): Buffer | undefined {
  const file = Buffer.from(bytes);
  const meta = metaOf(file);
  if (!meta) return undefined;
  const { box, children, properties, container, associations } = meta;
  const added = boxesOf(container.body).length + 1;
  const colr = boxed('colr', Buffer.from('prof', 'latin1'), Buffer.from(profile));
  const others = boxesOf(properties.body).filter((child) => child.type !== 'ipco' && child.type !== 'ipma');
  const written = boxed(
    'iprp',
    boxed('ipco', container.body, colr),
    boxed('ipma', associated(meta, associations, added)),
    ...others.map(({ type, body }) => boxed(type, body)),
  );
  const whole = boxed(
    'meta',
    box.body.subarray(0, FULL_BYTES),
    ...children.map((child) => (child === properties ? written : boxed(child.type, child.body))),
  );
  file.write('free', box.start + 4, 'latin1');
  // A length of 0 means up to the end of the file, which is further off now.
  if (file.readUInt32BE(box.start) === 0) file.writeUInt32BE(box.end - box.start, box.start);
  return Buffer.concat([file, whole]);
}

function associated({ primary }: Meta, associations: Box, property: number): Buffer {
  const { body } = associations;
  const isWide = ((body[3] ?? 0) & 1) === 1;
  const entry = entriesOf(associations).find(({ item }) => item === primary);
  if (!entry || (!isWide && property > 0x7f)) return body;
  const number = Buffer.alloc(isWide ? 2 : 1);
  if (isWide) number.writeUInt16BE(property);
  else number.writeUInt8(property);
  const whole = Buffer.concat([body.subarray(0, entry.end), number, body.subarray(entry.end)]);
  whole.writeUInt8(entry.numbers.length + 1, entry.countAt);
  return whole;
}

function boxed(type: string, ...parts: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(8);
  const body = Buffer.concat(parts);
  head.writeUInt32BE(8 + body.length);
  head.write(type, 4, 'latin1');
  return Buffer.concat([head, body]);
}
