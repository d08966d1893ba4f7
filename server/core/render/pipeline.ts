import type { Sharp } from 'sharp';
import sharp from 'sharp';
import type { Handover, OperationStep, Size } from '../operations/operation.ts';
import { after, nextPass, type Pass, startsPass } from '../plan/passes.ts';

/** Pixels between two passes. */
export interface Raw extends Size {
  readonly data: Buffer;
  readonly channels: 1 | 2 | 3 | 4;
}

/** A picture on its way: the pipeline so far. */
export interface Draft {
  readonly image: Sharp;
  /** px of a frame, as planned. */
  readonly size: Size;
  readonly pass: Pass;
}

export interface PassOptions {
  /** Seconds after which libvips gives up. */
  readonly timeoutSeconds: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Pixels of a picture, in sRGB.
 *
 * @param size  px as planned, of all frames. Never what sharp says: of a crop and an extend in one pass it names
 *              the crop's, and noise would be made of the pixels
 * @throws      where the pixels are not as many
 */
export async function toRaw(image: Sharp, size: Size, { timeoutSeconds }: PassOptions): Promise<Raw> {
  const pipeline = image.toColourspace('srgb').timeout({ seconds: timeoutSeconds }).raw();
  const { data, info } = await pipeline.toBuffer({ resolveWithObject: true });
  return checkRaw({
    data,
    width: size.width,
    height: size.height,
    channels: info.channels as Raw['channels'],
  });
}

/** @throws where the pixels are not as many as their size says */
export function checkRaw(raw: Raw): Raw {
  const { data, width, height, channels } = raw;
  if (data.length === width * height * channels) return raw;
  throw new TypeError(`${data.length} bytes of pixels are not ${width} x ${height} x ${channels}.`);
}

export function fromRaw(raw: Raw): Sharp {
  const { data, width, height, channels } = checkRaw(raw);
  return sharp(data, { raw: { width, height, channels }, limitInputPixels: false });
}

/** Hands over pixels alone, in sRGB. */
export const rawHandover =
  (options: PassOptions): Handover =>
  async (pending, size) =>
    fromRaw(await toRaw(pending, size, options));

/**
 * Runs steps in their order. sharp runs its operations in an order of its own whatever the calls say
 * (checked: negate + extend(red) gives a cyan border), so a step that would not come after the one before
 * it starts a new pass over the pixels as they are.
 */
export async function runSteps(
  draft: Draft,
  steps: readonly OperationStep[],
  handover: Handover,
  options: PassOptions,
): Promise<Draft> {
  let { image, size, pass } = draft;
  for (const step of steps) {
    if (startsPass(step, pass)) {
      options.signal?.throwIfAborted();
      image = await handover(image, size);
      pass = nextPass(pass);
    }
    image = await step.apply(image, size, handover);
    size = step.resized?.(size) ?? size;
    pass = after(step, pass);
  }
  return { image, size, pass };
}
