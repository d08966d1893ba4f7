import { resultKey } from '../core/query/id.ts';
import { Circuit } from '../shared/circuit.ts';
import { isProblem, Problem } from '../shared/errors.ts';
import { SingleFlight } from '../shared/single-flight.ts';
import { within } from '../shared/within.ts';
import type { Identity } from './identity.ts';
import type { Variant } from './inputs.ts';
import type { Result } from './result.ts';
import type { Results } from './results.ts';

export interface StoredReadsOptions {
  readonly results: Results;
  /** How long a request that can be rendered waits for its stored result. */
  readonly lookupMs: number;
  /** Monotonic ms. */
  readonly now: () => number;
  readonly onFailure: (error: unknown, variant: Variant) => void;
}

/** What a look for a stored result came to. */
export interface StoredRead {
  readonly result: Result | undefined;
  /** The bucket failed, or did not answer in time: it is not worth another question now. */
  readonly isAway: boolean;
  /** Waits for the bucket as long as it takes; undefined when it has none, or fails. */
  readonly patiently: () => Promise<Result | undefined>;
}

/** Looks for stored results, with a budget of their own: whoever can render does not wait for a bucket that is slow. */
export class StoredReads {
  readonly #options: StoredReadsOptions;
  readonly #early = new SingleFlight<Result | undefined>();
  readonly #circuit: Circuit;
  #damaged = 0;

  constructor(options: StoredReadsOptions) {
    this.#options = options;
    this.#circuit = new Circuit(options.now);
  }

  /** Whether the bucket has failed or been late so often that nobody waits for it. */
  get isAway(): boolean {
    return this.#circuit.isOpen;
  }

  /** Stored results so far that were not what had been written. */
  get damaged(): number {
    return this.#damaged;
  }

  /** Asks for the stored result while the version is still looked up: one round trip less for whoever waits. */
  begin(variant: Variant, identity: Promise<Identity>, signal: AbortSignal): Promise<Result | undefined> {
    const { id, canonical } = variant;
    const version = identity.then(({ version }) => version);
    const reading = this.#early
      .run(resultKey(id, canonical), signal, (flight) =>
        this.#options.results.get(id, canonical, version, flight),
      )
      .then(({ value }) => value);
    // Whoever needs it looks at it later; nobody does when there is no such image.
    for (const promise of [version, reading]) promise.catch(() => undefined);
    return reading;
  }

  /**
   * @param early  what `begin` began
   * @throws the signal's reason
   */
  async read(
    variant: Variant,
    version: string,
    early: Promise<Result | undefined> | undefined,
    signal: AbortSignal,
  ): Promise<StoredRead> {
    const get = () => this.#options.results.get(variant.id, variant.canonical, version, signal);
    // What was begun ends with the request that began it, which others may outlive.
    const again = (error: unknown) => (isAbort(error) ? get() : Promise.reject(error));
    let reading: Promise<Result | undefined> | undefined;
    const start = () => {
      reading ??= early ? early.catch(again) : get();
      return reading;
    };
    const patiently = () => start().catch(() => undefined);
    if (!this.#circuit.admits()) return { result: undefined, isAway: true, patiently };
    try {
      const read = await within(start(), this.#options.lookupMs);
      if (!read) throw late(this.#options.lookupMs);
      this.#circuit.succeeded();
      return { result: read.value, isAway: false, patiently };
    } catch (error) {
      signal.throwIfAborted();
      const isDamaged = isProblem(error) && error.code === 'damaged_store';
      if (isDamaged) this.#damaged += 1;
      else this.#circuit.failed();
      // Without its bucket the service is slower, not down.
      this.#options.onFailure(error, variant);
      patiently();
      return { result: undefined, isAway: !isDamaged, patiently };
    }
  }
}

const isAbort = (error: unknown): boolean =>
  error instanceof Error && /^(Abort|Timeout)Error$/.test(error.name);

const late = (ms: number): Problem =>
  new Problem('store_unavailable', `The stored result did not come within ${ms} ms.`);
