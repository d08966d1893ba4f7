/** Failures in a row after which nobody waits any more. */
const FAILURES = 3;
/** Until one call is waited for again. */
const PAUSE_MS = 2_000;

/**
 * Whether a call is worth waiting for: not while the last ones all failed or were late. Every two seconds one is waited
 * for again, and the first that is good ends the pause.
 */
export class Circuit {
  readonly #now: () => number;
  #failures = 0;
  #triedAt = 0;

  /** @param now  monotonic ms */
  constructor(now: () => number) {
    this.#now = now;
  }

  get isOpen(): boolean {
    return this.#failures >= FAILURES;
  }

  /** Whether it is time for the next try. */
  get isDue(): boolean {
    return this.#now() - this.#triedAt >= PAUSE_MS;
  }

  /** To be asked once before each call: whoever is told yes during a pause is the one that tries. */
  admits(): boolean {
    if (!this.isOpen) return true;
    if (!this.isDue) return false;
    this.#triedAt = this.#now();
    return true;
  }

  succeeded(): void {
    this.#failures = 0;
  }

  failed(): void {
    this.#failures += 1;
    if (this.#failures === FAILURES) this.#triedAt = this.#now();
  }
}
