/**
 * Curve from the numbers of a picture, 0-1, to linear light, 0-1, as ICC writes it (ICC.1, 10.18): `[g]` is x^g, with
 * five numbers (ax + b)^g from d on and cx below it. The two of high dynamic range are no such curves.
 */
export type Transfer =
  | readonly [g: number]
  | readonly [number, number, number, number, number]
  | 'pq'
  | 'hlg';

/** IEC 61966-2-1. */
export const SRGB_TRANSFER: Transfer = [2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045];

export const srgbToLinear = (value: number): number =>
  value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
export const linearToSrgb = (value: number): number =>
  value <= 0.0031308 ? value * 12.92 : 1.055 * value ** (1 / 2.4) - 0.055;

/** SMPTE ST 2084; cd/m² of the code 1. */
const PQ_PEAK = 10_000;
const [M1, M2] = [2610 / 16_384, (2523 / 4096) * 128];
const [C1, C2, C3] = [3424 / 4096, (2413 / 4096) * 32, (2392 / 4096) * 32];

/** @returns cd/m², 0-10,000 */
export function pqToNits(code: number): number {
  const power = code ** (1 / M2);
  return PQ_PEAK * (Math.max(0, power - C1) / (C2 - C3 * power)) ** (1 / M1);
}

export function nitsToPq(nits: number): number {
  const power = (nits / PQ_PEAK) ** M1;
  return ((C1 + C2 * power) / (1 + C3 * power)) ** M2;
}

/** Inverse of HLG's OETF (BT.2100, table 5): light of the scene, 0-1. */
export function hlgToScene(code: number): number {
  const [a, b, c] = [0.17883277, 0.28466892, 0.55991073];
  return code <= 0.5 ? code ** 2 / 3 : (Math.exp((code - c) / a) + b) / 12;
}

/** cd/m² of the display that HLG is graded on, and its gamma (BT.2100, table 5, note 5f). */
export const HLG_PEAK = 1000;
const HLG_GAMMA = 1.2;

/**
 * BT.2100's OOTF: how much the light of the scene is multiplied by to be that of the display.
 *
 * @param luminance  of the scene, 0-1
 * @returns          cd/m² for each 1 of the scene
 */
export const hlgGain = (luminance: number): number =>
  luminance <= 0 ? 0 : HLG_PEAK * luminance ** (HLG_GAMMA - 1);

/** cd/m² of white in SDR (BT.2408). */
export const SDR_WHITE = 203;

/** What PQ is graded on where the file does not say, as browsers take it; cd/m². */
export const PQ_GRADED = 1000;

/**
 * The EETF of BT.2390 (5.4.1): light of a brighter display on one of SDR_WHITE, both with a black of 0.
 *
 * @param nits  cd/m²
 * @param peak  cd/m² of the display that the picture was graded on; what is brighter is cut off
 * @returns     0-1, of SDR_WHITE
 */
export function toneMap(nits: number, peak: number): number {
  if (peak <= SDR_WHITE) return Math.min(1, nits / SDR_WHITE);
  const white = nitsToPq(peak);
  const most = nitsToPq(SDR_WHITE) / white;
  const knee = 1.5 * most - 0.5;
  const code = Math.min(1, nitsToPq(nits) / white);
  if (code < knee) return nits / SDR_WHITE;
  const t = (code - knee) / (1 - knee);
  const [t2, t3] = [t ** 2, t ** 3];
  const bent = (2 * t3 - 3 * t2 + 1) * knee + (t3 - 2 * t2 + t) * (1 - knee) + (3 * t2 - 2 * t3) * most;
  return pqToNits(bent * white) / SDR_WHITE;
}
