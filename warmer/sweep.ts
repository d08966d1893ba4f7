import { aheadMs, isSetBack } from '../server/shared/set-back.ts';
import type { Jobs } from '../server/stores/jobs.ts';
import type { Records } from '../server/stores/stores.ts';
import type { VariantRecord } from '../server/stores/variants.ts';
import { currentVersion } from '../server/warming/queue.ts';
import type { Fetches } from '../server/writing/fetches.ts';
import type { Intents } from '../server/writing/intents.ts';
import type { Reconciler } from '../server/writing/reconciler.ts';
import type { StatusRollup } from './status-rollup.ts';

export interface SweepOptions {
  readonly records: Records;
  readonly jobs: Jobs;
  readonly reconciler: Pick<Reconciler, 'look'>;
  readonly intents: Intents;
  readonly fetches: Pick<Fetches, 'sendAgain'>;
  readonly finish: StatusRollup;
  /** Nothing has been written of an image for so long: something may be wrong with it. */
  readonly staleSeconds: number;
  readonly now: () => Date;
  readonly onFailure: (error: unknown, id: string) => void;
  /** Asked between two images: a round may be long. */
  readonly isStopping: () => boolean;
}

const PAGE = 100;
/** Of one round: some tens of seconds where each image takes some reads. The next round goes on behind them. */
const PAGES = 10;
/** By how much the clocks of queue and records may differ. */
const CLOCKS_MS = 2_000;

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
    const nowMs = now().getTime();
    const [before, ahead] = [new Date(nowMs - staleSeconds * 1000), new Date(aheadMs(nowMs))];
    let front: Date | undefined;
    let sent = 0;
    for (let page = 0; page < PAGES; page++) {
      const cursor = this.#cursor === undefined ? {} : { cursor: this.#cursor };
      const { items, next } = await records.images.stalled({ before, ahead, limit: PAGE, ...cursor });
      // Of no job at all, none is in the queue that was sent before now.
      if (items.length) front ??= (await jobs.oldestSentAt()) ?? now();
      for (const { id } of items) {
        if (this.#options.isStopping()) return sent;
        if (await this.#tryLook(id, front ?? now())) sent += 1;
      }
      this.#cursor = next;
      if (next === undefined) break;
    }
    return sent;
  }

  async #tryLook(id: string, front: Date): Promise<boolean> {
    try {
      return await this.#look(id, front);
    } catch (error) {
      this.#options.onFailure(error, id);
      return false;
    }
  }

  async #look(id: string, front: Date): Promise<boolean> {
    const { records, reconciler, intents, fetches, finish } = this.#options;
    // Leftovers of uploads, objects that were overwritten or removed without an event.
    await reconciler.look(id);
    const record = (await intents.settle(id))?.record;
    if (
      record?.owed?.fetch &&
      this.#isBehind(front, this.#timeOf(record)) &&
      (await fetches.sendAgain(record))
    )
      return true;
    const version = record && currentVersion(record);
    if (!record || !version || record.status === 'uploading') return false;
    const open = (await records.variants.list(id)).filter(isOpen);
    const older = open.filter((one) => one.version !== version);
    if (older.length) await intents.ask(id, { warm: older.map(({ variant }) => variant) });
    if (open.length === 0) await finish.rollUp(id);
    const current = open.filter((one) => one.version === version);
    if (current.length === 0 || !this.#isLost(current, front)) return older.length > 0;
    await intents.ask(id, { rewarm: 'open' });
    return true;
  }

  /**
   * Whether the message of open variants is gone: nobody has touched them for a while, and the queue holds nothing that
   * was sent before they were queued or given back. The age of a record says nothing while the queue is long.
   */
  #isLost(open: readonly VariantRecord[], front: Date): boolean {
    const { now, staleSeconds } = this.#options;
    const last = Math.max(...open.map((one) => this.#timeOf(one)));
    const isQuiet = now().getTime() - last > staleSeconds * 1000;
    // What was written just before the message was sent, by a clock that may be behind the queue's by as much.
    return isQuiet && this.#isBehind(front, last);
  }

  /** When something was written, ms; long ago where a clock that was set back since says later than now. */
  #timeOf({ updatedAt }: { readonly updatedAt: string }): number {
    const time = Date.parse(updatedAt);
    return isSetBack(time, this.#options.now().getTime()) ? 0 : time;
  }

  /** Whether all that was sent by then has been received. */
  #isBehind(front: Date, time: number): boolean {
    return front.getTime() - time > CLOCKS_MS;
  }
}

const isOpen = ({ status }: VariantRecord): boolean => status === 'queued' || status === 'rendering';
