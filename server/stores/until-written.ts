import { setTimeout as sleep } from 'node:timers/promises';
import { unavailable } from '../shared/errors.ts';

/** Returned by a round whose condition failed because another writer was faster. */
export const AGAIN = Symbol('again');

/**
 * Every round lost is one that somebody else has won, so many rounds say little on a slow store: sixty purges at once were
 * answered 500 after twenty rounds of five seconds. Both have to have passed.
 */
const LEAST_ROUNDS = 20;
const PATIENCE_MS = 20_000;
const LONGEST_PAUSE_MS = 800;

/** Those who lost, by what they write: the end of the last of them. */
const turns = new Map<string, Promise<void>>();

/**
 * Repeats a round of reading, deciding and writing on condition until it holds. Those of one process who lost once take
 * turns, so that of any number of them each has two rounds; those of several processes meet by chance only.
 *
 * @param what   is written, e.g. `The record of a.jpg`; nobody may wait for the same from inside a round
 * @param round  AGAIN where its condition failed
 * @throws Problem `store_unavailable` where that never ends, else what a round throws
 */
export async function untilWritten<T>(what: string, round: () => Promise<T | typeof AGAIN>): Promise<T> {
  const first = await round();
  return first === AGAIN ? inTurn(what, () => repeated(what, round)) : first;
}

/** Before another look at what others write: full jitter, so that those who met once do not meet again. */
export function pause(attempt: number): Promise<void> {
  return sleep(Math.random() * Math.min(LONGEST_PAUSE_MS, 5 * 2 ** attempt));
}

async function repeated<T>(what: string, round: () => Promise<T | typeof AGAIN>): Promise<T> {
  const since = performance.now();
  for (let rounds = 1; ; rounds++) {
    await pause(rounds);
    const result = await round();
    if (result !== AGAIN) return result;
    if (rounds >= LEAST_ROUNDS && performance.now() - since > PATIENCE_MS)
      throw unavailable(new Error(`${what} was written by others in each of ${rounds + 1} rounds.`));
  }
}

function inTurn<T>(what: string, work: () => Promise<T>): Promise<T> {
  const result = (turns.get(what) ?? Promise.resolve()).then(work);
  const end = result.then(leave, leave);
  turns.set(what, end);
  return result;

  function leave(): void {
    if (turns.get(what) === end) turns.delete(what);
  }
}
