import type { Transfer } from './transfer.ts';
import { HLG_PEAK, hlgGain, hlgToScene, PQ_GRADED, pqToNits, SRGB_TRANSFER, toneMap } from './transfer.ts';

type Chromaticity = readonly [x: number, y: number];

export interface Primaries {
  readonly white: Chromaticity;
  readonly red: Chromaticity;
  readonly green: Chromaticity;
  readonly blue: Chromaticity;
}

/** What the numbers of a picture mean. */
export interface ColorSpace {
  readonly primaries: Primaries;
  readonly transfer: Transfer;
  /** cd/m² that PQ was graded on, where the file says so. */
  readonly peak?: number | undefined;
}

export const isHdr = ({ transfer }: ColorSpace): boolean => transfer === 'pq' || transfer === 'hlg';

const D65: Chromaticity = [0.3127, 0.329];
const C: Chromaticity = [0.31, 0.316];

const primaries = (
  white: Chromaticity,
  ...xy: [number, number, number, number, number, number]
): Primaries => ({
  white,
  red: [xy[0], xy[1]],
  green: [xy[2], xy[3]],
  blue: [xy[4], xy[5]],
});

export const SRGB_PRIMARIES = primaries(D65, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06);
const NTSC = primaries(D65, 0.63, 0.34, 0.31, 0.595, 0.155, 0.07);

/** Colour primaries by their number (H.273, table 2); 2 says that nothing is said. */
const PRIMARIES: Readonly<Record<number, Primaries>> = {
  1: SRGB_PRIMARIES,
  2: SRGB_PRIMARIES,
  4: primaries(C, 0.67, 0.33, 0.21, 0.71, 0.14, 0.08),
  5: primaries(D65, 0.64, 0.33, 0.29, 0.6, 0.15, 0.06),
  6: NTSC,
  7: NTSC,
  8: primaries(C, 0.681, 0.319, 0.243, 0.692, 0.145, 0.049),
  9: primaries(D65, 0.708, 0.292, 0.17, 0.797, 0.131, 0.046),
  10: primaries([1 / 3, 1 / 3], 1, 0, 0, 1, 0, 0),
  11: primaries([0.314, 0.351], 0.68, 0.32, 0.265, 0.69, 0.15, 0.06),
  12: primaries(D65, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06),
  22: primaries(D65, 0.63, 0.34, 0.295, 0.605, 0.155, 0.077),
};

/**
 * Transfer characteristics by their number (H.273, table 3). Those of video, of which H.273 has the curve of the
 * camera, are shown with sRGB's by browsers (checked: Chromium, 1 6 14 15), and so they are here.
 */
const TRANSFERS: Readonly<Record<number, Transfer>> = {
  1: SRGB_TRANSFER,
  2: SRGB_TRANSFER,
  4: [2.2],
  5: [2.8],
  6: SRGB_TRANSFER,
  7: [1 / 0.45, 1 / 1.1115, 0.1115 / 1.1115, 1 / 4, 0.0912],
  8: [1],
  11: SRGB_TRANSFER,
  12: SRGB_TRANSFER,
  13: SRGB_TRANSFER,
  14: SRGB_TRANSFER,
  15: SRGB_TRANSFER,
  16: 'pq',
  17: [2.6, (52.37 / 48) ** (1 / 2.6), 0, 0, 0],
  18: 'hlg',
};

/** @returns undefined for numbers that are reserved, or of no use here: logarithms */
export function spaceOfCicp(primariesCode: number, transferCode: number): ColorSpace | undefined {
  const [found, transfer] = [PRIMARIES[primariesCode], TRANSFERS[transferCode]];
  return found && transfer && { primaries: found, transfer };
}

/** Whether it is sRGB, near enough that no level of 8 bits differs by more than one. */
export function isSrgb({ primaries: { white, red, green, blue }, transfer }: ColorSpace): boolean {
  const pairs = [
    [white, SRGB_PRIMARIES.white],
    [red, SRGB_PRIMARIES.red],
    [green, SRGB_PRIMARIES.green],
    [blue, SRGB_PRIMARIES.blue],
  ] as const;
  const near = pairs.every(([a, b]) => Math.abs(a[0] - b[0]) < 0.001 && Math.abs(a[1] - b[1]) < 0.001);
  return near && transfer === SRGB_TRANSFER;
}

export type Matrix = readonly [Row, Row, Row];
type Row = readonly [number, number, number];

/** To CIE XYZ of the space's own white, which has Y = 1; undefined for primaries that span nothing. */
export function toXyz({ white, red, green, blue }: Primaries): Matrix | undefined {
  if ([white, red, green, blue].some(([x, y]) => !(x >= 0 && y >= 0 && x + y <= 1.0001)) || white[1] === 0)
    return undefined;
  const columns = [red, green, blue].map(([x, y]): Row => [x, y, 1 - x - y]);
  const [r, g, b] = columns;
  if (!r || !g || !b) return undefined;
  const inverted = invert(transpose([r, g, b]));
  if (!inverted) return undefined;
  const [sr, sg, sb] = apply(inverted, whiteXyz(white));
  return transpose([scale(r, sr), scale(g, sg), scale(b, sb)]);
}

export const whiteXyz = ([x, y]: Chromaticity): Row => [x / y, 1, (1 - x - y) / y];

const scale = ([a, b, c]: Row, by: number): Row => [a * by, b * by, c * by];
const dot = (a: Row, b: Row): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const cross = (a: Row, b: Row): Row => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];

export const apply = (matrix: Matrix, vector: Row): Row => [
  dot(matrix[0], vector),
  dot(matrix[1], vector),
  dot(matrix[2], vector),
];

export const transpose = ([a, b, c]: Matrix): Matrix => [
  [a[0], b[0], c[0]],
  [a[1], b[1], c[1]],
  [a[2], b[2], c[2]],
];

export function multiply(left: Matrix, right: Matrix): Matrix {
  const columns = transpose(right);
  return transpose([apply(left, columns[0]), apply(left, columns[1]), apply(left, columns[2])]);
}

export function invert(matrix: Matrix): Matrix | undefined {
  const [a, b, c] = matrix;
  const determinant = dot(a, cross(b, c));
  if (Math.abs(determinant) < 1e-6) return undefined;
  return transpose([
    scale(cross(b, c), 1 / determinant),
    scale(cross(c, a), 1 / determinant),
    scale(cross(a, b), 1 / determinant),
  ]);
}

/**
 * Numbers of a picture of high dynamic range as linear light of SDR, in its own primaries: 1 is SDR white.
 * All three are scaled by what BT.2390 does to the brightest, so that hues stay and greys are grey.
 *
 * @param luminance  share of each primary in Y
 */
export function toneMapped({ transfer, peak }: ColorSpace, codes: Row, luminance: Row): Row {
  const graded = transfer === 'hlg' ? HLG_PEAK : (peak ?? PQ_GRADED);
  const light = transfer === 'hlg' ? displayed(codes, luminance) : eachOf(codes, pqToNits);
  const most = Math.max(...light);
  return most <= 0 ? [0, 0, 0] : scale(light, toneMap(most, graded) / most);
}

function displayed(codes: Row, luminance: Row): Row {
  const scene = eachOf(codes, hlgToScene);
  return scale(scene, hlgGain(dot(scene, luminance)));
}

const eachOf = ([a, b, c]: Row, of: (value: number) => number): Row => [of(a), of(b), of(c)];
