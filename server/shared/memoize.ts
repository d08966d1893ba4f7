import { LRUCache } from 'lru-cache';

/**
 * The same function of a text, which answers from memory what it was asked of late. For what is pure and dearer
 * than a look-up; what it throws is not kept. Answers are shared: nobody may change one.
 *
 * @param max  answers that are kept
 */
export function memoize<T extends object>(read: (text: string) => T, max: number): (text: string) => T {
  const known = new LRUCache<string, T>({ max, memoMethod: (text) => read(text) });
  return (text) => known.memo(text);
}
