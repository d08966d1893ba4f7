import { LRUCache } from 'lru-cache';
import type { Result } from './results.ts';

/** Objects and strings beside the bytes, about. */
export const OVERHEAD_BYTES = 2000;

/** Results by key, least recently used out first, bounded in bytes. */
export class ResultCache {
  readonly #results: LRUCache<string, Result>;

  constructor(maxBytes: number) {
    this.#results = new LRUCache({
      maxSize: Math.max(1, maxBytes),
      // One picture may not push out all others.
      maxEntrySize: Math.max(1, Math.floor(maxBytes / 4)),
      sizeCalculation: ({ bytes }) => bytes.length + OVERHEAD_BYTES,
    });
  }

  /** The result, if it is of this version of the original. An older one is forgotten on the way. */
  get(key: string, version: string): Result | undefined {
    const result = this.#results.get(key);
    if (!result || result.version === version) return result;
    this.#results.delete(key);
    return undefined;
  }

  /** Whether there is a result of any version. */
  has(key: string): boolean {
    return this.#results.has(key);
  }

  /** Version of the result that is there. */
  versionAt(key: string): string | undefined {
    return this.#results.peek(key)?.version;
  }

  /** Forgets a result if it is of this version. */
  drop(key: string, version: string): void {
    if (this.versionAt(key) === version) this.#results.delete(key);
  }

  set(key: string, result: Result): void {
    this.#results.set(key, result);
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
