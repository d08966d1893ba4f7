import { EXIF_TAGS, numberIn, readExif } from './exif.ts';
import type { Source } from './source.ts';

/** Largest difference that a codec whose settings are not read makes, 0-255 (measured: WebP q60 and better, AVIF). */
const SOME = 64;

/** The same of a JPEG of q50; it falls with its tables (measured on random dots: q60 113, q75 89, q95 18). */
const JPEG_AT_50 = 230;

/**
 * How far the codec of a file may have moved a pixel beside an edge.
 *
 * @returns  0-255; undefined for a file without loss
 */
export function codecLoss(
  { format, quality, losslessWebp }: Pick<Source, 'format' | 'quality' | 'losslessWebp'>,
  bytes: Uint8Array,
): number | undefined {
  switch (format) {
    case 'jpeg':
      return quality === undefined ? SOME : (JPEG_AT_50 * Math.min(100, 200 - 2 * quality)) / 100;
    case 'webp':
      return losslessWebp ? undefined : SOME;
    case 'avif':
      return SOME;
    case 'tiff':
      return isJpegInTiff(bytes) ? SOME : undefined;
    default:
      return undefined;
  }
}

/** Compression of old and new JPEG in TIFF (TIFF 6.0, 22; Technical Note 2). */
function isJpegInTiff(file: Uint8Array): boolean {
  const directory = readExif(file);
  const compression = directory && numberIn(directory, EXIF_TAGS.compression);
  return compression === 6 || compression === 7;
}
