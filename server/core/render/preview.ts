import { isProblem } from '../../shared/errors.ts';
import { readTransformation } from '../operations/transformation.ts';
import type { Source, SourceLimits } from '../original/source.ts';
import { makePlan, type Plan, type PlanOptions } from '../plan/plan.ts';
import type { PassOptions, Raw } from './pipeline.ts';
import { placeholder } from './placeholder.ts';
import { pixelsOf } from './render.ts';
import type { Opened } from './types.ts';

/** What stands for a picture until it is there. */
export interface Preview {
  /** Base64 ThumbHash. */
  readonly placeholder: string;
  /** `#rrggbb` of the most frequent colour. */
  readonly color: string;
}

/** All frames where it moves and may; the loader shrinks, since no more than 100 px a side are of use. */
const MOVING = readTransformation('fmt=webp&h=100&w=100');
const STILL = readTransformation('fmt=png&h=100&w=100');

/**
 * The cheapest plan that decodes all of an original, so that what breaks any render of it breaks this one.
 *
 * @throws Problem `too_many_pixels`
 */
export function previewPlan(source: Source, limits: SourceLimits): { plan: Plan; options: PlanOptions } {
  const options: PlanOptions = { priority: 'warm', limits };
  if (!source.moving) return { plan: makePlan(source, STILL, options), options };
  try {
    return { plan: makePlan(source, MOVING, options), options };
  } catch (error) {
    // Too many frames for a moving result: its first one can be had.
    if (!isProblem(error) || error.code !== 'too_many_pixels') throw error;
    return { plan: makePlan(source, STILL, options), options };
  }
}

/**
 * Decodes an original once.
 *
 * @throws Problem as render, for whatever would fail when it is asked for
 */
export async function previewOf(
  opened: Opened,
  { limits, pass, now }: { limits: SourceLimits; pass: PassOptions; now: () => number },
): Promise<Preview> {
  const { plan, options } = previewPlan(opened.source, limits);
  const pixels = await pixelsOf({ opened, plan, options, maxPixels: limits.maxPixels, pass, now });
  const first = plan.moves ? firstFrame(pixels, plan.source.pages) : pixels;
  const [hash, color] = await Promise.all([placeholder('thumbhash', first), placeholder('color', first)]);
  return { placeholder: hash, color };
}

function firstFrame(strip: Raw, frames: number): Raw {
  const height = strip.height / frames;
  return { ...strip, height, data: strip.data.subarray(0, strip.width * height * strip.channels) };
}
