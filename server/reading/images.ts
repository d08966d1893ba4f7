import { resultKey } from '../core/query/id.ts';
import type { Deferred } from '../shared/deferred.ts';
import { Problem } from '../shared/errors.ts';
import { SingleFlight, unlessAborted } from '../shared/single-flight.ts';
import { type Inputs, marksOf, type Variant } from './inputs.ts';
import type { Identity, Original, Originals } from './originals.ts';
import type { Admitted, Renderer } from './renderer.ts';
import type { ResultCache } from './result-cache.ts';
import type { Result, ResultFacts, Results } from './results.ts';
import { factsOf, resultOf } from './results.ts';

/** Where an answer came from: the value of X-Image-Cache. */
export type Tier = 'memory' | 'stored' | 'coalesced' | 'miss';

/** ms by stage, as Server-Timing shows them. */
export type Timings = Readonly<
  Partial<Record<'queue' | 'fetch' | 'decode' | 'transform' | 'encode', number>>
>;

export type { Variant } from './inputs.ts';

export interface Answer {
  readonly result: Result;
  readonly tier: Tier;
  readonly timings: Timings;
}

export interface ImagesOptions {
  readonly originals: Originals;
  readonly inputs: Inputs;
  readonly results: Results;
  readonly renderer: Renderer;
  readonly memory: ResultCache;
  readonly deferred: Deferred;
  /** Monotonic ms. */
  readonly now: () => number;
  /** A result could not be stored: the answer has gone out all the same. */
  readonly onStoreFailure: (error: unknown, variant: Variant) => void;
}

/** The use case of the service: a variant from memory, from its bucket, or by one render. */
export class Images {
  readonly #options: ImagesOptions;
  readonly #flights = new SingleFlight<Answer>();
  readonly #early = new SingleFlight<Result | undefined>();
  readonly #storing = new Set<Promise<void>>();

  constructor(options: ImagesOptions) {
    this.#options = options;
  }

  get load(): { flights: number; storing: number } {
    return { flights: this.#flights.size, storing: this.#storing.size };
  }

  /**
   * The result of a variant. One flight per variant; it ends when nobody waits for it any more.
   *
   * @throws Problem `image_not_found`, `overloaded`, `deadline`, and those of opening, planning and rendering
   */
  async find(variant: Variant, signal: AbortSignal): Promise<Answer> {
    const { inputs, memory } = this.#options;
    const key = resultKey(variant.id, variant.canonical);
    const identified = inputs.identify(variant);
    const early =
      inputs.isSettled(variant) || memory.has(key) ? undefined : this.#begin(variant, identified, signal);
    const identity = await unlessAborted(identified, signal);
    const held = memory.get(key, identity.version);
    if (held) return { result: held, tier: 'memory', timings: {} };
    // The version is part of the flight: those who come after an overwrite do not join an older one.
    const { value, joined } = await this.#flights.run(`${key} ${identity.version}`, signal, (flight) =>
      this.#obtain(variant, identity, early, flight),
    );
    return joined ? { ...value, tier: 'coalesced' } : value;
  }

  /**
   * What is known of a result without rendering it; undefined when there is none yet.
   *
   * @throws Problem `image_not_found`
   */
  async facts(
    variant: Variant,
    signal: AbortSignal,
  ): Promise<{ facts: ResultFacts; tier: Tier } | undefined> {
    const { inputs, memory, results } = this.#options;
    const { version } = await unlessAborted(inputs.identify(variant), signal);
    const held = memory.get(resultKey(variant.id, variant.canonical), version);
    if (held) return { facts: factsOf(held), tier: 'memory' };
    const facts = await results.head(variant.id, variant.canonical, version, signal);
    return facts && { facts, tier: 'stored' };
  }

  /** Key of the bucket that a variant lies under, once it is made; undefined where that would be too long. */
  keyOf({ id, canonical }: Variant): string | undefined {
    return this.#options.results.keyOf(id, canonical);
  }

