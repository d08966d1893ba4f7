import { isProblem, type ProblemCode } from '../shared/errors.ts';
import { isRefusal } from './measure.ts';

/** Pauses between tries, seven hours in all: a server that is away for a night is a server that is gone. */
const RETRY_SECONDS = [10, 60, 300, 1800, 7200, 14_400] as const;
/** Longest pause that a server may ask for. */
export const MOST_PAUSE_SECONDS = 14_400;
/** What no other try will change. */
const FINAL: readonly ProblemCode[] = [
  'source_absent',
  'source_refused',
  'not_allowed',
  'invalid_parameter',
  'upload_too_large',
  'conflict',
];

export function isFinal(error: unknown): boolean {
  return isRefusal(error) || (isProblem(error) && FINAL.includes(error.code));
}

/** Seconds until the next try; undefined: there is none. */
export function pauseOf(error: unknown, tries: number): number | undefined {
  const pause = RETRY_SECONDS[tries - 1];
  const asked = isProblem(error) ? (error.facts.retryAfterSeconds ?? 0) : 0;
  return pause && Math.max(pause, Math.min(asked, MOST_PAUSE_SECONDS));
}
