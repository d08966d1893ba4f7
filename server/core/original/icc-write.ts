import type { ColorSpace, Matrix } from './color-space.ts';
import {
  apply,
  invert,
  isHdr,
  multiply,
  SRGB_PRIMARIES,
  toneMapped,
  toXyz,
  transpose,
  whiteXyz,
} from './color-space.ts';
import { tagsOf } from './icc-read.ts';
import { linearToSrgb, SRGB_TRANSFER } from './transfer.ts';

/** White of the profile connection space (ICC.1, 7.2.16). */
const D50 = [0.9642, 1, 0.8249] as const;

const BRADFORD: Matrix = [
  [0.8951, 0.2664, -0.1614],
  [-0.7502, 1.7135, 0.0367],
  [0.0389, -0.0685, 1.0296],
];

type Tag = readonly [signature: string, body: Buffer];

const HEADER_BYTES = 128;
const ENTRY_BYTES = 12;

/**
 * Versions: 4.3, and 2.4 for tables, of which lcms would take the darkest colour of a version 4 to be a black point and
 * subtract it (cmssamp.c).
 */
const [V4, V2] = [0x04300000, 0x02400000];

function profile(device: 'RGB ' | 'GRAY' | 'CMYK', version: number, own: readonly Tag[]): Buffer {
  const tags: Tag[] = [
    ['desc', text('Rendition')],
    ['cprt', text('No copyright, use freely')],
    ['wtpt', xyz(D50)],
    ...own,
  ];
  const table = Buffer.alloc(4 + ENTRY_BYTES * tags.length);
  table.writeUInt32BE(tags.length);
  let offset = HEADER_BYTES + table.length;
  const bodies = tags.map(([signature, body], index) => {
    table.write(signature, 4 + index * ENTRY_BYTES, 'latin1');
    table.writeUInt32BE(offset, 8 + index * ENTRY_BYTES);
    table.writeUInt32BE(body.length, 12 + index * ENTRY_BYTES);
    const whole = padded(body);
    offset += whole.length;
    return whole;
  });
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(offset, 0);
  header.writeUInt32BE(version, 8);
  header.write(`${device === 'CMYK' ? 'prtr' : 'mntr'}${device}XYZ `, 12, 'latin1');
  for (const [index, value] of [2000, 1, 1].entries()) header.writeUInt16BE(value, 24 + 2 * index);
  header.write('acsp', 36, 'latin1');
  fixed(D50).copy(header, 68);
  return Buffer.concat([header, table, ...bodies]);
}

const padded = (body: Buffer): Buffer => Buffer.concat([body, Buffer.alloc((4 - (body.length % 4)) % 4)]);
/** s15Fixed16. */
function fixed(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeInt32BE(Math.round(value * 65_536), 4 * index);
  return bytes;
}

const typed = (signature: string, ...parts: Buffer[]): Buffer =>
  Buffer.concat([Buffer.from(`${signature}\0\0\0\0`, 'latin1'), ...parts]);

const xyz = (values: readonly number[]): Buffer => typed('XYZ ', fixed(values));

function text(words: string): Buffer {
  const record = Buffer.alloc(20);
  record.writeUInt32BE(1, 0);
  record.writeUInt32BE(12, 4);
  record.write('enUS', 8, 'latin1');
  record.writeUInt32BE(2 * words.length, 12);
  record.writeUInt32BE(28, 16);
  return typed('mluc', record, Buffer.from(words, 'utf16le').swap16());
}

/** A parametric curve of one parameter or five. */
function curve(parameters: readonly number[]): Buffer {
  const kind = Buffer.alloc(4);
  kind.writeUInt16BE(parameters.length === 1 ? 0 : 3);
  return typed('para', kind, fixed(parameters));
}

function sampledCurve(values: readonly number[]): Buffer {
  const count = Buffer.alloc(4);
  count.writeUInt32BE(values.length);
  return typed('curv', count, words(values));
}

function words(values: ArrayLike<number>): Buffer {
  const whole = new Uint16Array(values.length);
  for (let index = 0; index < whole.length; index++)
    whole[index] = Math.round(Math.min(1, Math.max(0, values[index] ?? 0)) * 65_535);
  return Buffer.from(whole.buffer).swap16();
}

/** From linear light of a space to the connection space, and what adapts its white to D50. */
interface Pcs {
  readonly matrix: Matrix;
  readonly chad: Matrix;
}

function toPcs({ primaries }: Pick<ColorSpace, 'primaries'>): Pcs | undefined {
  const own = toXyz(primaries);
  const back = invert(BRADFORD);
  if (!own || !back) return undefined;
  const [from, to] = [apply(BRADFORD, whiteXyz(primaries.white)), apply(BRADFORD, D50)];
  const gains: Matrix = [
    [to[0] / from[0], 0, 0],
    [0, to[1] / from[1], 0],
    [0, 0, to[2] / from[2]],
  ];
  const chad = multiply(back, multiply(gains, BRADFORD));
  return { matrix: multiply(chad, own), chad };
}

/**
 * A profile that shows a space's numbers as they are meant; high dynamic range tone-mapped to SDR.
 *
 * @param isGrey  for pictures of one band
 * @returns       undefined for primaries that span no colours
 */
