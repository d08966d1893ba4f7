import { setTimeout as sleep } from 'node:timers/promises';

/** Of what a wait is for. No measure of speed: a machine that is busy takes its time, and only what never comes is wrong. */
const MAX_MS = 300_000;
const PAUSE_MS = { first: 10, last: 250 };

/**
 * Looks often until `seen` holds; the longer it takes, the less often, since looking takes from what is waited for.
 *
 * @throws Error that quotes `seen`, after five minutes
 */
export async function waitFor(seen: () => Promise<boolean> | boolean): Promise<void> {
  for (const begun = performance.now(); !(await seen()); ) {
    const waitedMs = performance.now() - begun;
    if (waitedMs > MAX_MS) throw new Error(`Not seen within ${MAX_MS} ms: ${seen}`);
    await sleep(Math.min(PAUSE_MS.last, Math.max(PAUSE_MS.first, waitedMs / 10)));
  }
}
