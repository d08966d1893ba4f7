import { setTimeout as sleep } from 'node:timers/promises';
import { unavailable } from '../shared/errors.ts';

/** Returned by a round whose condition failed because another writer was faster. */
export const AGAIN = Symbol('again');

/**
 * Every round lost is one that somebody else has won, so many rounds say little on a slow store: sixty purges at once were
 * answered 500 after twenty rounds of five seconds. Both have to have passed, the time from the first round lost.
 */
const LEAST_ROUNDS = 20;
const PATIENCE_MS = 20_000;
const LONGEST_PAUSE_MS = 800;

/** Those who lost, by what they write: the end of the last of them, and whether he gave up. */
const turns = new Map<string, Promise<boolean>>();

/**
 * Repeats a round of reading, deciding and writing on condition until it holds. Those of one process who lost once take
 * turns, so that any number that met at once has two rounds each; those who come meanwhile, and those of other processes,
 * meet them by chance only.
 *
 * @param what   is written, e.g. `The record of a.jpg`; nobody may wait for the same from inside a round
 * @param round  AGAIN where its condition failed
 * @throws Problem `store_unavailable` where that never ends, else what a round throws
 */
export async function untilWritten<T>(what: string, round: () => Promise<T | typeof AGAIN>): Promise<T> {
  const first = await round();
  if (first !== AGAIN) return first;
  const until = performance.now() + PATIENCE_MS;
  const result = await inTurn(what, (isVain) =>
    repeated(round, (rounds) => (isVain || rounds >= LEAST_ROUNDS) && performance.now() > until),
  );
  if (result !== AGAIN) return result;
  throw unavailable(new Error(`${what} was written by others each time.`));
}

/** Before another look at what others write: full jitter, so that those who met once do not meet again. */
export function pause(attempt: number): Promise<void> {
  return sleep(Math.random() * Math.min(LONGEST_PAUSE_MS, 5 * 2 ** attempt));
}

async function repeated<T>(
  round: () => Promise<T | typeof AGAIN>,
  isEnough: (rounds: number) => boolean,
): Promise<T | typeof AGAIN> {
  for (let rounds = 1; ; rounds++) {
    await pause(rounds);
    const result = await round();
    if (result !== AGAIN || isEnough(rounds)) return result;
  }
}

/** @param work  is told whether the one before gave up: many who each found that out would wait for all before them */
function inTurn<T>(
  what: string,
  work: (isVain: boolean) => Promise<T | typeof AGAIN>,
): Promise<T | typeof AGAIN> {
  const result = (turns.get(what) ?? Promise.resolve(false)).then(work);
  const end = result.then(
    (value) => leave(value === AGAIN),
    () => leave(false),
  );
  turns.set(what, end);
  return result;

  function leave(hasGivenUp: boolean): boolean {
    if (turns.get(what) === end) turns.delete(what);
    return hasGivenUp;
  }
}
