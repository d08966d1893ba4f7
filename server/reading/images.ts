import { resultKey } from '../core/query/id.ts';
import type { Deferred } from '../shared/deferred.ts';
import { isProblem } from '../shared/errors.ts';
import { SingleFlight, unlessAborted } from '../shared/single-flight.ts';
import { type Answer, asAnswered, type Tier } from './answer.ts';
import type { Haste } from './haste.ts';
import { isOfVersion, isWithoutRecord } from './identity.ts';
import { type Inputs, marksOf, type Variant } from './inputs.ts';
import { makePicture } from './making.ts';
import type { Identity, Originals } from './originals.ts';
import type { Renderer } from './renderer.ts';
import { factsOf, type Result, type ResultFacts, resultOf } from './result.ts';
import { type ResultCache, UNKNOWN } from './result-cache.ts';
import type { Results } from './results.ts';
import { type StoredRead, StoredReads } from './stored-reads.ts';
import type { Uses } from './uses.ts';
import { WriteBehind } from './write-behind.ts';

export interface ImagesOptions {
  readonly originals: Originals;
  readonly inputs: Inputs;
  readonly results: Results;
  readonly renderer: Renderer;
  readonly memory: ResultCache;
  readonly haste: Haste;
  readonly deferred: Deferred;
  readonly uses: Uses;
  /** How long a request that can be rendered waits for its stored result. */
  readonly lookupMs: number;
  /** Monotonic ms. */
  readonly now: () => number;
  /** A result could not be stored: the answer has gone out all the same. */
  readonly onStoreFailure: (error: unknown, variant: Variant) => void;
  /** A result can become smaller, or is to be made at all: in time. Absent: none is made again. */
  readonly onUpgradable?: ((result: Variant & { version: string; isStored: boolean }) => void) | undefined;
}

/** The use case of the service: a variant from memory, from its bucket, or by one render. */
export class Images {
  readonly #options: ImagesOptions;
  readonly #flights = new SingleFlight<Answer>();
  readonly #stored: StoredReads;
  readonly #writes: WriteBehind;

  constructor(options: ImagesOptions) {
    this.#options = options;
    const { results, inputs, memory, deferred, lookupMs, now, onStoreFailure } = options;
    this.#stored = new StoredReads({ results, lookupMs, now, onFailure: onStoreFailure });
    const remember = (result: Result) => this.#remember(result);
    const onStored = (result: Result) => this.#tell(result, true);
    this.#writes = new WriteBehind({ results, inputs, memory, deferred, onStoreFailure, onStored, remember });
  }

  get load(): { flights: number; damaged: number } & WriteBehind['load'] {
    return { flights: this.#flights.size, damaged: this.#stored.damaged, ...this.#writes.load };
  }

  /** Whether the results bucket has failed or been late so often that nobody waits for it. */
  get isBucketAway(): boolean {
    return this.#stored.isAway;
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
    const isKnown = inputs.isSettled(variant) || memory.has(key) || this.#stored.isAway;
    const early = isKnown ? undefined : this.#stored.begin(variant, identified, signal);
    const identity = await unlessAborted(identified, signal);
    const current = this.#held(key, identity);
    if (current) {
      this.noteUse(current);
      return asAnswered({ result: current, tier: 'memory', timings: {} }, identity);
    }
    // The version is part of the flight: those who come after an overwrite do not join an older one.
    const { value, joined } = await this.#flights.run(`${key} ${identity.version}`, signal, (flight) =>
      this.#obtain(variant, identity, early, flight),
    );
    this.noteUse(value.result);
    return asAnswered(joined ? { ...value, tier: 'coalesced' } : value, identity);
  }

  /** A result was served, or somebody was told that it is unchanged: its file is not the one to go for want of room. */
  noteUse(result: Pick<ResultFacts, 'id' | 'canonical' | 'storedAs' | 'isDegraded'>): void {
    if (result.isDegraded) return;
    this.#options.uses.add(resultKey(result.id, result.canonical), result);
  }

  /**
   * What is known of a result without rendering it, which is no use of it; undefined when there is none yet.
   *
   * @throws Problem `image_not_found`
   */
  async facts(
    variant: Variant,
    signal: AbortSignal,
  ): Promise<{ facts: ResultFacts; tier: Tier } | undefined> {
    const { inputs, results } = this.#options;
    const identity = await unlessAborted(inputs.identify(variant), signal);
    const result = this.#held(resultKey(variant.id, variant.canonical), identity);
    if (result) return asAnswered({ facts: factsOf(result), tier: 'memory' }, identity);
    const facts = await results.head(variant.id, variant.canonical, identity.version, signal);
    return facts && asAnswered({ facts, tier: 'stored' }, identity);
  }

  /** A stored result that is there without waiting for it; undefined says nothing of whether there is one. */
  findAtOnce(variant: Variant, identity: Identity): Result | undefined {
    const result = this.#options.results.getAtOnce(variant, identity.version);
    if (result) this.#remember(result, identity);
    return result;
  }

  /** Key of the bucket that a variant lies under, once it is made; undefined where that would be too long. */
  keyOf({ id, canonical }: Variant): string | undefined {
    return this.#options.results.keyOf(id, canonical);
  }

  /** Resolves when everything that was rendered has been stored. */
  settle(): Promise<void> {
    return this.#writes.settle();
  }

