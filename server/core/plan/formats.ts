import type { Sharp } from 'sharp';
import type { Transformation } from '../operations/index.ts';
import type { FORMATS } from '../operations/output.ts';
import type { Source } from '../original/source.ts';
import { codecQuality } from './quality.ts';

export type Format = (typeof FORMATS)[number];

/** Who renders: a request that somebody waits for, or the warmer, which has time for smaller files. */
export type Priority = 'live' | 'warm';
type Effort = 'fast' | 'live' | 'warm';

/**
 * Whether a PNG has a palette or few bits: `exact` where its colours allow it, `near` also where the size has mixed them
 * into more, of an original that had no more itself; `grey` one band, with all its levels.
 */
export type Indexed = 'exact' | 'near' | 'grey' | undefined;

export interface EncoderSettings {
  /** 1-100 on JPEG's scale; the most where it is predicted. */
  readonly quality: number;
  /** Predicted for the picture, once that is there. */
  readonly isAuto?: boolean;
  readonly lossless: boolean;
  readonly progressive: boolean | undefined;
  readonly chroma: '420' | '444';
  readonly colors: number | undefined;
  readonly effort: Effort;
  /** The quality is the original's own, which is lower than what is asked for. */
  readonly isCapped?: boolean;
  /** Bytes that a smaller quality, at most three tries in all, is to stay within. */
  readonly ceiling?: number | undefined;
  /** The original has lost nothing: WebP without loss is one of the tries. */
  readonly ownsEveryPixel?: boolean;
  readonly indexed?: Indexed;
  /** Frame times, where the result moves. */
  readonly delay: readonly number[];
  readonly loop: number;
}

/** On JPEG's scale. */
export const DEFAULT_QUALITY = 75;

interface FormatRow {
  readonly mime: string;
  readonly alpha: boolean;
  readonly moves: boolean;
  /** CPU ms per megapixel by effort; measured against WebP effort 4 = 88 (docs/performance.md). */
  readonly cost: Readonly<Record<Effort, number>>;
  /** The same of originals that have a palette, where that makes a difference. */
  readonly paletteCost?: Readonly<Record<Effort, number>>;
  /** Bytes of memory per pixel while encoding. */
  readonly memory: number;
  readonly encode: (image: Sharp, settings: EncoderSettings) => Sharp;
}

/** What libvips' writers take: a GIF may say ten times that of a frame, a WebP 256 times, and a GIF one more turn. */
export const MAX_DELAY_MS = 65_535;
const MAX_LOOP = 65_535;

const frames = ({ delay, loop }: EncoderSettings) => (delay.length ? { delay: [...delay], loop } : {});

