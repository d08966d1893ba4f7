import type { Histogram } from 'prom-client';

/** So many are handed over in a row. */
const BATCH = 1024;

/**
 * Seconds that wait for their histogram, for who observes too often to pay for each: prom-client looks one up by its
 * labels, checks them and finds the bucket by name, which in a row takes 0.15 us, but 2 us between two hits, whose bytes
 * have taken the processor's cache (a tenth of what a hit takes).
 */
export class Observations {
  readonly #histogram: Histogram.Internal<string>;
  readonly #seconds = new Float64Array(BATCH);
  #count = 0;

  constructor(histogram: Histogram.Internal<string>) {
    this.#histogram = histogram;
  }

  add(seconds: number): void {
    this.#seconds[this.#count] = seconds;
    this.#count += 1;
    if (this.#count === BATCH) this.handOver();
  }

  /** Before anybody reads the histogram. */
  handOver(): void {
    const waiting = this.#seconds.subarray(0, this.#count);
    this.#count = 0;
    for (const seconds of waiting) this.#histogram.observe(seconds);
  }
}
