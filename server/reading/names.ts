import type { Plan } from '../core/plan/plan.ts';

/** One name for what is known of a page, counting from 0; frames share that of the first one. */
export const pageKey = (id: string, version: string, page: number): string =>
  page === 0 ? `${id} ${version}` : `${id} ${version} ${page}`;

/** Names that say nothing of pixels, only of how they are written. */
const WRITING = new Set(['fmt', 'q', 'progressive', 'chroma', 'effort', 'mb', 'meta', 'lossless', 'colors']);

/**
 * One name for all variants of an original that are the same pixels: a probe of one is that of all. Not of what is see-
 * through, which each format lays on its background at another time, nor of what carries a mark, which may change.
 */
export function probeKey(
  id: string,
  version: string,
  { values, settings, source, moves }: Plan,
): string | undefined {
  if (
    !settings.isAuto ||
    source.alpha ||
    source.vector ||
    moves ||
    values.wm !== undefined ||
    values.wm2 !== undefined
  )
    return undefined;
  const picture = Object.entries(values).filter(([name]) => !WRITING.has(name));
  return `${id} ${version} ${JSON.stringify(picture.sort())}`;
}
