import type { Sharp } from 'sharp';
import sharp from 'sharp';
import type { Handover, Size, Step } from '../operations/operation.ts';
import { SLOTS } from '../operations/operation.ts';

/** Pixels between two passes. */
export interface Raw extends Size {
  readonly data: Buffer;
  readonly channels: 1 | 2 | 3 | 4;
}

/** A picture on its way: the pipeline so far, and the last slot that it has used. */
export interface Draft {
  readonly image: Sharp;
  readonly size: Size;
  readonly slot: number;
}

export interface PassOptions {
  /** Seconds after which libvips gives up. */
  readonly timeoutSeconds: number;
  readonly signal?: AbortSignal | undefined;
}

export async function toRaw(image: Sharp, { timeoutSeconds }: PassOptions): Promise<Raw> {
  const pipeline = image.toColourspace('srgb').timeout({ seconds: timeoutSeconds }).raw();
  const { data, info } = await pipeline.toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height, channels: info.channels as Raw['channels'] };
}

export function fromRaw({ data, width, height, channels }: Raw): Sharp {
  return sharp(data, { raw: { width, height, channels }, limitInputPixels: false });
}

/** Hands over pixels alone, in sRGB. */
export const rawHandover =
  (options: PassOptions): Handover =>
  async (pending) => {
    const raw = await toRaw(pending, options);
    return { image: fromRaw(raw), size: raw };
  };

/**
 * Runs steps in their order. sharp runs its operations in an order of its own whatever the calls say
 * (checked: negate + extend(red) gives a cyan border), so a step that would not come after the one before
 * it starts a new pass over the pixels as they are.
 */
export async function runSteps(
  draft: Draft,
  steps: readonly Step[],
  handover: Handover,
  options: PassOptions,
): Promise<Draft> {
  let { image, size, slot } = draft;
  for (const step of steps) {
    if (SLOTS[step.slot] <= slot) {
      options.signal?.throwIfAborted();
      ({ image, size } = await handover(image));
    }
    image = await step.apply(image, size, handover);
    size = step.resized?.(size) ?? size;
    slot = step.inexact ? Number.POSITIVE_INFINITY : SLOTS[step.slot];
  }
  return { image, size, slot };
}

/** How many times the pixels pass through sharp; for explain. */
export function passesOf(steps: readonly Step[]): string[][] {
  const passes: string[][] = [[]];
  let slot = 0;
  for (const step of steps) {
    if (SLOTS[step.slot] <= slot) passes.push([]);
    passes.at(-1)?.push(step.name);
    slot = step.inexact ? Number.POSITIVE_INFINITY : SLOTS[step.slot];
  }
  return passes;
}
