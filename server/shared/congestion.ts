/** Share of the wait of a burst after which a queue that is as long as that lasts. */
const LASTING = 0.5;
/** Times the longest expected wait, after which somebody who was let in while the queue lasted is refused after all. */
const PATIENCE = 2;

export interface WaitLimits {
  /** Longest expected wait where more comes than can be done; whoever would wait longer is refused at once. */
  readonly maxWaitMs: number;
  /** Longest expected wait of those who come at once, as the pictures of a page do; absent: as `maxWaitMs`. */
  readonly burstWaitMs?: number | undefined;
}

/**
 * Tells a queue that stays long from a burst, as CoDel does (RFC 8289, 3): all pictures of a new page may wait up to
 * `burstWaitMs`. Once the expected wait has been above `maxWaitMs` for half of that, more comes than can be done, and
 * nobody is let in who would wait longer than `maxWaitMs`, until the queue has been empty: then all who are let in wait
 * little, and as many are served.
 */
export class Congestion {
  readonly #maxWaitMs: number;
  readonly #burstWaitMs: number;
  readonly #now: () => number;
  /** Since when the expected wait is above `maxWaitMs`. */
  #longSince: number | undefined;
  #isLasting = false;

  constructor({ maxWaitMs, burstWaitMs = maxWaitMs }: WaitLimits, now: () => number) {
    this.#maxWaitMs = maxWaitMs;
    this.#burstWaitMs = Math.max(maxWaitMs, burstWaitMs);
    this.#now = now;
  }

  /** Longest expected wait that somebody is let in with. */
  get allowedMs(): number {
    return this.#isLasting ? this.#maxWaitMs : this.#burstWaitMs;
  }

  /** How long whoever is let in now may wait in the end: what comes later than this is worth nothing to them. */
  get worthMs(): number {
    return Math.min(this.#isLasting ? PATIENCE * this.#maxWaitMs : this.#burstWaitMs, this.#burstWaitMs);
  }

  /** Told whenever the queue has changed; of those in it who are not patient. */
  watch(expectedMs: number, waiting: number): void {
    if (expectedMs <= this.#maxWaitMs) this.#longSince = undefined;
    else this.#longSince ??= this.#now();
    if (waiting === 0) this.#isLasting = false;
    else if (this.#longSince !== undefined)
      this.#isLasting ||= this.#now() - this.#longSince > this.#burstWaitMs * LASTING;
  }
}