export function writeProfile(space: ColorSpace, isGrey: boolean): Buffer | undefined {
  const pcs = toPcs(space);
  if (!pcs) return undefined;
  const { transfer } = space;
  if (isGrey) return profile('GRAY', V4, [['kTRC', greyCurve(space)]]);
  if (isHdr(space) || typeof transfer === 'string') return hdrProfile(space, pcs.matrix);
  return shaped(pcs, curve(transfer));
}

/** The curve of a grey profile, for three equal bands; undefined where it has none. */
export function greyAsRgb(grey: Buffer): Buffer | undefined {
  const shape = tagsOf(grey).get('kTRC');
  const pcs = toPcs({ primaries: SRGB_PRIMARIES });
  return shape && pcs && shaped(pcs, shape);
}

function shaped({ matrix, chad }: Pcs, shape: Buffer): Buffer {
  const [red, green, blue] = transpose(matrix).map(xyz);
  if (!red || !green || !blue) throw new Error('A matrix has three columns.');
  return profile('RGB ', V4, [
    ['chad', typed('sf32', fixed(chad.flat()))],
    ['rXYZ', red],
    ['gXYZ', green],
    ['bXYZ', blue],
    ['rTRC', shape],
    ['gTRC', shape],
    ['bTRC', shape],
  ]);
}

const CURVE_POINTS = 4096;

function greyCurve(space: ColorSpace): Buffer {
  if (typeof space.transfer !== 'string') return curve(space.transfer);
  const codes = Array.from({ length: CURVE_POINTS }, (_, index) => index / (CURVE_POINTS - 1));
  return sampledCurve(codes.map((code) => toneMapped(space, [code, code, code], [0, 1, 0])[0]));
}

/** Points a side; what lcms takes itself where it puts a whole conversion into one table. */
const HDR_POINTS = 33;

function hdrProfile(space: ColorSpace, matrix: Matrix): Buffer {
  const weights = toXyz(space.primaries)?.[1] ?? [0, 1, 0];
  const nodes = sampled(3, HDR_POINTS, ([red = 0, green = 0, blue = 0]) =>
    toneMapped(space, [red, green, blue], weights).map(linearToSrgb),
  );
  return profile('RGB ', V2, [['A2B0', table({ inputs: 3, points: HDR_POINTS, nodes, matrix })]]);
}

/** Points of an ink; between them a product of two inks is at most a level off. */
const INK_POINTS = 9;

/**
 * CMYK as browsers show what has no profile: each ink and black take away from white, in the numbers of sRGB
 * (checked: Chromium).
 */
export function plainCmykProfile(): Buffer {
  const { matrix } = toPcs({ primaries: SRGB_PRIMARIES }) ?? {};
  if (!matrix) throw new Error('sRGB spans no colours.');
  const nodes = sampled(4, INK_POINTS, ([cyan = 0, magenta = 0, yellow = 0, black = 0]) =>
    [cyan, magenta, yellow].map((ink) => (1 - ink) * (1 - black)),
  );
  return profile('CMYK', V2, [['A2B0', table({ inputs: 4, points: INK_POINTS, nodes, matrix })]]);
}

/** Three values for each point of a grid, which is 0-1 in every direction; the last direction runs first. */
function sampled(
  inputs: number,
  points: number,
  of: (point: readonly number[]) => readonly number[],
): Buffer {
  const values = new Float64Array(3 * points ** inputs);
  const steps = Array.from({ length: inputs }, () => 0);
  for (let start = 0; start < values.length; start += 3) {
    values.set(of(steps.map((step) => step / (points - 1))), start);
    for (let input = inputs - 1; input >= 0; input--) {
      steps[input] = ((steps[input] ?? 0) + 1) % points;
      if (steps[input]) break;
    }
  }
  return words(values);
}

interface Table {
  readonly inputs: number;
  readonly points: number;
  /** RGB of each point of the grid, with sRGB's curve. */
  readonly nodes: Buffer;
  readonly matrix: Matrix;
}

/** A lutAToBType (ICC.1, 10.12): table, then sRGB's curve, then the matrix; 1 of XYZ is 32,768 there. */
function table({ inputs, points, nodes, matrix }: Table): Buffer {
  const unchanged = typed('curv', Buffer.alloc(4));
  const repeated = (body: Buffer, count: number) =>
    Buffer.concat(Array.from({ length: count }, () => padded(body)));
  const counts = Buffer.alloc(20);
  counts.fill(points, 0, inputs);
  counts.writeUInt8(2, 16);
  const rows = matrix.flat().map((value) => (value * 32_768) / 65_535);
  const parts = [
    repeated(unchanged, 3),
    fixed([...rows, 0, 0, 0]),
    repeated(curve(SRGB_TRANSFER as readonly number[]), 3),
    padded(Buffer.concat([counts, nodes])),
    repeated(unchanged, inputs),
  ];
  const head = Buffer.alloc(24);
  head.writeUInt8(inputs, 0);
  head.writeUInt8(3, 1);
  let offset = 32;
  for (const [index, part] of parts.entries()) {
    head.writeUInt32BE(offset, 4 + 4 * index);
    offset += part.length;
  }
  return typed('mAB ', head, ...parts);
}
