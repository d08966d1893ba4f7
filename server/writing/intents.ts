import { masterPrefix, resultPrefix } from '../core/query/id.ts';
import type { ImageChange, ImageRecord, Owed } from '../stores/images.ts';
import type { Jobs, OutgoingJob } from '../stores/jobs.ts';
import type { Objects } from '../stores/objects.ts';
import { AGAIN, untilWritten } from '../stores/until-written.ts';
import { recordOf, updateWithRetry } from '../stores/update-record.ts';
import { type Channel, fetchJob, notifyJobs, objectJob, warmJobs } from '../warming/jobs.ts';
import { currentVersion, isAwaited, isQuiet, rollUpStatus } from '../warming/queue.ts';
import { forgetVariants } from './forget.ts';
import { type Debt, isDoable, isOwed, owedBy, owing } from './owing.ts';
import type { Purge, PurgeAnswer } from './purge.ts';
import { type Queueing, queueOwed } from './queue-owed.ts';

/** A queue that does not answer holds nobody up: what was not sent is owed, and the sweep sends it. */
const SEND_MS = 2_000;
/** What one step leaves owed, the next does: the end of an image is told of once its variants are written down. */
const STEPS = 5;

export interface IntentsOptions extends Queueing {
  readonly originals: Objects;
  /** Where the results lie. */
  readonly bucket: Objects;
  readonly jobs: Jobs;
  readonly purge: Purge;
  /** Where it is told that an image is finished. */
  readonly channelsOf: (record: ImageRecord) => Channel[];
  readonly onUnsent: (error: unknown, id: string) => void;
}

/** An image that owes nothing, or nothing that can be done now. */
export interface Settled {
  readonly record: ImageRecord;
  /** What the tiers did, where they were purged. */
  readonly purged?: PurgeAnswer;
}

interface Done {
  readonly purged?: PurgeAnswer;
  /** That variants were queued for. */
  readonly version: string | undefined;
  readonly isQueued: boolean;
  readonly jobs: readonly OutgoingJob[];
}

/** What is left of it when the record is written. */
interface Told extends Done {
  /** False when the queue did not take all of it in time. True of jobs that go along with the record. */
  readonly isSent: boolean;
}

/**
 * Does what images owe. A use case writes what is owed together with what it changes and then comes here; the sweep
 * comes here alone. So whoever dies between two steps leaves an image that somebody else settles.
 */
export class Intents {
  readonly #options: IntentsOptions;

  constructor(options: IntentsOptions) {
    this.#options = options;
  }

  /**
   * Changes an image and writes down what that owes, in one step; then does it.
   *
   * @param more    undefined adds nothing, and what was owed before is done all the same
   * @param change  from the record as it stands
   * @returns       undefined when there is no such image
   */
  async ask(
    id: string,
    more: Debt | undefined,
    change: (record: ImageRecord) => ImageChange = () => ({}),
  ): Promise<Settled | undefined> {
    const { records } = this.#options;
    const image = await updateWithRetry(records, id, (record) => ({
      ...change(record),
      ...(more && { owed: owing(owedBy(record), more) }),
    }));
    return image && this.settle(id);
  }

  /** Where it is told that an image is finished. */
  channelsOf(record: ImageRecord): Channel[] {
    return this.#options.channelsOf(record);
  }

