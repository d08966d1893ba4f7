import type { Sharp } from 'sharp';
import sharp from 'sharp';
import type { Size, Slot, Step } from '../operations/operation.ts';
import { firstPass, passesOf } from '../plan/passes.ts';
import type { PassOptions, Raw } from './pipeline.ts';
import { checkRaw, fromRaw, rawHandover, runSteps, toRaw } from './pipeline.ts';

/** What sharp does to every frame by itself; anything else would bleed from one frame into the next. */
const FRAMEWISE: ReadonlySet<Slot> = new Set(['flatten', 'resize', 'crop', 'extend']);

/** A strip of raw pixels, which a second pass would start from, sharp takes for one tall picture when it extends. */
export function areFramewise(steps: readonly Step[]): boolean {
  return steps.every(({ slot }) => FRAMEWISE.has(slot)) && passesOf(steps, false).length === 1;
}

/** Frames as one strip, from top to bottom, as sharp has them. */
export function fromStrip(raw: Raw, frames: number): Sharp {
  const { data, width, height, channels } = checkRaw(raw);
  const pageHeight = height / frames;
  return sharp(data, { raw: { width, height, channels, pageHeight }, limitInputPixels: false });
}

/**
 * Runs steps on every frame of a strip alone.
 *
 * @param strip  all frames, each of `size` px
 */
export async function runOnFrames(
  strip: Raw,
  size: Size,
  steps: readonly Step[],
  options: PassOptions,
): Promise<Raw> {
  const { width, height } = size;
  const length = width * height * strip.channels;
  const done: Raw[] = [];
  const pass = firstPass(strip.channels % 2 === 0);
  for (let start = 0; start < strip.data.length; start += length) {
    options.signal?.throwIfAborted();
    const data = strip.data.subarray(start, start + length);
    const image = fromRaw({ data, width, height, channels: strip.channels });
    const draft = await runSteps({ image, size, pass }, steps, rawHandover(options), options);
    done.push(await toRaw(draft.image.ensureAlpha(), draft.size, options));
  }
  const first = done[0] ?? strip;
  return { ...first, data: Buffer.concat(done.map(({ data }) => data)), height: first.height * done.length };
}
