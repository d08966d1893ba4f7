import type { Slot, Step, StepContext } from '../operations/operation.ts';
import type { Source } from '../original/source.ts';

/** When a picture is laid on its background: never, before everything, at the end, or at the end and see-through. */
export type Ground = 'none' | 'first' | 'last' | 'under';

const isSeeThrough = (background: string | undefined): boolean =>
  background !== undefined && background.length > 7;

/** Slots of steps that neither look at nor change colours, so that the background may be there before them. */
const COLOURLESS: ReadonlySet<Slot> = new Set(['extend', 'rotate', 'flip', 'turn']);

/**
 * What the steps behind the geometry may paint with. Letterbox, corners and padding stay clear until the colours are
 * done: a negated picture keeps its red background.
 */
export function paintOf(context: StepContext, later: readonly Step[]): StepContext {
  const isPainted = later.every(({ slot }) => COLOURLESS.has(slot)) && !isSeeThrough(context.background);
  return isPainted ? context : { ...context, background: undefined, alpha: true };
}

/** @param later  the steps behind the geometry, as they will be */
export function groundOf(source: Source, { background }: StepContext, later: readonly Step[]): Ground {
  const opens = later.some((step) => step.opens);
  if (!background || (!source.alpha && !opens && !isSeeThrough(background))) return 'none';
  if (isSeeThrough(background)) return 'under';
  // Flattened before the resize, unless a step in between reads or makes alpha: that saves a pass over the picture.
  return !opens && later.every(({ slot }) => slot === 'extend') ? 'first' : 'last';
}

export const flatten = (background: string): Step => ({
  kind: 'background',
  name: `lay on ${background}`,
  slot: 'flatten',
  apply: (image) => image.flatten({ background }),
});

/** A colour with alpha cannot be flattened onto: it is laid under the picture and stays see-through. */
export const underlay = (background: string): Step => ({
  kind: 'background',
  name: `lay over ${background}`,
  slot: 'composite',
  apply: (image) => {
    const input = { create: { width: 1, height: 1, channels: 4 as const, background } };
    return image.ensureAlpha().composite([{ input, tile: true, blend: 'dest-over' }]);
  },
});
