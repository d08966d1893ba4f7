import { MAX_DELAY_SECONDS } from '../server/stores/job-bodies.ts';

export interface TurnsOptions {
  /** Pieces of work at once. */
  readonly atOnce: number;
  /** Monotonic ms. */
  readonly now: () => number;
}

/** Of the first, before any has ended. */
const FIRST_MS = 1000;
/** Of the last so many, about. */
const REMEMBERED = 8;

/**
 * Gives whoever finds no place a time to come back at: one behind the other, as fast as work has ended lately. With the
 * same pause for all, they would come back together to find the same few places (of 120 that were due at once, five were
 * done a minute, for ten messages each).
 */
export class Turns {
  readonly #options: TurnsOptions;
  /** When each piece at work began, the first of them first. */
  readonly #began = new Set<{ readonly at: number }>();
  /** ms that a piece of work takes. */
  #tookMs = FIRST_MS;
  /** When the last one that was put off comes back. */
  #lastTurn = Number.NEGATIVE_INFINITY;

  constructor(options: TurnsOptions) {
    this.#options = options;
  }

  get hasPlace(): boolean {
    return this.#began.size < this.#options.atOnce;
  }

  async take<T>(work: () => Promise<T>): Promise<T> {
    const { now } = this.#options;
    const began = { at: now() };
    this.#began.add(began);
    try {
      return await work();
    } finally {
      this.#began.delete(began);
      this.#tookMs += (now() - began.at - this.#tookMs) / REMEMBERED;
    }
  }

  /** Whole seconds until the turn of one more, 1 to MAX_DELAY_SECONDS; who comes back then may find no place once more. */
  next(): number {
    const { now, atOnce } = this.#options;
    const asked = now();
    const [longest = { at: asked }] = this.#began;
    const turn = Math.max(asked, this.#lastTurn) + Math.max(this.#tookMs, asked - longest.at) / atOnce;
    const seconds = Math.ceil((turn - asked) / 1000);
    // As long as a queue delays, all turns are given away: who comes back at their end stands in line behind them.
    if (seconds > MAX_DELAY_SECONDS) return MAX_DELAY_SECONDS;
    this.#lastTurn = turn;
    return Math.max(1, seconds);
  }
}
