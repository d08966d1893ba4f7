import type { Exif, Sharp } from 'sharp';
import type { Size } from '../operations/operation.ts';
import { unabridged } from '../original/metadata.ts';
import { autoQuality, type Probe } from '../plan/auto-quality.ts';
import type { EncoderSettings } from '../plan/formats.ts';
import { DEFAULT_QUALITY, FORMAT_TABLE } from '../plan/formats.ts';
import type { Plan } from '../plan/plan.ts';
import { withinCeiling } from './ceiling.ts';
import { DENSITY, fixDensity } from './density.ts';
import { checkEncoded } from './encoded-size.ts';
import { greyOf, indexedPng } from './indexed.ts';
import { asSrgb8, materialize, profiled } from './materialize.ts';
import type { PassOptions } from './pipeline.ts';
import { fromRaw, toRaw } from './pipeline.ts';
import { placeholder } from './placeholder.ts';
import { probeOf } from './probe.ts';
import type { Opened } from './types.ts';

interface EncodedResult {
  readonly bytes: Buffer;
  readonly contentType: string;
  /** px of a frame; undefined for placeholders. */
  readonly size: Size | undefined;
  readonly warnings: readonly string[];
  readonly probe?: Probe | undefined;
}

/** A picture, all steps done. */
export interface FinishedPicture {
  readonly image: Sharp;
  readonly plan: Plan;
  /** Comes without the EXIF of the original, be it from pixels alone. */
  readonly isStripped: boolean;
}

/**
 * Encodes the finished picture as the plan says.
 *
 * @param known  its probe, where one was made before
 */
export async function encodeResult(
  finished: FinishedPicture,
  opened: Opened,
  pass: PassOptions,
  known?: Probe,
): Promise<EncodedResult> {
  const description = {
    exif: keptOf(finished.plan, opened),
    turns: (opened.metadata.orientation ?? 1) !== 1,
  };
  const isStripped = finished.isStripped || !carriesSourceMetadata(finished.plan, opened);
  const ready = isStripped ? finished : await stripped(finished, pass);
  const { image, plan, probe } = await predicted(ready, pass, known);
  if (plan.values.ph) {
    const text = await placeholder(plan.values.ph, await toRaw(image, plan.result, pass));
    return {
      bytes: Buffer.from(text),
      contentType: 'text/plain; charset=utf-8',
      size: undefined,
      warnings: [],
    };
  }
  const encode = (picture: Sharp, settings: EncoderSettings) =>
    encodeOnce(picture, settings, { plan, description, pass });
  // A clone copies all bytes of the original, twice: only where a second try may need the picture as it was.
  const untouched = () => (plan.settings.ceiling === undefined ? image : image.clone());
  const { bytes, warnings = [] } = plan.values.mb
    ? await withinBytes(image, plan, pass, encode)
    : await withinCeiling(plan.settings, plan.format, (settings) => encode(untouched(), settings));
  return { bytes, contentType: FORMAT_TABLE[plan.format].mime, size: plan.result, warnings, probe };
}

interface Predicted extends FinishedPicture {
  readonly probe?: Probe | undefined;
}

/** With the quality of its own, where that is to be predicted; of moving pictures it is that of all. */
async function predicted(
  finished: FinishedPicture,
  pass: PassOptions,
  known: Probe | undefined,
): Promise<Predicted> {
  const { plan } = finished;
  const { format, settings } = plan;
  if (!settings.isAuto || settings.lossless || format === 'png' || format === 'gif') return finished;
  const withQuality = (quality: number): Plan => ({
    ...plan,
    settings: { ...settings, quality: Math.min(quality, settings.quality) },
  });
  if (plan.moves) return { ...finished, plan: withQuality(DEFAULT_QUALITY) };
  if (known !== undefined)
    return { ...finished, plan: withQuality(autoQuality(format, known)), probe: known };
  // Its pixels are computed once for both.
  const reopen = await materialize({ image: finished.image, size: plan.result }, plan, pass);
  const probe = await probeOf(reopen(), pass.timeoutSeconds);
  return { ...finished, image: reopen(), plan: withQuality(autoQuality(format, probe)), probe };
}

interface Encoded {
  readonly bytes: Buffer;
  readonly warnings?: readonly string[];
}

interface Description {
  /** Author and copyright, where there is nothing else. */
  readonly exif: Exif | undefined;
  /** Says of itself that it is to be turned, which it has been. */
  readonly turns: boolean;
}

interface EncodeOptions {
  readonly plan: Plan;
  readonly description: Description;
  readonly pass: PassOptions;
}

