import { isProblem } from '../../shared/errors.ts';
import { readTransformation } from '../operations/transformation.ts';
import type { Source, SourceLimits } from '../original/source.ts';
import { makePlan, type Plan, type PlanOptions } from './plan.ts';

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
