import type { OperationStep, Slot, Step } from '../operations/operation.ts';
import { SLOTS } from '../operations/operation.ts';

/** What has been laid into one pass of sharp. */
export interface Pass {
  readonly slot: number;
  /** Has become see-through in this pass. */
  readonly opened: boolean;
  /** Is mirrored in this pass, and neither resized before nor turned behind it. */
  readonly mirrored: boolean;
}

/** A pass that nothing has been laid into. */
export const FRESH: Pass = { slot: 0, opened: false, mirrored: false };

/** sharp multiplies alpha in where a pass begins with one: a pass that opens the picture would blur its edges black. */
const BLENDING: ReadonlySet<Slot> = new Set(['blur', 'sharpen']);

/** Whether a step must not be laid into a pass behind what is there. */
export function startsPass({ slot }: OperationStep, pass: Pass): boolean {
  if (slot === 'smart') return pass.slot > 0;
  // sharp cuts such a picture before it mirrors it: the other side would be left (frames, and what is drawn to size).
  if (slot === 'crop' && pass.mirrored) return true;
  return SLOTS[slot] <= pass.slot || (pass.opened && BLENDING.has(slot));
}

/** The pass once a step has been laid into it. */
export const after = ({ slot, opens = false }: OperationStep, pass: Pass): Pass => ({
  slot: SLOTS[slot],
  opened: pass.opened || opens,
  mirrored: slot === 'flip' ? pass.slot < SLOTS.resize : slot !== 'turn' && pass.mirrored,
});

/** Names of the steps that pass through sharp together; for explain. */
export function passesOf(steps: readonly Step[]): string[][] {
  const passes: string[][] = [[]];
  let pass = FRESH;
  for (const step of steps) {
    if (startsPass(step, pass)) {
      passes.push([]);
      pass = FRESH;
    }
    passes.at(-1)?.push(step.name);
    pass = after(step, pass);
  }
  return passes;
}