  /** Resolves when everything that was rendered has been stored. */
  async settle(): Promise<void> {
    await Promise.all(this.#storing);
  }

  /** Asks for the stored result while the version is still looked up: one round trip less for whoever waits. */
  #begin(variant: Variant, identity: Promise<Identity>, signal: AbortSignal): Promise<Result | undefined> {
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

  async #obtain(
    variant: Variant,
    identity: Identity,
    early: Promise<Result | undefined> | undefined,
    signal: AbortSignal,
  ): Promise<Answer> {
    const { results, now } = this.#options;
    const started = now();
    const read = () => results.get(variant.id, variant.canonical, identity.version, signal);
    // What was begun ends with the request that began it, which others may outlive.
    const again = (error: unknown) => (isAbort(error) ? read() : Promise.reject(error));
    const stored = await (early ? early.catch(again) : read())
      .then((found) => (found?.version === identity.version ? found : undefined))
      .catch((error: unknown) => {
        if (signal.aborted) throw error;
        // Without its bucket the service is slower, not down.
        this.#options.onStoreFailure(error, variant);
        return undefined;
      });
    if (stored) {
      this.#remember(stored);
      return { result: stored, tier: 'stored', timings: { fetch: now() - started } };
    }
    signal.throwIfAborted();
    return this.#render(variant, marksOf(identity.version), signal);
  }

  async #render(variant: Variant, marks: string, signal: AbortSignal): Promise<Answer> {
    const { originals, now } = this.#options;
    const started = now();
    const original = await originals.fetch(variant.id, signal);
    const fetched = now();
    const done = await this.#renderFile(variant, original, signal);
    if ('sameAs' in done) return this.#repeat(variant, done.sameAs, signal);
    const { queuedMs, timings, ...rendered } = done;
    const header = now() - fetched - queuedMs - timings.decode - timings.transform - timings.encode;
    // The marks as they were before: those that were laid on may be newer, but never older.
    const made = { ...original, version: original.version + marks };
    const result = resultOf(variant.id, variant.canonical, made, { ...rendered, timings });
    this.#remember(result);
    this.#store(result);
    const { decode, transform, encode } = timings;
    const stages = {
      queue: queuedMs,
      fetch: fetched - started,
      decode: decode + Math.max(0, header),
      transform,
      encode,
    };
    return { result, tier: 'miss', timings: stages };
  }

  /** Nothing is rendered where another variant has the same bytes. */
  async #renderFile(
    { id, canonical }: Variant,
    original: Original,
    signal: AbortSignal,
  ): Promise<Admitted | { readonly sameAs: string }> {
    try {
      signal.throwIfAborted();
      const input = { canonical, priority: 'live', focal: original.focal } as const;
      const { renderer } = this.#options;
      const { sameAs } = await renderer.plan(await renderer.open(id, original, signal), input);
      return sameAs === undefined ? await renderer.render(id, original, input, signal) : { sameAs };
    } finally {
      original.release();
    }
  }

  /** The bytes of another variant, which alone is stored: five widths above the original's are one object. */
  async #repeat(variant: Variant, plainer: string, signal: AbortSignal): Promise<Answer> {
    const answer = await this.find({ id: variant.id, canonical: plainer }, signal);
    const result = { ...answer.result, canonical: variant.canonical };
    this.#remember(result);
    return { ...answer, result };
  }

  /** In memory, unless it is known to be old, or could be older than what is there. Asks no store. */
  #remember(result: Result): void {
    const { inputs, memory } = this.#options;
    const { id, canonical, version } = result;
    const key = resultKey(id, canonical);
    const isGood = inputs.isSettled(result)
      ? inputs.lastKnown(result)?.version === version
      : (memory.versionAt(key) ?? version) === version;
    if (isGood) memory.set(key, result);
  }

  /** In the background: the answer does not wait. */
  #store(result: Result): void {
    const done = new Promise<void>((resolve) => this.#options.deferred.afterResponse(resolve))
      .then(() => this.#storeCurrent(result))
      .catch((error: unknown) => this.#options.onStoreFailure(error, result))
      .finally(() => this.#storing.delete(done));
    this.#storing.add(done);
  }

  /** An original that was overwritten meanwhile must not leave the old picture behind, in the bucket or in memory. */
  async #storeCurrent(result: Result): Promise<void> {
    const { results, inputs, memory } = this.#options;
    const { id, canonical, version } = result;
    if (!results.keyOf(id, canonical)) return;
    const key = resultKey(id, canonical);
    const isCurrent = async () => (await inputs.revalidate(result))?.version === version;
    if (!(await results.keep(result, isCurrent))) memory.drop(key, version);
    else if (memory.versionAt(key) !== version) memory.set(key, result);
  }
}

const isAbort = (error: unknown): boolean =>
  error instanceof Error && /^(Abort|Timeout)Error$/.test(error.name);

/** Turns the end of a request's time into what its client is told. */
export function deadlineProblem(error: unknown, ms: number): unknown {
  if (error instanceof Error && error.name === 'TimeoutError') {
    return new Problem('deadline', `The request took longer than ${ms} ms.`, { retryAfterSeconds: 1 }, error);
  }
  return error;
}
