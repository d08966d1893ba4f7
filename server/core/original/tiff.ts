import { Problem } from '../../shared/errors.ts';
import type { ExifDirectory } from './exif.ts';
import { EXIF_TAGS, numberIn, readExif } from './exif.ts';
import type { Header } from './source.ts';

/** Bands that are colours, by libvips' name of the space; one more is alpha. */
const COLOURS: Readonly<Record<string, number>> = {
  'b-w': 1,
  grey16: 1,
  srgb: 3,
  rgb16: 3,
  scrgb: 3,
  cmyk: 4,
};

/** TIFF 6.0, section 22; Adobe Photoshop TIFF technical notes for JPEG. */
const [YCBCR, OLD_JPEG, JPEG] = [6, 6, 7];
/** A smaller picture of another one in the file. */
const REDUCED = 1;

/**
 * Refuses what libvips opens and shows as another picture than it is: numbers that are no shades (a model of heights is
 * black), luma and chroma taken for red, green and blue, more bands than a result can have, the thumbnail of a raw file.
 *
 * @param header  of the same page
 * @param page    counting from 0
 * @throws Problem `unsupported_source` naming what it is
 */
export function checkTiff(bytes: Uint8Array, header: Header, page = 0): void {
  const directory = readExif(bytes, page);
  const received = (directory && rareKind(directory)) ?? rareSamples(header);
  if (received)
    throw new Problem('unsupported_source', `This is ${received}, which cannot be read.`, { received });
}

function rareKind(directory: ExifDirectory): string | undefined {
  const number = (tag: number) => numberIn(directory, tag);
  const compression = number(EXIF_TAGS.compression);
  if (directory.entries.has(EXIF_TAGS.dngVersion)) return 'a raw file of a camera';
  if (directory.entries.has(EXIF_TAGS.directories) && number(EXIF_TAGS.subfile) === REDUCED)
    return 'a raw file of a camera';
  const isJpeg = compression === JPEG || compression === OLD_JPEG;
  return number(EXIF_TAGS.photometric) === YCBCR && !isJpeg ? 'a TIFF in YCbCr without JPEG' : undefined;
}

function rareSamples({ space, channels = 1, depth = 'uchar' }: Header): string | undefined {
  const colours = space && COLOURS[space];
  // What libvips knows no colours for is told where they are needed.
  if (!colours) return undefined;
  if (depth === 'uint') return 'a TIFF with samples of 32 bits';
  if (depth === 'char' || depth === 'short' || depth === 'int') return 'a TIFF with signed samples';
  if (depth === 'float' && space !== 'scrgb') return 'a TIFF with floating-point samples of grey';
  return channels > colours + 1 ? `a TIFF of ${channels} bands` : undefined;
}