async function encodeOnce(
  picture: Sharp,
  settings: EncoderSettings,
  { plan, description, pass }: EncodeOptions,
): Promise<Encoded> {
  const raw = canBeIndexed(plan, settings, description.exif)
    ? await toRaw(picture, plan.result, pass)
    : undefined;
  const grey = settings.indexed === 'grey' ? raw && greyOf(raw) : undefined;
  const exact = settings.indexed === 'grey' ? undefined : raw && indexedPng(raw);
  if (exact) {
    checkEncoded(exact, plan.format, plan.result);
    return { bytes: exact };
  }
  const reopened = grey ? fromRaw(grey).toColourspace('b-w') : raw ? fromRaw(raw) : picture;
  const ready = profiled(described(reopened, plan, description), plan);
  const colors = settings.colors ?? (settings.indexed === 'near' ? 256 : undefined);
  const encoder = FORMAT_TABLE[plan.format].encode(ready, { ...settings, colors });
  const bytes = await encoder.timeout({ seconds: pass.timeoutSeconds }).toBuffer();
  checkEncoded(bytes, plan.format, plan.result);
  if (plan.format === 'png' && plan.values.meta !== 'keep') fixDensity(bytes);
  return { bytes };
}

/** Whether the file may be pixels and palette alone. */
const canBeIndexed = ({ values }: Plan, settings: EncoderSettings, kept: Exif | undefined): boolean =>
  settings.indexed !== undefined &&
  settings.colors === undefined &&
  !settings.progressive &&
  !kept &&
  values.meta !== 'keep' &&
  (values.icc ?? 'srgb') === 'srgb';

/** Author and copyright, where the result has them beside nothing else. */
const keptOf = ({ values }: Plan, { copyright }: Opened): Exif | undefined =>
  values.meta || values.ph ? undefined : copyright;

/**
 * Whether the file would say more of the original than it may: sharp writes author and copyright into the EXIF of the
 * original, whose thumbnail stays there (the whole picture, uncropped), and libvips has an AVIF, and whatever gets EXIF,
 * turned by the orientation of the original, which the pixels have followed already. A TIFF has one without EXIF.
 */
export function carriesSourceMetadata(plan: Plan, opened: Opened): boolean {
  if (plan.values.meta === 'keep' || plan.values.ph) return false;
  const { exif, orientation = 1 } = opened.metadata;
  const isDescribed = keptOf(plan, opened) !== undefined;
  const turnsAgain = orientation !== 1 && (plan.format === 'avif' || isDescribed);
  return turnsAgain || (isDescribed && exif !== undefined);
}

/** The same picture from its pixels alone. */
export async function stripped(
  { image, plan }: FinishedPicture,
  pass: PassOptions,
): Promise<FinishedPicture> {
  const reopen = await materialize({ image, size: plan.result }, plan, pass);
  return { image: reopen(), plan: asSrgb8(plan), isStripped: true };
}

/** Exif 2.32, 4.6.5: ColorSpace 1; libexif says "uncalibrated" where nobody says anything. */
const SRGB: Exif = { IFD2: { ColorSpace: '1' } };

function described(image: Sharp, { values }: Plan, { exif, turns }: Description): Sharp {
  if (values.meta === 'keep') {
    // The picture is upright by now: a kept orientation would turn it once more. withMetadata brings sRGB along.
    return turns ? image.withMetadata({ orientation: 1 }) : image.keepExif().keepXmp();
  }
  if (!exif) return image;
  const xmp = unabridged(exif);
  // Of the density of the original, EXIF would say what pixels alone do not know.
  return (xmp ? image.withXmp(xmp) : image)
    .withExif(values.icc ? exif : { ...exif, ...SRGB })
    .withDensity(DENSITY);
}

/** From best to smallest: quality for the lossy codecs, colours for the palettes. */
function ladder({ format, settings }: Plan): EncoderSettings[] {
  if (format === 'png' || format === 'gif') {
    // libvips has palettes of 1, 2, 4 and 8 bits, no sizes between.
    const most = settings.colors ?? (format === 'png' ? 257 : 256);
    const fewer = [256, 16, 4, 2].filter((colors) => colors < most);
    return [settings, ...fewer.map((colors) => ({ ...settings, colors }))];
  }
  return Array.from({ length: settings.quality }, (_, index) => ({
    ...settings,
    quality: settings.quality - index,
  }));
}

/** The best rung of the ladder that fits into `mb` bytes, found by halving: eight encodes at most. */
async function withinBytes(
  image: Sharp,
  plan: Plan,
  pass: PassOptions,
  encode: (picture: Sharp, settings: EncoderSettings) => Promise<Encoded>,
): Promise<Encoded> {
  const most = plan.values.mb ?? 0;
  const reopen = await materialize({ image, size: plan.result }, plan, pass);
  const rungs = ladder(plan);
  let [low, high] = [0, rungs.length - 1];
  let best: Encoded | undefined;
  while (low <= high) {
    pass.signal?.throwIfAborted();
    const middle = best === undefined && low === 0 && high === rungs.length - 1 ? 0 : (low + high) >> 1;
    const tried = await encode(reopen(), rungs[middle] ?? plan.settings);
    if (tried.bytes.length <= most) {
      best = tried;
      high = middle - 1;
    } else {
      low = middle + 1;
    }
  }
  if (best) return best;
  const smallest = await encode(reopen(), rungs.at(-1) ?? plan.settings);
  return { ...smallest, warnings: ['max-bytes-exceeded'] };
}