export const FORMAT_TABLE: Readonly<Record<Format, FormatRow>> = {
  avif: {
    mime: 'image/avif',
    alpha: true,
    moves: false,
    cost: { fast: 64, live: 64, warm: 560 },
    memory: 60,
    encode: (image, { quality, lossless, chroma, effort }) =>
      image.avif({
        ...(lossless ? { lossless } : { quality: codecQuality('avif', quality) }),
        chromaSubsampling: chroma === '444' || lossless ? '4:4:4' : '4:2:0',
        // 1 takes 3.6 times as long for 5 % fewer bytes: what is made later has them, and more.
        effort: { fast: 0, live: 0, warm: 3 }[effort],
      }),
  },
  webp: {
    mime: 'image/webp',
    alpha: true,
    moves: true,
    cost: { fast: 26, live: 39, warm: 176 },
    memory: 24,
    encode: (image, { quality, lossless, effort, ...rest }) =>
      image.webp({
        ...(lossless ? { lossless } : { quality: codecQuality('webp', quality) }),
        // Effort 6 costs an animation ten times effort 4 and saves little.
        effort: { fast: 0, live: 2, warm: rest.delay.length ? 4 : 6 }[effort],
        ...frames({ ...rest, quality, lossless, effort }),
      }),
  },
  jpeg: {
    mime: 'image/jpeg',
    alpha: false,
    moves: false,
    cost: { fast: 16, live: 16, warm: 78 },
    memory: 12,
    // Trellis and the search for scans take five times as long as all the rest, for 11 % fewer bytes.
    encode: (image, { quality, progressive = true, chroma, effort }) =>
      image.jpeg({
        quality: codecQuality('jpeg', quality),
        progressive,
        chromaSubsampling: chroma === '444' ? '4:4:4' : '4:2:0',
        optimiseCoding: true,
        trellisQuantisation: effort === 'warm',
        overshootDeringing: effort === 'warm',
        optimiseScans: effort === 'warm' && progressive,
        quantisationTable: effort === 'fast' ? 0 : 3,
      }),
  },
  png: {
    mime: 'image/png',
    alpha: true,
    moves: false,
    cost: { fast: 40, live: 80, warm: 250 },
    memory: 8,
    encode: (image, { progressive = false, colors, effort }) =>
      image.png({
        progressive,
        // Indices compress with patience, not with filters (a chart of 64 colours: 5.5 kB at 6, 4 kB at 8).
        compressionLevel: colors ? 8 : { fast: 2, live: 6, warm: 9 }[effort],
        adaptiveFiltering: effort !== 'fast' && !colors,
        ...(colors ? { palette: true, colours: colors, effort: 7 } : {}),
      }),
  },
  gif: {
    mime: 'image/gif',
    alpha: true,
    moves: true,
    // Efforts 1 and 3 take the same; 6 takes 1.5 to 2.6 times as much for 0 to 12 % fewer bytes.
    cost: { fast: 430, live: 450, warm: 1160 },
    paletteCost: { fast: 65, live: 70, warm: 110 },
    memory: 16,
    encode: (image, { colors = 256, effort, ...rest }) =>
      image.gif({
        colours: colors,
        effort: { fast: 1, live: 3, warm: 6 }[effort],
        // At 3, which is the default, a frame that is lighter than the one before may be dithered with that one's palette
        // to levels that it has not (measured: 9 off in the mean, 0.4 at 1, for 3 % of the bytes).
        interPaletteMaxError: 1,
        ...frames({ ...rest, colors, effort }),
      }),
  },
};

const ORIGINALS: Readonly<Partial<Record<Source['format'], Format>>> = {
  jpeg: 'jpeg',
  png: 'png',
  webp: 'webp',
  gif: 'gif',
  avif: 'avif',
};

/** Whether the result would move in a format that can. */
export function wantsMotion(source: Source, values: Transformation): boolean {
  return source.moving && values.anim !== '0' && values.page === undefined && values.ph === undefined;
}

/** The format for clients that read neither AVIF nor WebP. */
function baseFormat(source: Source, values: Transformation): Format {
  if (wantsMotion(source, values)) return 'gif';
  const cutsOut = values.r !== undefined || values.mask !== undefined;
  const flat = (source.palette && source.format === 'png') || source.bits < 8;
  return source.alpha || cutsOut || flat || values.lossless || values.colors ? 'png' : 'jpeg';
}

/** Resolves what the URL leaves to the picture. */
export function chooseFormat(source: Source, values: Transformation): Format {
  const requested = values.fmt ?? 'auto-base';
  if (requested === 'source') return ORIGINALS[source.format] ?? baseFormat(source, values);
  if (requested === 'auto' || requested === 'auto-base') return baseFormat(source, values);
  if (requested !== 'auto-avif') return requested;
  if (wantsMotion(source, values)) return 'webp';
  return values.colors ? 'png' : 'avif';
}

const delays = ({ pages, delay }: Source): number[] =>
  Array.from({ length: pages }, (_, index) => Math.min(delay[index] ?? 100, MAX_DELAY_MS));

/** Settings of the encoder for a priority; `effort=small` and `fast` mean the same in both. */
export function encoderSettings(
  source: Source,
  values: Transformation,
  priority: Priority,
  moves: boolean,
): EncoderSettings {
  const effort = values.effort === 'small' ? 'warm' : values.effort === 'fast' ? 'fast' : priority;
  return {
    quality: values.q === 'auto' ? 100 : (values.q ?? DEFAULT_QUALITY),
    isAuto: values.q === 'auto',
    lossless: values.lossless ?? false,
    progressive: values.progressive,
    chroma: values.chroma ?? '420',
    colors: values.colors,
    effort,
    delay: moves ? delays(source) : [],
    loop: Math.min(source.loop, MAX_LOOP),
  };
}
