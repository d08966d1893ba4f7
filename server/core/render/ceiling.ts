import type { EncoderSettings, Format } from '../plan/formats.ts';

interface Sized {
  readonly bytes: Buffer;
}

/** In all; what cannot be had in three is not worth a fourth. */
const MAX_TRIES = 3;

/** By how much the logarithm of the bytes falls with a step of quality, about, before two sizes are known. */
const SLOPE = 0.02;

/** Steps of quality that a size is to fall by, and half as many more: a fourth try would cost as much as it saves. */
const MARGIN = 1.5;

/**
 * Encodes until the bytes stay within a ceiling, from the quality that is asked for downwards.
 *
 * @param encode  from the picture as it was before
 * @returns       where none does, the smallest; of a few bytes the one as asked for, where little more than headers is left
 *                to save
 */
export async function withinCeiling<T extends Sized>(
  settings: EncoderSettings,
  format: Format,
  encode: (settings: EncoderSettings) => Promise<T>,
): Promise<T> {
  const { ceiling = Number.POSITIVE_INFINITY } = settings;
  const first = await encode(settings);
  let best = first;
  let [quality, size, slope] = [settings.quality, best.bytes.length, SLOPE];
  for (let tries = 1; tries < MAX_TRIES && best.bytes.length > ceiling; tries++) {
    const isLossless = tries === 1 && settings.ownsEveryPixel === true;
    const next = isLossless ? quality : lower(quality, Math.log(size / ceiling) / slope, tries);
    const tried = await encode({ ...simpler(settings, format, size), quality: next, lossless: isLossless });
    if (!isLossless && next < quality && tried.bytes.length < size)
      slope = Math.log(size / tried.bytes.length) / (quality - next);
    if (!isLossless) [quality, size] = [next, tried.bytes.length];
    if (tried.bytes.length < best.bytes.length) best = tried;
  }
  const isIdle = best.bytes.length > ceiling && ceiling < HEADER_BYTES;
  return isIdle && best.bytes.length > first.bytes.length * WORTHWHILE ? first : best;
}

/** Of the bytes as asked for: what is left of a picture whose bytes are not headers is less. */
const WORTHWHILE = 0.6;

function lower(quality: number, steps: number, tries: number): number {
  return Math.max(1, quality - Math.max(tries * 3, Math.ceil(steps * MARGIN)));
}

/** Bytes up to which headers weigh more than what is tried can save: of ten scans, of a file. */
const HEADER_BYTES = 4096;

const simpler = (settings: EncoderSettings, format: Format, size: number): EncoderSettings =>
  format === 'jpeg' && size < HEADER_BYTES && settings.progressive === undefined
    ? { ...settings, progressive: false }
    : settings;
