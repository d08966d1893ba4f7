import { resultKey, resultPlaces, resultPrefix } from '../core/query/id.ts';
import { etagOf } from '../reading/identity.ts';
import { clearMasters } from '../reading/masters.ts';
import type { Originals } from '../reading/originals.ts';
import type { ResultCache } from '../reading/result-cache.ts';
import { inLanes } from '../shared/in-lanes.ts';
import type { Jobs } from '../stores/jobs.ts';
import type { Objects } from '../stores/objects.ts';
import { invalidateJob } from '../warming/jobs.ts';

export interface PurgeOptions {
  readonly results: Objects;
  readonly jobs: Jobs;
  /** Whether there is a CDN in front, whose copies a job clears. */
  readonly hasCdn: boolean;
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
  readonly edge: { readonly status: 'not configured' | 'queued' };
}

/** Clears every tier of an image, inmost first: else an outer one fills up from an inner one again. */
export class Purge {
  readonly #options: PurgeOptions;

  constructor(options: PurgeOptions) {
    this.#options = options;
  }

  /**
   * To be called once the image has another version, or none, and by somebody who comes again until it is done: a render
   * that began before sees that when it stores, and removes what it stored.
   *
   * @throws Problem `store_unavailable`
   */
  async clear(id: string): Promise<PurgeAnswer> {
    const { jobs, hasCdn } = this.#options;
    const inside = await this.clearInside(id);
    if (hasCdn) await jobs.send([invalidateJob(id)]);
    return { ...inside, edge: { status: hasCdn ? 'queued' : 'not configured' } };
  }

  /**
   * The same for some variants. Their copies in other servers stay until something else takes their place: they are right.
   * At the edge all copies of the image go: one path, where a path each would leave `?v=` and `?dl=` behind.
   */
  async clearVariants(id: string, variants: readonly string[]): Promise<void> {
    const { results, memory, jobs, hasCdn } = this.#options;
    await inLanes(variants, async (variant) => {
      await results.removeAll(resultPlaces(id, variant));
      memory?.remove(resultKey(id, variant));
    });
    if (hasCdn) await jobs.send([invalidateJob(id)]);
  }

  /** Whether copies at the edge may carry this picture, which no result of its own tells of. */
  isMark(id: string): boolean {
    return this.#options.marks.has(id);
  }

  /** The same without the edge, for an image whose URL was never given out, so that no cache can have it. */
  async clearInside(id: string): Promise<Omit<PurgeAnswer, 'edge'>> {
    const { results, originals, memory, versionSeconds } = this.#options;
    const identity = await originals.refresh(id);
    const removed = await results.removeAll(resultPrefix(id));
    // That of the bytes that are there stays: they are the same as ever.
    await clearMasters(results, id, identity && etagOf(identity.version));
    const forgotten = memory?.forget(resultPrefix(id)) ?? 0;
    return {
      results: { removed },
      memory: { removed: forgotten, elsewhereWithinSeconds: versionSeconds },
    };
  }
}
