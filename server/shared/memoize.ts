import { LRUCache } from 'lru-cache';
import { atMost } from './at-most.ts';

/**
 * Wraps a pure function of a text with an LRU cache of its results; what it throws is not cached. Results are shared:
 * a caller that changed one would change it for all others.
 *
 * @param max  results that are kept
 */
export function memoize<T extends object>(read: (text: string) => T, max: number): (text: string) => T {
  const answers = new LRUCache<string, T>({ ...atMost(max), memoMethod: (text) => read(text) });
  return (text) => answers.memo(text);
}