  /** Makes a tombstone of an image, and does what that owes. False when there is no image. */
  async bury(id: string, kind: NonNullable<Owed['delete']>): Promise<boolean> {
    const { token } = owing(undefined, {});
    if (!(await this.#options.records.images.bury(id, { token, delete: kind }))) return false;
    await this.settle(id);
    return true;
  }

  /**
   * Does what an image owes by now; undefined when there is none, or none any more.
   *
   * @throws Problem `store_unavailable`
   */
  settle(id: string): Promise<Settled | undefined> {
    const answer = {};
    return untilWritten(`What ${id} owes`, () => this.#round(id, answer));
  }

  /** Lets a warmer find out whether an original can be rendered; else the sweep does. */
  async sendArrival(id: string, etag: string): Promise<void> {
    await this.#send(id, [objectJob(id, 'created', etag)]);
  }

  /** Lets a warmer fetch originals that are owed; else the sweep does. */
  async sendFetches(ids: readonly string[]): Promise<void> {
    await this.#send(ids.join(' '), ids.map(fetchJob));
  }

  /** The same for somebody who has done his part: what cannot be done now is left to the sweep. */
  async trySettle(id: string): Promise<void> {
    await this.settle(id).catch((error: unknown) => this.#options.onUnsent(error, id));
  }

  /** @param answer  of the tiers, kept over rounds: what was purged in one that lost is owed no more in the next */
  async #round(id: string, answer: { purged?: PurgeAnswer }): Promise<Settled | undefined | typeof AGAIN> {
    const { images } = this.#options.records;
    for (let step = 0; step < STEPS; step++) {
      const record = await images.get(id);
      const owed = record && owedBy(record);
      if (record && (!owed || !isDoable(owed) || isAwaited(record))) return { record, ...answer };
      if (!record || !owed) {
        const tombstone = await images.tombstone(id);
        if (!tombstone) return undefined;
        await this.#remove(tombstone);
        continue;
      }
      const done = await this.#tell(id, await this.#do(record, owed));
      if (done.purged) answer.purged = done.purged;
      const cleared = await this.#clear(id, owed, done);
      if (!cleared) return AGAIN;
      if (!done.isSent) return { record: cleared, ...answer };
    }
    return AGAIN;
  }

  async #remove(tombstone: ImageRecord): Promise<void> {
    const { originals, bucket: results, purge, records } = this.#options;
    const { id, owed } = tombstone;
    // An upload that was taken back was served to nobody, unless there are results to show for it.
    const isPublic = tombstone.version !== undefined || (await hasResults(results, id));
    // The original first: a render that is under way finds it gone when it stores, and takes its result back.
    if (owed?.delete === 'all') await originals.remove([id]);
    await (isPublic ? purge.clear(id) : purge.clearInside(id));
    await records.images.remove(id, tombstone);
  }

  async #do(record: ImageRecord, owed: Owed): Promise<Done> {
    const { originals, purge, records } = this.#options;
    const { id } = record;
    if (owed.discard) await originals.remove([id]);
    if (owed.forget) await forgetVariants(id, owed.forget, { records, purge });
    const purged = owed.purge ? await purge.clear(id) : undefined;
    // Looked at anew: a purge that is late takes along what was made for a newer version.
    const now = purged ? ((await records.images.get(id)) ?? record) : record;
    const version = currentVersion(now);
    const queued = version === undefined ? [] : await queueOwed(id, version, owed, this.#options);
    const jobs = [
      ...warmJobs(id, version ?? '', queued),
      ...(owed.notify ? notifyJobs(id, this.#options.channelsOf(record)) : []),
    ];
    return { ...(purged && { purged }), version, isQueued: queued.length > 0, jobs };
  }

  /** Sends what records do not take along. */
  async #tell(id: string, done: Done): Promise<Told> {
    if (this.#options.records.takesJobs) return { ...done, isSent: true };
    return { ...done, jobs: [], isSent: await this.#send(id, done.jobs) };
  }

  /** False when the queue did not take all of it in time. */
  async #send(id: string, jobs: readonly OutgoingJob[]): Promise<boolean> {
    const { jobs: queue, onUnsent } = this.#options;
    if (jobs.length === 0) return true;
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(new Error(`No answer in ${SEND_MS} ms.`)), SEND_MS);
    try {
      await Promise.race([queue.send(jobs), late.promise]);
      return true;
    } catch (error) {
      onUnsent(error, id);
      return false;
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Clears what was done, and writes the status that it led to, with the jobs that go along. What could not be sent stays
   * owed, in the short form that whatever is under way is sent again.
   *
   * @returns  the record; undefined when more is owed by now
   */
  async #clear(
    id: string,
    owed: Owed,
    { isSent, isQueued, version, jobs }: Told,
  ): Promise<ImageRecord | undefined> {
    const { records, channelsOf } = this.#options;
    return untilWritten(recordOf(id), async () => {
      const record = await records.images.get(id);
      if (!record) return undefined;
      const status = await this.#statusOf(record, owed);
      // What was queued is of a version that nobody asks for any more.
      if (isOwed(record, owed) && currentVersion(record) !== version) return undefined;
      if (!isOwed(record, owed)) {
        // Somebody was faster, but not with what we have queued.
        const isRight = !isQueued || status === record.status;
        if (isRight) await this.#send(id, jobs);
        const isTold = isRight || (await records.images.update(id, record.revision, { status }, jobs));
        return isTold ? undefined : AGAIN;
      }
      const isEnd = status !== undefined && status !== 'processing' && status !== record.status;
      const isTold = !isQuiet(record) && channelsOf(record).length > 0;
      const notify = (isEnd && isTold) || (!isSent && owed.notify === true);
      const left: Debt = {
        ...(owed.measure && { measure: true }),
        ...(owed.fetch && { fetch: owed.fetch }),
        ...(notify && { notify: true }),
        ...(!isSent && { rewarm: 'open' }),
      };
      const rest = Object.keys(left).length > 0 ? owing(undefined, left) : undefined;
      return (await records.images.update(id, record.revision, { status, owed: rest }, jobs)) ?? AGAIN;
    });
  }

  async #statusOf(
    record: ImageRecord,
    { measure, purge, rewarm, warm, forget }: Owed,
  ): Promise<ImageRecord['status'] | undefined> {
    const version = currentVersion(record);
    if (version === undefined || !(purge || rewarm || warm || forget)) return undefined;
    const variants = await this.#options.records.variants.list(record.id);
    // Whether it can be rendered is still to be found out.
    if (measure && record.status === 'uploaded' && variants.length === 0) return undefined;
    const status = rollUpStatus(variants.filter((one) => one.version === version));
    // What was refused stays so, until somebody renders it.
    return status === 'processing' || record.original !== undefined ? status : undefined;
  }
}

/** Whether anything lies in the results bucket that is an image's. */
export async function hasResults(results: Objects, id: string): Promise<boolean> {
  for (const prefix of [resultPrefix(id), masterPrefix(id)])
    if ((await results.list({ prefix, limit: 1 })).items.length > 0) return true;
  return false;
}
