import { readQuery, readTransformation } from '../operations/transformation.ts';
import type { Plan, PlanOptions } from './plan.ts';
import { makePlan } from './plan.ts';

/** What decides the size of a result; without any of it, it has that of the original. */
const SIZING = ['w', 'h', 'fit', 'up'];

/**
 * The canonical form without a size, where that gives the same picture: nothing is enlarged, so every width above the
 * original's is that of the original, and a page with a `srcset` asks for several.
 *
 * @param plan      of the canonical form
 * @param canonical  format resolved
 * @returns          undefined where the size matters, or none is given
 * @throws           Problem of makePlan
 */
export function plainerForm(plan: Plan, canonical: string, options: PlanOptions): string | undefined {
  const { source, geometry, upright, values } = plan;
  // What trim leaves is smaller, and may be enlarged, cut or letterboxed all the same.
  if (values.trim !== undefined && (values.up || values.fit !== undefined)) return undefined;
  const { width, height } = geometry.region ?? upright;
  // A drawing has no size above which it is not drawn.
  if (source.vector || geometry.scaled.width !== width || geometry.scaled.height !== height) return undefined;
  const parts = canonical.split('&');
  const kept = parts.filter((part) => !SIZING.includes(part.split('=', 1)[0] ?? ''));
  const plainer = kept.join('&');
  if (plainer === '' || kept.length === parts.length || readQuery(plainer, {}).canonical !== plainer)
    return undefined;
  const plain = makePlan(source, readTransformation(plainer), options);
  return pictureOf(plan) === pictureOf(plain) ? plainer : undefined;
}

/** Equal where two plans make the same bytes. */
function pictureOf({ format, settings, geometry, steps, result, moves, warnings }: Plan): string {
  return JSON.stringify([format, settings, geometry, steps.map(({ name }) => name), result, moves, warnings]);
}
