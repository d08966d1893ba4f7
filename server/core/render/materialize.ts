import type { Sharp } from 'sharp';
import sharp from 'sharp';
import type { Size } from '../operations/operation.ts';
import { isForeign, keepsProfile } from '../plan/colour-space.ts';
import type { Plan } from '../plan/plan.ts';
import { checkEncoded } from './encoded-size.ts';
import { fromStrip } from './frames.ts';
import type { PassOptions } from './pipeline.ts';
import { fromRaw, toRaw } from './pipeline.ts';

/** Pixels that have been computed, to go on from as often as needed. */
export type Reopen = () => Sharp;

/** What is to be computed, and how large it will be, in px of a frame. */
export interface Pending {
  readonly image: Sharp;
  readonly size: Size;
}

/** Of all frames together, as sharp has them. */
export const stripSize = ({ width, height }: Size, { moves, source }: Plan): Size => ({
  width,
  height: height * (moves ? source.pages : 1),
});

/** Reads the numbers of an original as they are, so that colours outside sRGB are still there for P3. */
export const opensAsIs = ({ wide, source }: Plan): boolean => wide && !source.deep;

/**
 * sharp takes a 16-bit picture without a profile for P3 when it is told to write P3, and hands on a profile that
 * it cannot use: both are converted from their pixels alone.
 */
export const isMistakenForP3 = ({ wide, source, values }: Plan): boolean =>
  values.icc === 'p3' && !wide && (source.deep || source.unknownColor);

/** A plan whose pixels have been handed over: 8 bits of RGB in the space of the result. */
export const asSrgb8 = (plan: Plan): Plan => ({
  ...plan,
  source: { ...plan.source, deep: false, grey: false },
});

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

/**
 * Ends a pass: raw pixels; with another profile than sRGB or with metadata, an uncompressed PNG that carries them.
 *
 * @throws where the pixels are not of the size that was planned
 */
export async function materialize({ image, size }: Pending, plan: Plan, pass: PassOptions): Promise<Reopen> {
  if (!carriesMore(plan)) {
    const space = isForeign(plan) ? profiled(image, plan) : image;
    const raw = await toRaw(space, stripSize(size, plan), pass);
    return () => (plan.moves ? fromStrip(raw, plan.source.pages) : fromRaw(raw));
  }
  const kept = plan.values.meta === 'keep' ? image.keepExif().keepXmp() : image;
  const carrier = profiled(kept, plan).timeout({ seconds: pass.timeoutSeconds }).png({ compressionLevel: 0 });
  const data = await carrier.toBuffer();
  checkEncoded(data, 'png', size);
  return () => sharp(data, { limitInputPixels: false, ignoreIcc: true });
}
