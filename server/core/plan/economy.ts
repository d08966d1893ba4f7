import { readQuery } from '../operations/transformation.ts';
import type { Plan } from './plan.ts';

/** What is saved on a picture while many wait: the encoder's patience, or the format too. */
export type Economy = 'encoder' | 'format';

/** Whether a warmer, which has time, may make fewer bytes of it than a request did. */
export const isUpgradable = ({ settings, values }: Plan): boolean =>
  settings.effort === 'live' && values.ph === undefined;

/** At least a tenth: for less nobody gets a larger picture, which says that it is degraded and is made again. */
const MOST_SPENT = 0.9;

export const isWorthwhile = (asked: Pick<Plan, 'cost'>, cheaper: Pick<Plan, 'cost'>): boolean =>
  cheaper.cost.cpuMs <= MOST_SPENT * asked.cost.cpuMs;

const EFFORT = /(?:^|&)effort=/;
const NEGOTIATED_AVIF = /(?<=^|&)fmt=auto-avif(?=&|$)/;

/**
 * The canonical form that a picture is made as, where less is to be spent on it than asked for. Whoever takes one takes
 * the other: `auto-avif` is said to who takes AVIF and WebP, and no other format is given up for another.
 *
 * @param canonical  format resolved
 * @returns          the same where nothing can be saved, or `effort` says what is to be spent
 */
export function cheaperForm(canonical: string, economy: Economy): string {
  if (EFFORT.test(canonical)) return canonical;
  const isWebp = economy === 'format' && NEGOTIATED_AVIF.test(canonical);
  const cheaper = isWebp ? hurried(canonical.replace(NEGOTIATED_AVIF, 'fmt=webp')) : undefined;
  return cheaper ?? hurried(canonical) ?? canonical;
}

/** With the cheapest encoder; undefined where parts of it contradict each other, as WebP and chroma=444 do. */
function hurried(form: string): string | undefined {
  try {
    return readQuery(`${form}&effort=fast`, {}).canonical;
  } catch {
    return undefined;
  }
}
