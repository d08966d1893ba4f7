import { LRUCache } from 'lru-cache';
import { atMost } from '../shared/at-most.ts';
import { Flushed } from '../shared/periodic.ts';
import type { Variant } from './inputs.ts';
import type { ResultFacts } from './result.ts';
import type { Results } from './results.ts';

/** A result counts as used for this long after it was said to be. */
const HOUR_MS = 3_600_000;
/** Between two tellings: what a kill makes forgotten. */
const PERIOD_MS = 300_000;
/** Results in use at once that are told of; more are as many files as fit no memory. */
const MAX_USED = 100_000;

export interface UsesOptions {
  readonly results: Pick<Results, 'markUsed'>;
  /** Monotonic ms. */
  readonly now: () => number;
  readonly onFailure: (error: unknown) => void;
}

type Served = Pick<ResultFacts, 'id' | 'canonical' | 'storedAs'>;

/** Notes which results are served, from wherever, and tells their store now and then: a hit itself touches no file. */
export class Uses extends Flushed {
  readonly #options: UsesOptions;
  readonly #used = new Map<string, Variant>();
  readonly #toldMs = new LRUCache<string, number>(atMost(MAX_USED));

  constructor(options: UsesOptions) {
    super(PERIOD_MS);
    this.#options = options;
  }

  /**
   * @param key     of the variant, as memory has it
   * @param result  of it that was served
   */
  add(key: string, { id, canonical, storedAs = canonical }: Served): void {
    if (this.#used.size < MAX_USED && !this.#used.has(key)) this.#used.set(key, { id, canonical: storedAs });
  }

  /** Tells of those that were not told of within the hour. Never rejects. */
  override async flush(): Promise<void> {
    const { results, now, onFailure } = this.#options;
    const used = [...this.#used];
    this.#used.clear();
    const isDue = (key: string) => now() - (this.#toldMs.get(key) ?? Number.NEGATIVE_INFINITY) >= HOUR_MS;
    const due = used.filter(([key]) => isDue(key));
    for (const [key] of due) this.#toldMs.set(key, now());
    await results.markUsed(due.map(([_key, variant]) => variant)).catch(onFailure);
  }
}
