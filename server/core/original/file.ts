import sharp from 'sharp';
import type { Size } from '../operations/operation.ts';
import { FAIL_ON } from '../sharp/fail-on.ts';
import { sharpProblem } from '../sharp/sharp-errors.ts';
import { readSource, type Source } from './source.ts';

/** An original that lies in a file, since nobody wants to hold it in memory. */
export interface OriginalFile {
  readonly path: string;
  readonly format: Source['format'];
  readonly bytes: number;
}

/**
 * Reads the header of a file.
 *
 * @param measure  natural size of an SVG, in px
 * @throws Problem `unsupported_source`, `damaged_source`, `too_many_pixels`; those of `measure`
 */
export async function readFileSource(
  { path, format, bytes }: OriginalFile,
  measure: (path: string) => Promise<Size>,
): Promise<Source> {
  try {
    const header = format === 'svg' ? await measure(path) : await headerOf(path);
    return readSource(format, bytes, header);
  } catch (error) {
    throw sharpProblem(error, format);
  }
}

const headerOf = (path: string) => sharp(path, { failOn: FAIL_ON, limitInputPixels: false }).metadata();
