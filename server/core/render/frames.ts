import type { Sharp } from 'sharp';
import sharp from 'sharp';
import type { Step } from '../operations/operation.ts';
import type { PassOptions, Raw } from './pipeline.ts';
import { fromRaw, passesOf, rawHandover, runSteps, toRaw } from './pipeline.ts';

/** What sharp does to every frame by itself; anything else would bleed from one frame into the next. */
const FRAMEWISE = new Set(['flatten', 'resize', 'crop', 'extend']);

/** A strip of raw pixels, which a second pass would start from, sharp takes for one tall picture when it extends. */
export function areFramewise(steps: readonly Step[]): boolean {
  const each = steps.every(({ slot, name }) => FRAMEWISE.has(slot) && !name.startsWith('blocks'));
  return each && passesOf(steps).length === 1;
}

/** Frames as one strip, from top to bottom, as sharp has them. */
export function fromStrip(raw: Raw, frames: number): Sharp {
  const { data, width, height, channels } = raw;
  const pageHeight = height / frames;
  return sharp(data, { raw: { width, height, channels, pageHeight }, limitInputPixels: false });
}

/**
 * Runs steps on every frame of a strip alone.
 *
 * @param strip  all frames, each `strip.height / frames` px high
 */
export async function runOnFrames(
  strip: Raw,
  frames: number,
  steps: readonly Step[],
  options: PassOptions,
): Promise<Raw> {
  const { width, channels } = strip;
  const height = strip.height / frames;
  const length = width * height * channels;
  const done: Raw[] = [];
  for (let index = 0; index < frames; index++) {
    options.signal?.throwIfAborted();
    const image = fromRaw({
      data: strip.data.subarray(index * length, (index + 1) * length),
      width,
      height,
      channels,
    });
    const start = { image, size: { width, height }, slot: 0 };
    const draft = await runSteps(start, steps, rawHandover(options), options);
    done.push(await toRaw(draft.image.ensureAlpha(), options));
  }
  const first = done[0] ?? strip;
  return { ...first, data: Buffer.concat(done.map(({ data }) => data)), height: first.height * frames };
}
