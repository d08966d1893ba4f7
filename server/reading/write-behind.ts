import { resultKey } from '../core/query/id.ts';
import type { Deferred } from '../shared/deferred.ts';
import type { Inputs, Variant } from './inputs.ts';
import type { Result } from './result.ts';
import type { ResultCache } from './result-cache.ts';
import type { Results } from './results.ts';

/** Of results that wait for a slow bucket; more are not stored, and rendered again when they are asked for. */
const MAX_BYTES = 64 * 2 ** 20;

export interface WriteBehindOptions {
  readonly inputs: Inputs;
  readonly results: Results;
  readonly memory: ResultCache;
  readonly deferred: Deferred;
  /** A result could not be stored: the answer has gone out all the same. */
  readonly onStoreFailure: (error: unknown, variant: Variant) => void;
  /** A result lies in its bucket, as it was made here. */
  readonly onStored?: ((result: Result) => void) | undefined;
  /** Puts a result into memory, unless it is old. */
  readonly remember: (result: Result) => void;
}

/** Stores results behind the answers that they were made for. */
export class WriteBehind {
  readonly #options: WriteBehindOptions;
  readonly #storing = new Set<Promise<void>>();
  #bytes = 0;
  #dropped = 0;

  constructor(options: WriteBehindOptions) {
    this.#options = options;
  }

  get load(): { storing: number; bytes: number; dropped: number } {
    return { storing: this.#storing.size, bytes: this.#bytes, dropped: this.#dropped };
  }

  /**
   * In the background: the answer does not wait. Dropped where too much waits already.
   *
   * @param upgraded  of the image, as it was before the result was made
   */
  store(result: Result, upgraded = 0): void {
    const { deferred, onStoreFailure } = this.#options;
    const { length } = result.bytes;
    if (this.#bytes > 0 && this.#bytes + length > MAX_BYTES) {
      this.#dropped += 1;
      return;
    }
    this.#bytes += length;
    const done = new Promise<void>((resolve) => deferred.afterResponse(resolve))
      .then(() => this.#storeCurrent(result, upgraded))
      .catch((error: unknown) => onStoreFailure(error, result))
      .finally(() => {
        this.#bytes -= length;
        this.#storing.delete(done);
      });
    this.#storing.add(done);
  }

  /** Resolves when everything has been stored. */
  async settle(): Promise<void> {
    await Promise.all(this.#storing);
  }

  /**
   * An original that was overwritten meanwhile must not leave the old picture behind, in the bucket or in memory; nor
   * may two pictures of one variant be served, where somebody else has stored one first.
   */
  async #storeCurrent(result: Result, upgraded: number): Promise<void> {
    const { results, inputs, memory, onStored, remember } = this.#options;
    const { id, canonical, version, etag } = result;
    if (!results.keyOf(id, canonical)) return;
    const key = resultKey(id, canonical);
    const isCurrent = async () => (await inputs.revalidate(result))?.version === version;
    const kept = await results.keep(result, isCurrent);
    if (kept?.etag === etag) {
      onStored?.(result);
      if (memory.versionAt(key) !== version) memory.set(key, result, upgraded);
      return;
    }
    memory.drop(key, version);
    const other = kept && (await results.get(id, canonical, version));
    if (other) remember(other);
  }
}
