import { EXIF_TAGS, readExif, shortIn } from './exif.ts';
import type { SourceFormat } from './sniff.ts';

/** Largest difference that a codec whose settings are not read makes, 0-255 (measured: WebP q60 and better, AVIF). */
const SOME = 64;

/** Of the mean step of luminance; measured on random dots, which lose most: q60 113, q75 89, q95 18. */
const PER_STEP = 4;

/**
 * How far the codec of a file may have moved a pixel beside an edge.
 *
 * @returns  0-255; undefined for a file without loss
 */
export function codecLoss(format: SourceFormat, bytes: Uint8Array): number | undefined {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (format) {
    case 'jpeg':
      return jpegLoss(file);
    case 'webp':
      return isLossyWebp(file) ? SOME : undefined;
    case 'avif':
      return SOME;
    case 'tiff':
      return isJpegInTiff(file) ? SOME : undefined;
    default:
      return undefined;
  }
}

const [MARKER, DQT, SOS] = [0xff, 0xdb, 0xda];

/** Mean of the first quantization table, which is that of luminance (ITU-T T.81, B.2.4.1). */
function jpegLoss(file: Buffer): number {
  for (let start = 2; start + 4 <= file.length && file[start] === MARKER; ) {
    const marker = file[start + 1];
    const length = file.readUInt16BE(start + 2);
    if (marker === SOS) break;
    if (marker === DQT) {
      const wide = (file[start + 4] ?? 0) >> 4;
      const table = file.subarray(start + 5, start + 5 + 64 * (wide ? 2 : 1));
      const steps = table.filter((_, index) => !wide || index % 2 === 1);
      return (PER_STEP * steps.reduce((sum, step) => sum + step, 0)) / 64;
    }
    start += 2 + length;
  }
  return SOME;
}

/** Whether a picture or a frame is VP8 and not VP8L (RFC 9649, 2.3: chunks of four letters, size, padding). */
function isLossyWebp(file: Buffer): boolean {
  for (let start = 12; start + 8 <= file.length; ) {
    const kind = file.toString('latin1', start, start + 4);
    if (kind === 'VP8 ') return true;
    // A frame begins with 16 bytes of its own and holds chunks.
    start += kind === 'ANMF' ? 24 : 8 + file.readUInt32LE(start + 4) + (file.readUInt32LE(start + 4) & 1);
  }
  return false;
}

/** Compression of old and new JPEG in TIFF (TIFF 6.0, 22; Technical Note 2). */
function isJpegInTiff(file: Buffer): boolean {
  const directory = readExif(file);
  const compression = directory && shortIn(directory, EXIF_TAGS.compression);
  return compression === 6 || compression === 7;
}
