import { resultPrefix } from '../core/query/id.ts';
import type { Originals } from '../reading/originals.ts';
import type { ResultCache } from '../reading/result-cache.ts';
import type { Objects } from '../stores/contracts.ts';
import type { Cdn, CdnAnswer } from './cdn.ts';

export interface PurgeOptions {
  readonly results: Objects;
  readonly edge: Cdn;
  /** Ids of originals that are watermarks: what lies at the edge may carry one of them, whatever it is a picture of. */
  readonly marks: ReadonlySet<string>;
  readonly originals: Pick<Originals, 'refresh'>;
  /** Of this process; absent in the warmer, which has none. */
  readonly memory?: ResultCache | undefined;
  /** How long other servers go on with what they have. */
  readonly versionSeconds: number;
}

/** What each tier did. */
export interface PurgeAnswer {
  readonly results: { readonly removed: number };
  readonly memory: { readonly removed: number; readonly elsewhereWithinSeconds: number };
  readonly edge: CdnAnswer;
}

/** Clears every tier of an image, inmost first: else an outer one fills up from an inner one again. */
export class Purge {
  readonly #options: PurgeOptions;

  constructor(options: PurgeOptions) {
    this.#options = options;
  }

  /**
   * To be called once the image has another version, or none: a render that began before sees that when it
   * stores, and removes what it stored.
   */
  async clear(id: string): Promise<PurgeAnswer> {
    const inside = await this.clearInside(id);
    return { ...inside, edge: await this.#invalidate(id) };
  }

  /** The same without the edge, for an image whose URL was never given out, so that no cache can have it. */
  async clearInside(id: string): Promise<Omit<PurgeAnswer, 'edge'>> {
    const { results, originals, memory, versionSeconds } = this.#options;
    await originals.refresh(id);
    const removed = await results.removeAll(resultPrefix(id));
    const forgotten = memory?.forget(resultPrefix(id)) ?? 0;
    return {
      results: { removed },
      memory: { removed: forgotten, elsewhereWithinSeconds: versionSeconds },
    };
  }

  /**
   * For an image without a record. It may have been served from its original alone; then it has results, and the edge
   * is cleared too. Without results the edge is left alone: every invalidation costs money.
   */
  async clearStray(id: string): Promise<void> {
    const { results, memory } = await this.clearInside(id);
    if (results.removed + memory.removed > 0 || this.#options.marks.has(id)) await this.#invalidate(id);
  }

  #invalidate(id: string): Promise<CdnAnswer> {
    const { edge, marks } = this.#options;
    return marks.has(id) ? edge.invalidateAll() : edge.invalidate(id);
  }
}
