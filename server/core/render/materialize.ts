import type { Sharp } from 'sharp';
import sharp from 'sharp';
import type { Size } from '../operations/operation.ts';
import type { Plan } from '../plan/plan.ts';
import { fromStrip } from './frames.ts';
import type { PassOptions } from './pipeline.ts';
import { fromRaw, toRaw } from './pipeline.ts';

/** Pixels that have been computed, to go on from as often as needed. */
export interface Materialized {
  readonly reopen: () => Sharp;
  /** px; of all frames together where the picture moves. */
  readonly size: Size;
}

/** Reads the numbers of an original as they are, so that colours outside sRGB are still there for P3. */
export const opensAsIs = ({ wide, source }: Plan): boolean => wide && !source.deep;

/** Whether the pixels are in a space of their own until the first handover. */
export const isForeign = ({ wide, source, values }: Plan): boolean =>
  wide || (source.deep && source.profile && (values.icc ?? 'srgb') === 'srgb');

/**
 * sharp takes a 16-bit picture without a profile for P3 when it is told to write P3, and hands on a profile that
 * it cannot use: both are converted from their pixels alone.
 */
export const isMistakenForP3 = ({ wide, source, values }: Plan): boolean =>
  values.icc === 'p3' && !wide && (source.deep || source.unknownColor);

/**
 * Whether steps must wait for a handover: sharp pads a picture of one band with the luminance of the colour, and what
 * steps add or set in levels is of 8 bits.
 */
export const waitsForColour = (plan: Plan): boolean =>
  isForeign(plan) || plan.source.grey || plan.source.deep;

/** A plan whose pixels have been handed over: 8 bits of RGB in the space of the result. */
export const asSrgb8 = (plan: Plan): Plan => ({
  ...plan,
  source: { ...plan.source, deep: false, grey: false },
});

/** The profile of the original stays, unless it is of a space that the result is not in: CMYK, grey. */
const keepsProfile = ({ values, source }: Plan): boolean =>
  values.icc === 'keep' && source.profile && !source.cmyk && !source.grey;

/** The profile of the result: what stays, what is converted. */
export function profiled(image: Sharp, plan: Plan): Sharp {
  if (plan.values.icc === 'p3') return image.withIccProfile('p3');
  if (keepsProfile(plan)) return image.keepIccProfile();
  // sharp works on 16-bit pictures with a profile in P3 and writes those numbers as if they were sRGB (0.35.5:
  // a red of 255,0,0 comes out as 234,51,34).
  return isForeign(plan) ? image.withIccProfile('srgb', { attach: false }) : image;
}

/** Whether raw pixels would lose what the result keeps. */
const carriesMore = (plan: Plan): boolean =>
  !plan.moves && (plan.wide || keepsProfile(plan) || plan.values.meta === 'keep');

/** Ends a pass: raw pixels; with another profile than sRGB or with metadata, an uncompressed PNG that carries them. */
export async function materialize(image: Sharp, plan: Plan, pass: PassOptions): Promise<Materialized> {
  if (!carriesMore(plan)) {
    const raw = await toRaw(isForeign(plan) ? profiled(image, plan) : image, pass);
    const frames = plan.moves ? plan.source.pages : 1;
    return { reopen: () => (plan.moves ? fromStrip(raw, frames) : fromRaw(raw)), size: raw };
  }
  const kept = plan.values.meta === 'keep' ? image.keepExif().keepXmp() : image;
  const carrier = profiled(kept, plan).timeout({ seconds: pass.timeoutSeconds }).png({ compressionLevel: 0 });
  const { data, info } = await carrier.toBuffer({ resolveWithObject: true });
  return { reopen: () => sharp(data, { limitInputPixels: false, ignoreIcc: true }), size: info };
}
