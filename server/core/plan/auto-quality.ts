import { exactQuality } from './quality.ts';

/** What a coarse JPEG says of a picture. */
export interface Probe {
  /** How much there is to keep; above 0. */
  readonly bitsPerPixel: number;
  /** Mean over all levels of 0-255 of what it has lost; 0 or more. */
  readonly squaredError: number;
}

/**
 * The codec's own quality at which pictures look alike (SSIMULACRA2 of 72), of 1 and the logarithms of bits per pixel and
 * squared error: bench/quality-auto.ts, docs/quality.md.
 */
export const PREDICTED = {
  jpeg: [-53.54, -35.38, 25.17],
  webp: [-25.66, -44.96, 17.97],
  avif: [23.74, -3.29, 7.17],
} as const;

/** The codec's own qualities beyond which nothing is predicted. */
const LIMITS = { jpeg: [36, 88], webp: [36, 90], avif: [42, 72] } as const;
/** Of a picture of one colour nothing is lost. */
const LEAST_ERROR = 0.01;

/**
 * The codec's own quality for a picture.
 *
 * @returns  1-100, whole
 */
export function codecAutoQuality(format: keyof typeof PREDICTED, probe: Probe): number {
  const [one, bits, error] = PREDICTED[format];
  const { bitsPerPixel, squaredError } = probe;
  const quality = one + bits * Math.log(bitsPerPixel) + error * Math.log(Math.max(LEAST_ERROR, squaredError));
  const [least, most] = LIMITS[format];
  return Math.round(Math.min(most, Math.max(least, quality)));
}

/** The same on JPEG's scale, not whole: it leads back to the codec's own. */
export const autoQuality = (format: keyof typeof PREDICTED, probe: Probe): number =>
  exactQuality(format, codecAutoQuality(format, probe));
