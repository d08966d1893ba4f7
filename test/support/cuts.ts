import { createHash } from 'node:crypto';
import { isProblem } from '../../server/shared/errors.ts';
import { picture } from './pictures.ts';

const looks = async (bytes: Uint8Array): Promise<string> => {
  const rendered = await picture(bytes, 'w=64&fmt=webp&lossless&effort=fast');
  return createHash('sha1').update(rendered.bytes).digest('hex');
};

/** Where a file is cut: shares of its length; bytes before its end where negative. */
export const CUTS = [0.3, 0.6, 0.9, 0.97, -40, -9, -2, -1];

/**
 * Cuts that are shown as another picture than the whole file.
 *
 * @returns  undefined where the whole file itself is none
 */
export async function shownInPart(bytes: Buffer, cuts: readonly number[]): Promise<number[] | undefined> {
  const whole = await looks(bytes).catch(() => undefined);
  if (!whole) return undefined;
  const shown: number[] = [];
  for (const cut of cuts) {
    const length = cut < 0 ? bytes.length + cut : Math.floor(bytes.length * cut);
    const found = await looks(bytes.subarray(0, length)).catch((error: unknown) => error);
    const isRefused = isProblem(found) && /^(damaged|unsupported)_source$/.test(found.code);
    if (!isRefused && found !== whole) shown.push(cut);
  }
  return shown;
}