  /** Without its record an original has no version that anything in memory could be of. */
  #held(key: string, { version, upgraded }: Identity): Result | undefined {
    return isWithoutRecord(version) ? undefined : this.#options.memory.get(key, version, upgraded);
  }

  #tell({ id, canonical, version, isUpgradable, isDegraded }: Result, isStored: boolean): void {
    if ((isUpgradable || isDegraded) && !isWithoutRecord(version))
      this.#options.onUpgradable?.({ id, canonical, version, isStored });
  }

  async #obtain(
    variant: Variant,
    identity: Identity,
    early: Promise<Result | undefined> | undefined,
    signal: AbortSignal,
  ): Promise<Answer> {
    const { now, memory } = this.#options;
    const { version } = identity;
    const started = now();
    // What was read while the version was still looked up may be from before the last upgrade that the version tells of.
    const asRead = early && identity.upgraded ? undefined : identity;
    const fromBucket = (result: Result): Answer => {
      this.#remember(result, asRead);
      this.#tell(result, true);
      return { result, tier: 'stored', timings: { fetch: now() - started } };
    };
    const read = await this.#stored.read(variant, version, early, signal);
    if (read.result && isOfVersion(read.result.version, version)) return fromBucket(read.result);
    signal.throwIfAborted();
    // There was to be a smaller one, but it cannot be had.
    const known = memory.getAnyway(resultKey(variant.id, variant.canonical), version);
    if (known && !known.storedAs) {
      // Looked for again by whoever comes next, where the bucket has not said that there is none.
      this.#remember(known, read.isAway ? undefined : identity);
      return { result: known, tier: 'memory', timings: {} };
    }
    try {
      const hurried = this.#options.haste.recall(variant, version);
      if (hurried) return { result: hurried, tier: 'memory', timings: {} };
      return await this.#render(variant, identity, read, signal);
    } catch (error) {
      // Too busy, or without the original: then the bucket is worth any wait.
      const late = read.isAway && isProblem(error) && error.status >= 500 && (await read.patiently());
      if (!late || !isOfVersion(late.version, version)) throw error;
      return fromBucket(late);
    }
  }

  async #render(
    variant: Variant,
    identity: Identity,
    read: StoredRead,
    signal: AbortSignal,
  ): Promise<Answer> {
    const { originals, haste, renderer, onUpgradable, now } = this.#options;
    // Before its original is fetched and looked at, for nothing.
    haste.checkRoom();
    const started = now();
    const original = await originals.fetch(variant.id, signal);
    const fetched = now();
    const means = { renderer, haste, upgrades: onUpgradable !== undefined };
    const made = await makePicture(variant, original, means, signal);
    if ('sameAs' in made) return this.#repeat(variant, identity, made.sameAs, signal);
    const { queuedMs, timings, isDegraded, isUpgradable, ...rendered } = made;
    const header = now() - fetched - queuedMs - timings.decode - timings.transform - timings.encode;
    // The marks as they were before: those that were laid on may be newer, but never older.
    const of = { ...original, version: original.version + marksOf(identity.version) };
    const pure = resultOf(variant.id, variant.canonical, of, { ...rendered, timings });
    const own = { ...pure, isUpgradable };
    const { decode, transform, encode } = timings;
    const stages = {
      queue: queuedMs,
      fetch: fetched - started,
      decode: decode + Math.max(0, header),
      transform,
      encode,
    };
    const result = isDegraded ? haste.mark(own) : await this.#settleOn(own, identity, read, signal);
    if (isDegraded) this.#tell(result, false);
    return { result, tier: 'miss', timings: stages };
  }

  /** One variant has one ETag everywhere: what somebody else has stored meanwhile goes before what was made here. */
  async #settleOn(
    own: Result,
    identity: Identity,
    { isAway }: StoredRead,
    signal: AbortSignal,
  ): Promise<Result> {
    // Kept nowhere: nobody knows which version it is of.
    if (isWithoutRecord(own.version)) return own;
    const other = isAway ? undefined : (await this.#stored.read(own, own.version, undefined, signal)).result;
    this.#remember(other ?? own, identity);
    if (!other) this.#writes.store(own, identity.upgraded);
    return other ?? own;
  }

  /** The bytes of another variant, which alone is stored: five widths above the original's are one object. */
  async #repeat(variant: Variant, identity: Identity, plainer: string, signal: AbortSignal): Promise<Answer> {
    const answer = await this.find({ id: variant.id, canonical: plainer }, signal);
    const { storedAs = plainer } = answer.result;
    const result = { ...answer.result, canonical: variant.canonical, storedAs };
    // No better known than the other is.
    const isCurrent = this.#held(resultKey(variant.id, plainer), identity) !== undefined;
    this.#remember(result, isCurrent ? identity : undefined);
    return { ...answer, result };
  }

  /** In memory, unless it is known to be old, or could be older than what is there. Asks no store. */
  #remember(result: Result, identity?: Identity): void {
    const { inputs, memory } = this.#options;
    const { id, canonical, version, isDegraded } = result;
    if (isDegraded || isWithoutRecord(version)) return;
    const key = resultKey(id, canonical);
    const isGood = inputs.isSettled(result)
      ? inputs.lastKnown(result)?.version === version
      : (memory.versionAt(key) ?? version) === version;
    if (isGood) memory.set(key, result, identity ? identity.upgraded : UNKNOWN);
  }
}
