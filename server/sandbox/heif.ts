import type { Size } from '../core/operations/operation.ts';
import { Problem } from '../shared/errors.ts';

/** Code points of ITU-T H.273, and the brightest that is shown, in cd/m². */
export interface Cicp {
  readonly primaries: number;
  readonly transfer: number;
  readonly peak: number | undefined;
}

/** What is said of the primary image; orientation, mirror and crop are in its size. */
export interface HeifFacts {
  readonly width: number;
  readonly height: number;
  /** Of a sample: 8 to 16. */
  readonly bits: number;
  readonly isGrey: boolean;
  readonly hasAlpha: boolean;
  readonly isPremultiplied: boolean;
  readonly hasSequence: boolean;
  readonly profile: Buffer | undefined;
  readonly cicp: Cicp | undefined;
  readonly exif: Buffer | undefined;
  readonly xmp: Buffer | undefined;
}

/** The header of a sequence without a still picture says no more than its size; its pictures are taken for 8 bits. */
export const OF_TRACK: Omit<HeifFacts, 'width' | 'height' | 'hasAlpha'> = {
  bits: 8,
  isGrey: false,
  isPremultiplied: false,
  hasSequence: true,
  profile: undefined,
  cicp: undefined,
  exif: undefined,
  xmp: undefined,
};

/** What is to be done with the pixels, in this order. */
export type HeifTransformation =
  | { readonly clockwise: number }
  | { readonly mirror: 'left-right' | 'top-bottom' }
  /** px to be cut off, of a frame of the size that it has by then. */
  | { readonly crop: (frame: Size) => { left: number; top: number; right: number; bottom: number } };

/** As they are coded, not transformed. Rows without gaps, 3 or 4 samples a pixel; they lie in the decoder's memory until it is let go of. */
export interface HeifPixels {
  readonly width: number;
  readonly height: number;
  readonly channels: 3 | 4;
  /** Of a sample, 8 or more: it takes a byte, or two, the lower one first. */
  readonly bits: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** heif_error_code and heif_suberror_code. */
const [UNSUPPORTED_FILE, UNSUPPORTED_FEATURE, MEMORY] = [3, 4, 6];
const SECURITY_LIMIT = 1000;

/** What libheif says, in our words. */
export function problemOf(code: number, subcode: number, message: string): Problem {
  const cause = new Error(`libheif: ${message} (${code}, ${subcode})`);
  if (subcode === SECURITY_LIMIT || code === MEMORY)
    return new Problem('unrenderable', 'The HEIC is larger inside than this deployment decodes.', {}, cause);
  if (code === UNSUPPORTED_FILE || code === UNSUPPORTED_FEATURE) {
    const detail = 'This is a HEIF of a kind that is not decoded; readable are those with HEVC inside.';
    return new Problem('unsupported_source', detail, { received: 'a HEIF of a rare kind' }, cause);
  }
  return new Problem('damaged_source', 'The HEIC is damaged, or was cut.', {}, cause);
}
