import type { Answer } from './message.ts';

export interface Entry {
  readonly answer: Answer;
  /** Path and query as they were asked for behind the function; what an invalidation compares. */
  readonly asked: string;
  /** Unix ms. */
  readonly storedAt: number;
  readonly freshUntil: number;
}

/** What one edge location keeps. */
export class Cache {
  readonly #entries = new Map<string, Entry>();

  get(key: string): Entry | undefined {
    return this.#entries.get(key);
  }

  set(key: string, entry: Entry): void {
    this.#entries.set(key, entry);
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  get size(): number {
    return this.#entries.size;
  }

  /**
   * "Invalidate files to remove content": a star at the end stands for any rest, the query included; anything else is
   * compared as it is written.
   *
   * @returns  how many answers went
   */
  invalidate(paths: readonly string[]): number {
    const before = this.#entries.size;
    const fits = (asked: string) =>
      paths.some((path) => (path.endsWith('*') ? asked.startsWith(path.slice(0, -1)) : asked === path));
    for (const [key, { asked }] of this.#entries) if (fits(asked)) this.#entries.delete(key);
    return before - this.#entries.size;
  }
}
