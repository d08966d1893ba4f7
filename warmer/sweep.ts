import type { ImageRecord, Jobs, Records, VariantRecord } from '../server/stores/contracts.ts';
import { updateWithRetry } from '../server/stores/update-record.ts';
import { sendWarm } from '../server/warming/jobs.ts';
import { currentVersion, type WarmQueue } from '../server/warming/queue.ts';
import type { Reconciler } from '../server/writing/reconciler.ts';
import type { StatusRollup } from './status-rollup.ts';

export interface SweepOptions {
  readonly records: Records;
  readonly jobs: Jobs;
  readonly reconciler: Pick<Reconciler, 'reconcile'>;
  readonly warmQueue: WarmQueue;
  readonly finish: StatusRollup;
  /** Nothing has been written of an image for so long: something may be wrong with it. */
  readonly staleSeconds: number;
  readonly now: () => Date;
  readonly onFailure: (error: unknown, id: string) => void;
}

const PAGE = 100;
/** Of one round: some tens of seconds where each image takes some reads. The next round goes on behind them. */
const PAGES = 10;
/** With other messages waiting, a job of this many `staleSeconds` may still be one of them. */
const PATIENCE = 10;

/** Finds images that got stuck: a message that was lost, a process killed between two writes. */
export class Sweep {
  readonly #options: SweepOptions;
  #cursor: string | undefined;

  constructor(options: SweepOptions) {
    this.#options = options;
  }

  /** @returns how many images were sent again */
  async run(): Promise<number> {
    const { records, jobs, now, staleSeconds } = this.#options;
    const before = new Date(now().getTime() - staleSeconds * 1000);
    let ready: number | undefined;
    let sent = 0;
    for (let page = 0; page < PAGES; page++) {
      const cursor = this.#cursor === undefined ? {} : { cursor: this.#cursor };
      const { items, next } = await records.images.stalled({ before, limit: PAGE, ...cursor });
      if (items.length) ready ??= (await jobs.depth()).ready;
      for (const { id } of items) if (await this.#tryLook(id, ready === 0)) sent += 1;
      this.#cursor = next;
      if (next === undefined) break;
    }
    return sent;
  }

  async #tryLook(id: string, queueIsEmpty: boolean): Promise<boolean> {
    try {
      return await this.#look(id, queueIsEmpty);
    } catch (error) {
      this.#options.onFailure(error, id);
      return false;
    }
  }

  async #look(id: string, queueIsEmpty: boolean): Promise<boolean> {
    const { records, reconciler, warmQueue, finish } = this.#options;
    // Leftovers of uploads, objects that were overwritten or removed without an event.
    await reconciler.reconcile(id);
    const record = await records.images.get(id);
    const version = record && currentVersion(record);
    if (!record || !version || record.status === 'uploading') return false;
    const open = (await records.variants.list(id)).filter(isOpen);
    const older = open.filter((item) => item.version !== version);
    if (older.length)
      await warmQueue.queue(
        id,
        older.map(({ variant }) => variant),
      );
    if (open.length === 0) await finish.rollUp(id);
    const current = open.filter((entry) => entry.version === version);
    if (current.length === 0 || !this.#isLost(record, current, queueIsEmpty)) return older.length > 0;
    await this.#send(record, version, current);
    return true;
  }

  /** Whether the message of open variants is gone: nobody has touched them, and no queue explains the wait. */
  #isLost(record: ImageRecord, open: readonly VariantRecord[], queueIsEmpty: boolean): boolean {
    const last = Math.max(...[record, ...open].map(({ updatedAt }) => Date.parse(updatedAt)));
    const seconds = (this.#options.now().getTime() - last) / 1000;
    return seconds > this.#options.staleSeconds * (queueIsEmpty ? 1 : PATIENCE);
  }

  /** The record is touched first, so that the next sweep leaves the image alone for a while. */
  async #send({ id }: ImageRecord, version: string, open: readonly VariantRecord[]): Promise<void> {
    const { records, jobs } = this.#options;
    const touched = await updateWithRetry(records, id, () => ({ status: 'processing' }));
    if (!touched || currentVersion(touched) !== version) return;
    await sendWarm(
      jobs,
      id,
      version,
      open.map(({ variant }) => variant),
    );
  }
}

const isOpen = ({ status }: VariantRecord): boolean => status === 'queued' || status === 'rendering';
