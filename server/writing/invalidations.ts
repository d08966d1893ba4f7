import type { Logger } from 'pino';
import type { Objects } from '../stores/objects.ts';
import { again, checkTime, type InvalidateJob, Later } from '../warming/jobs.ts';
import { type Cdn, EVERYTHING, invalidationPaths, MAX_WILDCARDS } from './cdn.ts';

/** What comes within this goes in one order. */
const GATHER_MS = 500;
/** CloudFront works on an order for a minute or so. */
const FIRST_PAUSE_SECONDS = 15;
const LONGEST_PAUSE_SECONDS = 600;

export interface InvalidationsOptions {
  readonly cdn: Cdn | undefined;
  readonly originals: Objects;
  /** Whether any picture may carry this one, as a watermark. */
  readonly isMark: (id: string) => boolean;
  readonly log: Logger;
  /** Unix seconds. */
  readonly now: () => number;
}

interface Waiting {
  readonly paths: readonly string[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

const isWildcard = (path: string): boolean => path.endsWith('*');

/**
 * Orders the CDN to forget images. Orders are few at a time and cost money each, so images that come together share
 * one; what is refused is tried again until it is taken, since an image that stays public after it was deleted is
 * the one thing that may not happen.
 */
export class Invalidations {
  readonly #options: InvalidationsOptions;
  #waiting: Waiting[] = [];
  #timer: NodeJS.Timeout | undefined;
  #ordering: Promise<void> = Promise.resolve();
  readonly #counts = { taken: 0, refused: 0, paths: 0, waiting: 0 };

  constructor(options: InvalidationsOptions) {
    this.#options = options;
  }

  /** Since this process began: orders that were taken and refused, paths of the former; images that wait for one now. */
  get counts(): Readonly<Record<'taken' | 'refused' | 'paths' | 'waiting', number>> {
    return this.#counts;
  }

  /** @throws Later  when the CDN did not take it */
  async deliver(job: InvalidateJob): Promise<{ paths: number }> {
    const { cdn, isMark, log, now } = this.#options;
    if (!cdn) return { paths: 0 };
    checkTime(job, now());
    const paths = isMark(job.id) ? [EVERYTHING] : await this.#pathsOf(job.id);
    try {
      await this.#ordered(paths);
      return { paths: paths.length };
    } catch (err) {
      const { tries = 0 } = job;
      const longest = Math.min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** Math.min(tries, 10));
      log.warn({ err, id: job.id, tries: tries + 1 }, 'invalidation not taken');
      throw new Later(again(job, longest * (0.5 + Math.random() / 2), now()), err);
    }
  }

  async #pathsOf(id: string): Promise<string[]> {
    const { items } = await this.#options.originals.list({ prefix: id, limit: 2 });
    return invalidationPaths(
      id,
      items.every(({ key }) => key === id),
    );
  }

  #ordered(paths: readonly string[]): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push({ paths, resolve, reject });
    this.#counts.waiting += 1;
    this.#timer ??= setTimeout(() => this.#order(), GATHER_MS);
    return promise;
  }

  #order(): void {
    this.#timer = undefined;
    const batches = batchesOf(this.#waiting);
    this.#waiting = [];
    // One after the other: orders that come at once are refused together.
    for (const batch of batches) this.#ordering = this.#ordering.then(() => this.#send(batch));
  }

  async #send(batch: readonly Waiting[]): Promise<void> {
    const paths = [...new Set(batch.flatMap((one) => one.paths))];
    try {
      await this.#options.cdn?.invalidate(paths);
      this.#counts.taken += 1;
      this.#counts.paths += paths.length;
      for (const { resolve } of batch) resolve();
    } catch (error) {
      this.#counts.refused += 1;
      for (const { reject } of batch) reject(error);
    } finally {
      this.#counts.waiting -= batch.length;
    }
  }
}

/** In order, each with as many wildcards as one order may have. */
function batchesOf(waiting: readonly Waiting[]): Waiting[][] {
  const batches: Waiting[][] = [];
  let wildcards = MAX_WILDCARDS;
  for (const one of waiting) {
    const more = one.paths.filter(isWildcard).length;
    const batch = wildcards + more <= MAX_WILDCARDS ? batches.at(-1) : undefined;
    wildcards = batch ? wildcards + more : more;
    if (batch) batch.push(one);
    else batches.push([one]);
  }
  return batches;
}
