import { EXIF_TAGS, numberIn, readExif } from './exif.ts';
import { jpegCoding } from './jpeg.ts';
import { webpStep } from './lossy-quality.ts';
import type { Source } from './source.ts';

/** Of a codec that rounds the coefficients of blocks: by how much, at most. */
export interface BlockCodec {
  /** px of a block. */
  readonly side: 4 | 8;
  /** Of each coefficient of the orthonormal DCT, row by row, in levels of sRGB. */
  readonly luma: Float64Array;
  /** Undefined for grey. */
  readonly chroma: Float64Array | undefined;
  /** Colour has half the pixels in both directions. */
  readonly isHalved: boolean;
  /** Levels that rounding alone makes of a pixel of border, and what it does to its neighbours. */
  readonly touch: number;
}

/** What a codec may have done to the pixels of a file. */
export interface CodecLoss {
  /** Largest difference of a pixel beside an edge, 0-255. */
  readonly most: number;
  /** Undefined where its settings are not read, or its pixels went through more than the codec. */
  readonly blocks: BlockCodec | undefined;
}

/** Largest difference that a codec whose settings are not read makes, 0-255 (measured: AVIF; HEVC rounds alike). */
const SOME: CodecLoss = { most: 64, blocks: undefined };

/** The same of a JPEG of q50; it falls with its tables (measured on random dots: q60 113, q75 89, q95 18). */
const JPEG_AT_50 = 230;

type Lossy = Pick<
  Source,
  'format' | 'quality' | 'losslessWebp' | 'profile' | 'cmyk' | 'alpha' | 'moving' | 'recolored'
>;

/**
 * @param page  of a TIFF, counting from 0
 * @returns undefined for a file without loss
 */
export function codecLoss(source: Lossy, bytes: Uint8Array, page = 0): CodecLoss | undefined {
  switch (source.format) {
    case 'jpeg':
      return jpegLoss(source, bytes);
    case 'webp':
      return source.losslessWebp ? undefined : webpLoss(source, bytes);
    case 'avif':
    case 'heic':
      return SOME;
    case 'tiff':
      return isJpegInTiff(bytes, page) ? SOME : undefined;
    default:
      return undefined;
  }
}

/** Other colours than those of the codec, or several pictures in one: its blocks are not those that are seen. */
const isConverted = ({ profile, cmyk, alpha, moving, recolored }: Lossy): boolean =>
  profile || cmyk || alpha || moving || recolored;

/** Half a step, and rounding of the decoder. The border's own mean is rounded as well. */
const jpegLimits = (steps: readonly number[]): Float64Array =>
  Float64Array.from(steps, (step, index) => (index ? step / 2 : step) + 0.5);

function jpegLoss(source: Lossy, bytes: Uint8Array): CodecLoss {
  const { quality } = source;
  const most = quality === undefined ? SOME.most : (JPEG_AT_50 * Math.min(100, 200 - 2 * quality)) / 100;
  const coding = isConverted(source) ? undefined : jpegCoding(bytes);
  if (!coding) return { most, blocks: undefined };
  const { luma, chroma, isHalved } = coding;
  const limits = { luma: jpegLimits(luma), chroma: chroma && jpegLimits(chroma) };
  return { most, blocks: { ...limits, side: 8, isHalved, touch: 1 } };
}

/**
 * Share of a step of VP8 that a coefficient is off by, at most (measured: 48 pictures of 12 kinds at q60, 75, 85 and
 * 95). Its steps are of a transform twice as large as an orthonormal one, and of shades from 16 to 235.
 */
const VP8_SHARE = 0.35;
/** Of the slowest waves: its loop filter smooths across blocks. */
const VP8_SLOW_SHARE = 0.62;
const VP8_SLOW: readonly number[] = [0, 1, 4];

function webpLoss(source: Lossy, bytes: Uint8Array): CodecLoss {
  const step = isConverted(source) ? undefined : webpStep(bytes);
  if (step === undefined) return SOME;
  const limits = (scale: number) =>
    Float64Array.from(
      { length: 16 },
      (_, index) => (VP8_SLOW.includes(index) ? VP8_SLOW_SHARE : VP8_SHARE) * step * scale + 1,
    );
  // Colour is stretched by 255 / 224, shades by 255 / 219, and colour is coded in the finer half of what is allowed.
  const blocks = { side: 4, luma: limits(1), chroma: limits(1.1), isHalved: true, touch: 2.5 } as const;
  return { most: 2 * step, blocks };
}

/** Compression of old and new JPEG in TIFF (TIFF 6.0, 22; Technical Note 2). */
function isJpegInTiff(file: Uint8Array, page: number): boolean {
  const directory = readExif(file, page);
  const compression = directory && numberIn(directory, EXIF_TAGS.compression);
  return compression === 6 || compression === 7;
}
