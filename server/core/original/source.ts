import type { Metadata } from 'sharp';
import { Problem } from '../../shared/errors.ts';
import type { Turn } from '../geometry/turns.ts';
import { turnOfOrientation, turnSize } from '../geometry/turns.ts';
import type { Size } from '../operations/operation.ts';
import type { SourceFormat } from './sniff.ts';
import { SNIFF_BYTES, sniff } from './sniff.ts';

/** What the header of an original says, or that of a page of it; no pixel has been decoded. */
export interface Source {
  readonly format: SourceFormat;
  readonly bytes: number;
  /** px of the page as stored, both sides >= 1; a drawing may be less than a px high. */
  readonly stored: Size;
  /** What makes it upright. */
  readonly orientation: Turn;
  /** Pages or frames, >= 1. */
  readonly pages: number;
  /** Whether the pages are frames of a moving picture. */
  readonly moving: boolean;
  /** Moves, and only its first frame can be read. */
  readonly firstOnly: boolean;
  /** ms of each frame; empty for still pictures. */
  readonly delay: readonly number[];
  readonly loop: number;
  readonly alpha: boolean;
  /** At most 256 colours by construction. */
  readonly palette: boolean;
  /** PNG: bits of a pixel's band or index, 1 to 16. */
  readonly bits: number;
  /** That it was written with, 1-100 on its codec's own scale; undefined where nobody can tell. */
  readonly quality: number | undefined;
  /** A WebP that has every pixel as it was. */
  readonly losslessWebp: boolean;
  /** Decoded in scans: the whole picture stays in memory meanwhile. */
  readonly scans: boolean;
  readonly cmyk: boolean;
  /** One band, with or without alpha. */
  readonly grey: boolean;
  /** Carries a colour profile that can be used, or gets one that says what it says otherwise. */
  readonly profile: boolean;
  /** What it says of its colours cannot be followed. */
  readonly unknownColor: boolean;
  /** Brought down from high dynamic range. */
  readonly hdr: boolean;
  /** Gets its profile from us. */
  readonly recolored: boolean;
  /** 16 bits of RGB. */
  readonly deep: boolean;
  /** Drawn at any size; `stored` is its natural size. */
  readonly vector: boolean;
}

/** Of an original that is rendered by a lossless picture of it, which is a PNG: what the picture does not say. */
export interface MasterOf {
  readonly format: 'heic';
  /** Moves, and the picture is its first frame or its still one. */
  readonly firstOnly: boolean;
}

export interface SourceLimits {
  readonly maxPixels: number;
  readonly maxFrames: number;
}

/** @throws Problem `unsupported_source` saying what it is instead */
export function formatOf(bytes: Uint8Array): SourceFormat {
  const sniffed = sniff(bytes.subarray(0, SNIFF_BYTES));
  if ('format' in sniffed) return sniffed.format;
  const what = sniffed.unsupported;
  const allowed = 'JPEG, PNG, WebP, GIF, AVIF, TIFF, SVG, HEIC';
  throw new Problem('unsupported_source', `This is ${what}; readable are ${allowed}.`, {
    received: what,
    allowed,
  });
}

/** How the colours of an original are told. */
export interface SourceColor {
  /** There is a profile that can be used: its own, or the replacement. */
  readonly hasProfile: boolean;
  /** Says what the file says otherwise; stands in for its own profile. */
  readonly replacement: Buffer | undefined;
  /** More than SDR shows: the replacement brings it down. */
  readonly isHdr: boolean;
  /** Something is said that cannot be followed; what is left is taken for it. */
  readonly isUnknown: boolean;
}

/** What is read of a header. */
export type Header = Size &
  Partial<Omit<Metadata, 'width' | 'height'>> & {
    /** Absent where nobody looked: then there is the profile that the header names, or none. */
    readonly color?: SourceColor;
    /** As Source has it. */
    readonly quality?: number | undefined;
    readonly isLossless?: boolean;
    readonly firstOnly?: boolean;
  };

/** @throws Problem `damaged_source` when the header names no size */
export function readSource(format: SourceFormat, bytes: number, metadata: Header): Source {
  const { width, pages = 1, orientation = 1 } = metadata;
  const height = metadata.pageHeight ?? metadata.height;
  if (!(width > 0 && height > 0))
    throw new Problem('damaged_source', 'The header of the image names no size.');
  const moving = pages > 1 && (format === 'gif' || format === 'webp');
  const { color } = metadata;
  const isGrey16 = metadata.space === 'grey16';
  const isExpanded = isGrey16 && color?.replacement !== undefined;
  return {
    format,
    bytes,
    stored: { width, height },
    orientation: turnOfOrientation(orientation),
    pages,
    moving,
    firstOnly: metadata.firstOnly === true,
    delay: moving ? (metadata.delay ?? []) : [],
    loop: metadata.loop ?? 0,
    alpha: metadata.hasAlpha === true || format === 'svg',
    palette: metadata.isPalette === true || format === 'gif',
    bits: metadata.bitsPerSample ?? 8,
    quality: metadata.quality,
    losslessWebp: metadata.isLossless === true,
    scans: metadata.isProgressive === true,
    cmyk: metadata.space === 'cmyk',
    grey: metadata.space === 'b-w' || (isGrey16 && !isExpanded),
    profile: color ? color.hasProfile : metadata.hasProfile === true,
    unknownColor: color?.isUnknown === true,
    hdr: color?.isHdr === true,
    recolored: color?.replacement !== undefined,
    deep: metadata.space === 'rgb16' || isExpanded,
    vector: format === 'svg',
  };
}

/**
 * The page whose header decides what is asked for, counting from 0. Pages differ in whatever a header says, and each is
 * read by itself; frames of a moving picture share one, and so does a page that is not there.
 */
export function pageWithHeader({ pages, moving }: Source, asked: number): number {
  return moving || asked >= pages ? 0 : asked;
}

/** Whether the result is P3 all the way, since the original may show more than sRGB can. */
export function keepsGamut({ profile, cmyk, grey }: Source, { icc }: { icc?: string }): boolean {
  return icc === 'p3' && profile && !cmyk && !grey;
}

/** px of a page as it is meant to be looked at. */
export function uprightSize(source: Source, orient: 'auto' | '0' | undefined): Size {
  return orient === '0' ? source.stored : turnSize(source.stored, source.orientation);
}

/**
 * Refuses by the header alone, before a pixel is decoded: 308 bytes of JPEG can claim two gigapixels.
 *
 * @param frames  how many pages the render will decode
 * @throws Problem `too_many_pixels`
 */
export function checkPixels(source: Source, frames: number, { maxPixels }: SourceLimits): void {
  const pixels = source.stored.width * source.stored.height * frames;
  if (pixels <= maxPixels) return;
  const { width, height } = source.stored;
  const received = `${width} x ${height} px${frames > 1 ? ` x ${frames} frames` : ''}`;
  throw new Problem('too_many_pixels', `The original has ${received}; ${maxPixels} pixels are allowed.`, {
    received,
    allowed: `${maxPixels} pixels`,
  });
}
