import type { Records } from './stores.ts';

const nameOf = (id: string): string => `block ${id}`;

/** Images of a source that were deleted here: the next request would bring them back. */
export class Blocks {
  readonly #progress: Records['progress'];

  constructor({ progress }: Pick<Records, 'progress'>) {
    this.#progress = progress;
  }

  async block(id: string, time: Date): Promise<void> {
    await this.#progress.put(nameOf(id), time.toISOString());
  }

  async isBlocked(id: string): Promise<boolean> {
    return ((await this.#progress.get(nameOf(id))) ?? '') !== '';
  }

  /** One that is not blocked is no error. */
  async lift(id: string): Promise<void> {
    if (await this.isBlocked(id)) await this.#progress.put(nameOf(id), '');
  }
}
