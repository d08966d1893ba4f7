import { setTimeout as sleep } from 'node:timers/promises';

/** Of what a wait is for. No measure of speed: a machine that is busy takes its time, and only what never comes is wrong. */
const MAX_MS = 180_000;

/**
 * Looks often until `seen` holds.
 *
 * @throws Error that quotes `seen`, after three minutes
 */
export async function waitFor(seen: () => Promise<boolean> | boolean): Promise<void> {
  for (const end = Date.now() + MAX_MS; !(await seen()); await sleep(10)) {
    if (Date.now() > end) throw new Error(`Not seen within ${MAX_MS} ms: ${seen}`);
  }
}
