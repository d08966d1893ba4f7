/** What was counted of a key, and what was summed up beside it since it has a place. */
export interface Counter {
  /** How often it came, at most. */
  readonly count: number;
  /** By how much the count may be too high: it came `count - error` times at least. */
  readonly error: number;
  readonly sums: readonly number[];
}

/**
 * The keys that come most often of a stream that has any number of them, in a bounded number of places: whatever comes
 * more often than once in `places` times has one. Two such sketches can be merged into one that holds the same of both
 * streams together.
 *
 * @see Metwally, Agrawal, El Abbadi: Efficient computation of frequent and top-k elements in data streams (2005)
 * @see Agarwal et al.: Mergeable summaries (2012)
 */
export class SpaceSaving {
  readonly places: number;
  readonly #counters: Map<string, Counter>;

  constructor(places: number, counters: Iterable<readonly [string, Counter]> = []) {
    this.places = places;
    this.#counters = new Map(mostCounted([...counters]).slice(0, places));
  }

  /** Most counted first. */
  get entries(): (readonly [string, Counter])[] {
    return mostCounted([...this.#counters]);
  }

  get(key: string): Counter | undefined {
    return this.#counters.get(key);
  }

  /** @param sums  as many in each call */
  add(key: string, sums: readonly number[]): void {
    const before = this.#counters.get(key);
    if (before) {
      const { count, error } = before;
      this.#counters.set(key, { count: count + 1, error, sums: added(before.sums, sums) });
      return;
    }
    const least = this.#counters.size < this.places ? undefined : this.#least();
    if (least) this.#counters.delete(least[0]);
    const error = least?.[1].count ?? 0;
    this.#counters.set(key, { count: error + 1, error, sums });
  }

  /** Every count times a factor, as if the stream had been shorter. */
  scaled(factor: number): SpaceSaving {
    const counters = [...this.#counters].map(([key, { count, error, sums }]): [string, Counter] => [
      key,
      { count: count * factor, error: error * factor, sums: sums.map((sum) => sum * factor) },
    ]);
    return new SpaceSaving(this.places, counters);
  }

  /** Of both streams, in the places of this one. */
  merged(other: SpaceSaving): SpaceSaving {
    const keys = new Set([...this.#counters.keys(), ...other.#counters.keys()]);
    return new SpaceSaving(
      this.places,
      [...keys].map((key) => [key, sumOf(this.#atMost(key), other.#atMost(key))]),
    );
  }

  /** A key without a place has come as often as the least of those that have one, at most. */
  #atMost(key: string): Counter {
    const counter = this.#counters.get(key);
    if (counter) return counter;
    const bound = this.#counters.size < this.places ? 0 : (this.#least()?.[1].count ?? 0);
    return { count: bound, error: bound, sums: [] };
  }

  /** Some hundreds are looked at in a microsecond or two, and whoever adds has rendered or read a picture. */
  #least(): readonly [string, Counter] | undefined {
    let least: readonly [string, Counter] | undefined;
    for (const entry of this.#counters) if (!least || entry[1].count < least[1].count) least = entry;
    return least;
  }
}

const mostCounted = <T extends readonly [string, Counter]>(entries: T[]): T[] =>
  entries.sort(([, a], [, b]) => b.count - a.count);

const added = (a: readonly number[], b: readonly number[]): number[] =>
  Array.from({ length: Math.max(a.length, b.length) }, (_, n) => (a[n] ?? 0) + (b[n] ?? 0));

const sumOf = (a: Counter, b: Counter): Counter => ({
  count: a.count + b.count,
  error: a.error + b.error,
  sums: added(a.sums, b.sums),
});
