import type { Answers } from './answers.ts';
import type { CollectionRecords } from './collections.ts';
import type { ImageRecords } from './images.ts';
import type { Jobs } from './jobs.ts';
import type { Locks, Progress } from './locks.ts';
import type { Evicted, EvictionRound, Objects, OutdatedRound, RemovedOutdated } from './objects.ts';
import type { VariantRecords } from './variants.ts';

export interface Records {
  /**
   * Whether a change and the jobs that it leads to are one write, since the queue lies in the same database. Of the
   * others jobs are sent before what owes them is cleared: whoever dies in between leaves them owed, and they come twice.
   * There a change that is handed jobs is refused with a TypeError.
   */
  readonly takesJobs: boolean;
  readonly images: ImageRecords;
  readonly variants: VariantRecords;
  readonly collections: CollectionRecords;
  readonly locks: Locks;
  readonly progress: Progress;
  readonly answers: Answers;
  ping(): Promise<void>;
}

/**
 * Every store of a process; nobody above compose/stores.ts knows which implementation it has. Each has two (AWS,
 * embedded) and one conformance suite that both pass.
 *
 * Rules for all: absence is a value (`undefined`, `false`), failure is a rejection with Problem `store_unavailable`; a
 * store is handed a ready client; it translates foreign errors in its own folder and nowhere else; retries are the
 * client's, deadlines are the caller's AbortSignal.
 */
export interface Stores {
  readonly originals: Objects;
  readonly results: Objects;
  readonly records: Records;
  readonly jobs: Jobs;
  /** What they are, for people: the log line at the start. */
  readonly summary: string;
  /** A folder beside the objects that a file of theirs can be linked into; absent where they are no files here. */
  readonly scratchParent?: string | undefined;
  /** Clears what killed writers left; a bucket does that by a rule of its own. Resolves to how much it was. */
  collectGarbage(): Promise<number>;
  /** Looks at some thousands of results and removes the outdated ones; a bucket does that by a rule of its own. */
  removeOutdated(round: OutdatedRound): Promise<RemovedOutdated>;
  /**
   * Removes the results that were used least recently, where they take more than they may. Absent where a bucket removes
   * them by a rule of its own.
   */
  readonly evictResults?: ((round: EvictionRound) => Promise<Evicted>) | undefined;
  close(): void;
}
