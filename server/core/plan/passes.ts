import type { OperationStep, Slot, Step } from '../operations/operation.ts';
import { SLOTS } from '../operations/operation.ts';

/** What has been laid into one pass of sharp. */
export interface Pass {
  readonly slot: number;
  /** May begin see-through: sharp multiplies alpha in from a resize up to the sharpening, where there is one of them. */
  readonly clear: boolean;
  /** Has become see-through in this pass. */
  readonly opened: boolean;
  /** Has become so along edges that are smoothed: a mark would have alpha multiplied in behind a resize. */
  readonly torn: boolean;
  /** Is mirrored in this pass, and neither resized before nor turned behind it. */
  readonly mirrored: boolean;
  /** Is resized in this pass. */
  readonly resized: boolean;
  /** Has a step that alpha must not be multiplied in for. */
  readonly straight: boolean;
  /** Has numbers above white. */
  readonly exceeding: boolean;
}

/** A pass that nothing has been laid into, of a picture without alpha. */
export const FRESH: Pass = {
  slot: 0,
  clear: false,
  opened: false,
  torn: false,
  mirrored: false,
  resized: false,
  straight: false,
  exceeding: false,
};

/** The first pass over an original. */
export const firstPass = (alpha: boolean): Pass => ({ ...FRESH, clear: alpha });

/** The pass over what another one leaves. */
export const nextPass = ({ clear, opened }: Pass): Pass => ({ ...FRESH, clear: clear || opened });

/** sharp multiplies alpha in where a pass begins with one: a pass that opens the picture would blur its edges black. */
const BLENDING: ReadonlySet<Slot> = new Set(['blur', 'sharpen']);

const RESIZING: ReadonlySet<Slot> = new Set(['resize', 'blocks', 'smart']);

/**
 * What gives other colours where alpha is multiplied in: the darker ones it is shown then are not those of the picture,
 * and a rotation multiplies by itself.
 */
const STRAIGHT: ReadonlySet<Slot> = new Set(['rotate', 'median', 'recomb', 'modulate']);

/** Whether a step must not be laid into a pass behind what is there. */
export function startsPass({ slot }: OperationStep, pass: Pass): boolean {
  if (slot === 'smart') return pass.slot > 0;
  // sharp cuts such a picture before it mirrors it: the other side would be left (frames, and what is drawn to size).
  if (slot === 'crop' && pass.mirrored) return true;
  if (SLOTS[slot] <= pass.slot) return true;
  if (slot === 'composite') return pass.exceeding || (pass.torn && pass.resized);
  if (BLENDING.has(slot)) return pass.opened || (pass.clear && pass.straight);
  return STRAIGHT.has(slot) && pass.clear && pass.resized;
}

/** The pass once a step has been laid into it. */
export const after = ({ slot, opens = false, exceeds = false }: OperationStep, pass: Pass): Pass => ({
  slot: SLOTS[slot],
  clear: pass.clear && slot !== 'flatten',
  opened: pass.opened || opens,
  torn: pass.torn || (opens && slot === 'rotate'),
  mirrored: slot === 'flip' ? pass.slot < SLOTS.resize : slot !== 'turn' && pass.mirrored,
  resized: pass.resized || RESIZING.has(slot),
  straight: pass.straight || STRAIGHT.has(slot),
  exceeding: pass.exceeding || exceeds,
});

/**
 * Names of the steps that pass through sharp together; for explain.
 *
 * @param alpha  of the original
 */
export function passesOf(steps: readonly Step[], alpha: boolean): string[][] {
  const passes: string[][] = [[]];
  let pass = firstPass(alpha);
  for (const step of steps) {
    if (startsPass(step, pass)) {
      passes.push([]);
      pass = nextPass(pass);
    }
    passes.at(-1)?.push(step.name);
    pass = after(step, pass);
  }
  return passes;
}
