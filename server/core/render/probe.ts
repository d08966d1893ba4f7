import type { Sharp } from 'sharp';
import sharp from 'sharp';
import type { Probe } from '../plan/auto-quality.ts';
import { errorsOf, halfLuma, structureLoss } from './likeness.ts';

/** What the predictions were fitted with: coarse, so that what is lost tells how much a picture forgives. */
const JPEG = { quality: 30, chromaSubsampling: '4:2:0', optimiseCoding: true } as const;

/** A coarse JPEG of a finished picture, and what that has lost. */
export async function probeOf(image: Sharp, timeoutSeconds: number): Promise<Probe> {
  const timeout = { seconds: timeoutSeconds };
  const flat = image.flatten({ background: '#ffffff' }).toColourspace('srgb').timeout(timeout);
  const { data, info } = await flat.raw().toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  const jpeg = await sharp(data, { raw: { width, height, channels } }).jpeg(JPEG).timeout(timeout).toBuffer();
  const decoded = await sharp(jpeg).toColourspace('srgb').timeout(timeout).raw().toBuffer();
  return {
    bitsPerPixel: (jpeg.length * 8) / (width * height),
    ...errorsOf(data, decoded, channels),
    structureLoss: structureLoss(halfLuma(data, info), halfLuma(decoded, info)),
  };
}
