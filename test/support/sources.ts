import type { Source } from '../../server/core/original/source.ts';
import { readSource } from '../../server/core/original/source.ts';

/** An original as its header might describe it: an upright photograph of 4000 x 3000 px unless told otherwise. */
export const source = (facts: Partial<Source> = {}): Source => ({
  ...readSource(facts.format ?? 'jpeg', facts.bytes ?? 2_000_000, { width: 4000, height: 3000 }),
  ...facts,
});
