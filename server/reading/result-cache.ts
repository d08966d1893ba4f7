import { LRUCache } from 'lru-cache';
import type { Result } from './result.ts';

/** Objects and strings beside the bytes, about. */
export const OVERHEAD_BYTES = 2000;

/** No number of upgrades. */
export const UNKNOWN = -1;

interface Entry {
  readonly result: Result;
  /** What the image said of its upgrades before the result was read. */
  readonly upgraded: number;
}

/** Results by key, least recently used out first, bounded in bytes. */
export class ResultCache {
  readonly #results: LRUCache<string, Entry>;

  constructor(maxBytes: number) {
    this.#results = new LRUCache({
      maxSize: Math.max(1, maxBytes),
      // One picture may not push out all others.
      maxEntrySize: Math.max(1, Math.floor(maxBytes / 4)),
      sizeCalculation: ({ result: { bytes } }) => bytes.length + OVERHEAD_BYTES,
    });
  }

  /** The result, if it is of this version of the original. An older one is forgotten on the way. */
  get(key: string, version: string, upgraded = 0): Result | undefined {
    const entry = this.#results.get(key);
    const result = this.#ofVersion(key, version, entry);
    // What can become smaller may have done so.
    return result?.isUpgradable && entry?.upgraded !== upgraded ? undefined : result;
  }

  /** The same, be it that there is a smaller one by now: for want of that. */
  getAnyway(key: string, version: string): Result | undefined {
    return this.#ofVersion(key, version, this.#results.get(key));
  }

  #ofVersion(key: string, version: string, entry: Entry | undefined): Result | undefined {
    if (!entry || entry.result.version === version) return entry?.result;
    this.#results.delete(key);
    return undefined;
  }

  /** Whether there is a result of any version. */
  has(key: string): boolean {
    return this.#results.has(key);
  }

  /** Version of the result that is there. */
  versionAt(key: string): string | undefined {
    return this.#results.peek(key)?.result.version;
  }

  /** Forgets a result if it is of this version. */
  drop(key: string, version: string): void {
    if (this.versionAt(key) === version) this.#results.delete(key);
  }

  /** @param upgraded  of the image, as it was before the result was read or made; UNKNOWN: it is looked at again */
  set(key: string, result: Result, upgraded = 0): void {
    this.#results.set(key, { result, upgraded });
  }

  /** Forgets a result of whatever version. */
  remove(key: string): void {
    this.#results.delete(key);
  }

  /** Forgets all results of an image; resolves to how many. */
  forget(prefix: string): number {
    const keys = [...this.#results.keys()].filter(
      (key) => key.startsWith(prefix) && !key.slice(prefix.length).includes('/'),
    );
    for (const key of keys) this.#results.delete(key);
    return keys.length;
  }

  get load(): { bytes: number; results: number } {
    return { bytes: this.#results.calculatedSize, results: this.#results.size };
  }
}
