/** By how much the clocks of those who write and read a time may differ. */
const CLOCKS_SECONDS = 60;

/**
 * Whether a time lies further ahead than anybody puts one. Whoever wrote it had a clock that has been set back since: to
 * wait for it would take as long as that clock was wrong, a day where somebody had mistaken the date.
 *
 * @param longestSeconds  for which such a time is put ahead at most; 0 for one at which something was done
 */
export function isSetBack(timeMs: number, nowMs: number, longestSeconds = 0): boolean {
  return timeMs > aheadMs(nowMs, longestSeconds);
}

/** The last time that can be believed, for stores that compare it themselves. */
export function aheadMs(nowMs: number, longestSeconds = 0): number {
  return nowMs + (longestSeconds + CLOCKS_SECONDS) * 1000;
}
