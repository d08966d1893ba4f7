import type { Geometry } from '../geometry/geometry.ts';
import type { Transformation } from '../operations/index.ts';
import type { Size } from '../operations/operation.ts';
import type { Source } from '../original/source.ts';
import type { EncoderSettings, Format, Indexed } from './formats.ts';
import { commonQuality } from './quality.ts';

/** px of the longer side up to which AVIF's own frame weighs more than it saves on a drawing (measured: up to 3.75 times WebP). */
const SMALL_SIDE = 96;

const isDrawing = ({ vector, palette }: Source): boolean => vector || palette;

/** WebP where `auto` would be an AVIF of a small drawing. */
export function lighterFormat(
  format: Format,
  source: Source,
  { values, sizeOf }: { values: Transformation; sizeOf: () => Size },
): Format {
  if (values.fmt !== 'auto-avif' || format !== 'avif' || !isDrawing(source) || values.chroma === '444')
    return format;
  const { width, height } = sizeOf();
  return Math.max(width, height) <= SMALL_SIDE ? 'webp' : format;
}

/** What a result is compared with. */
interface Outcome {
  readonly format: Format;
  readonly geometry: Geometry;
  readonly upright: Size;
  readonly result: Size;
}

function indexedOf(source: Source, values: Transformation, format: Format): Indexed {
  if (format !== 'png' || values.colors !== undefined) return undefined;
  // A mark brings colours of its own.
  if (source.palette && values.wm === undefined) return 'near';
  if (source.palette || source.vector || (source.format === 'png' && source.bits < 8)) return 'exact';
  return source.grey ? 'grey' : undefined;
}

const isLossy = (format: Format): format is 'jpeg' | 'webp' | 'avif' => format !== 'png' && format !== 'gif';

/** Whether each pixel of the original is one of the result at least. */
const isShrunk = ({ scaled, region }: Geometry, upright: Size): boolean =>
  scaled.width < (region ?? upright).width || scaled.height < (region ?? upright).height;

/**
 * Keeps a result from being heavier than its original without being better: quality that the original has lost does
 * not come back.
 *
 * @param settings  of what was asked for
 * @returns         with the original's own quality where `q` is not given and nothing is made smaller, and with the bytes of the
 *                  original as ceiling where the result has its size and format
 */
export function lightened(
  settings: EncoderSettings,
  source: Source,
  values: Transformation,
  { format, geometry, upright, result }: Outcome,
): EncoderSettings {
  const indexed = indexedOf(source, values, format);
  const isFree =
    (values.q === undefined || values.q === 'auto') && !settings.lossless && values.mb === undefined;
  if (!isLossy(format) || !isFree || isShrunk(geometry, upright)) return { ...settings, indexed };
  const own = ownQuality(source);
  const isCapped = own !== undefined && own < settings.quality;
  const quality = isCapped ? own : settings.quality;
  const isSame =
    source.format === format && result.width === upright.width && result.height === upright.height;
  // What is laid on the picture may weigh something.
  const ceiling = isSame && values.wm === undefined ? source.bytes : undefined;
  // What an encoder without patience writes would rarely stay within it, and lose quality for nothing.
  const isPatient = ceiling !== undefined && format === 'jpeg' && settings.effort === 'live';
  const effort = isPatient ? 'warm' : settings.effort;
  return { ...settings, quality, isCapped, ceiling, effort, ownsEveryPixel: source.losslessWebp };
}

function ownQuality({ format, quality }: Source): number | undefined {
  if (quality === undefined || (format !== 'jpeg' && format !== 'webp')) return undefined;
  return commonQuality(format, quality);
}
