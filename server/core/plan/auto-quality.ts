import { exactQuality } from './quality.ts';

/** What a coarse JPEG says of a picture. */
export interface Probe {
  /** How much there is to keep; above 0. */
  readonly bitsPerPixel: number;
  /** Mean of the squares of what it has lost of luma, 0-255; 0 or more. */
  readonly lumaError: number;
  /** The same of both colour differences together. */
  readonly colourError: number;
  /** Of luma at half the size, 0 where nothing is lost: 1 less SSIM's contrast and structure. */
  readonly structureLoss: number;
}

/**
 * The codec's own quality at which pictures look alike (SSIMULACRA2 of 72), of 1 and the logarithms of what a probe says,
 * in the order of its members: bench/quality-auto.ts, docs/quality.md.
 */
export const PREDICTED: Readonly<Record<'jpeg' | 'webp' | 'avif', readonly number[]>> = {
  jpeg: [41, -19.63, 12.69, 3.47, 11.35],
  webp: [89.19, -18.79, 5.11, 2.71, 14.39],
  avif: [56.15, 1.93, 4.68, 0.32, 4.56],
};

/** The codec's own qualities beyond which nothing is predicted. */
const LIMITS = { jpeg: [36, 88], webp: [36, 90], avif: [42, 72] } as const;
/** Of a picture of one colour nothing is lost. */
const LEAST_ERROR = 0.01;
const LEAST_LOSS = 0.0001;

/** What the coefficients belong to. */
export const factorsOf = (probe: Probe): readonly number[] => [
  1,
  Math.log(probe.bitsPerPixel),
  Math.log(Math.max(LEAST_ERROR, probe.lumaError)),
  Math.log(Math.max(LEAST_ERROR, probe.colourError)),
  Math.log(Math.max(LEAST_LOSS, probe.structureLoss)),
];

/**
 * The codec's own quality for a picture.
 *
 * @returns  1-100, whole
 */
export function codecAutoQuality(format: keyof typeof PREDICTED, probe: Probe): number {
  const factors = factorsOf(probe);
  const quality = PREDICTED[format].reduce(
    (sum, coefficient, index) => sum + coefficient * (factors[index] ?? 0),
    0,
  );
  const [least, most] = LIMITS[format];
  return Math.round(Math.min(most, Math.max(least, quality)));
}

/** The same on JPEG's scale, not whole: it leads back to the codec's own. */
export const autoQuality = (format: keyof typeof PREDICTED, probe: Probe): number =>
  exactQuality(format, codecAutoQuality(format, probe));
