import { Problem, reasonOf } from '../shared/errors.ts';
import type { HostPace } from '../shared/host-pace.ts';
import type { Remote } from '../shared/remote.ts';
import { isSetBack } from '../shared/set-back.ts';
import type { ImageRecord, RemoteSource } from '../stores/images.ts';
import type { Records } from '../stores/stores.ts';
import { updateWithRetry } from '../stores/update-record.ts';
import { again, checkTime, type FetchJob, Later } from '../warming/jobs.ts';
import { toUpdate } from '../warming/queue.ts';
import type { WarmSets } from '../warming/warm-set.ts';
import { isFinal, MOST_PAUSE_SECONDS, pauseOf } from './fetch-retries.ts';
import { type FetchedOriginals, isFor, type Taken } from './fetched-originals.ts';
import type { Intents } from './intents.ts';
import { owing, withoutDebt } from './owing.ts';
import type { Reconciler } from './reconciler.ts';
import { claimOfSource } from './source-claim.ts';
import type { Sources, Way } from './sources.ts';

/** For storing and decoding what was fetched: nobody else begins the same meanwhile. */
const STORE_SECONDS = 120;

/** By which the queue may deliver before its time: who came too early would be sent away for good. */
const EARLY_SECONDS = 2;

export interface FetchesOptions {
  readonly sources: Sources;
  readonly warmSets: Pick<WarmSets, 'formsFor'>;
  readonly remote: Remote | undefined;
  readonly pace: HostPace;
  readonly maxSeconds: number;
  readonly fetched: FetchedOriginals;
  readonly records: Records;
  readonly intents: Intents;
  readonly reconciler: Pick<Reconciler, 'reconcile'>;
  readonly now: () => Date;
}

/** One try to fetch the original of an image. */
interface Turn {
  readonly record: ImageRecord;
  readonly source: RemoteSource;
}

/** What a try came to, for the log. */
type Outcome = Taken | 'failed';

/** Fetches the originals that images owe. */
export class Fetches {
  readonly #options: FetchesOptions;
  /** How tries ended. */
  readonly counts = { fetched: 0, unchanged: 0, later: 0, failed: 0, unneeded: 0 };

  constructor(options: FetchesOptions) {
    this.#options = options;
  }

  /**
   * One try. May come twice and at once: the record says who is at it.
   *
   * @throws Later  when it is to be tried again
   */
  async deliver(job: FetchJob, signal: AbortSignal): Promise<{ outcome: Outcome }> {
    const { records, pace, now } = this.#options;
    const unixSeconds = now().getTime() / 1000;
    checkTime(job, unixSeconds);
    const record = await records.images.get(job.id);
    // Whoever has it does it, or waits for his turn; where he has died the sweep sends it again.
    if (!record?.source || !record.owed?.fetch || !this.#isDue(record.source))
      return { outcome: 'nothing owed' };
    const { host } = new URL(record.source.url);
    const waitMs = pace.enter(host, job.hasTurn === true);
    if (waitMs > 0) {
      await this.#wait({ record, source: record.source }, waitMs / 1000);
      throw new Later(again({ ...job, hasTurn: true }, waitMs / 1000, unixSeconds), undefined);
    }
    try {
      const turn = await this.#begin(job.id);
      if (!turn) return { outcome: 'nothing owed' };
      const outcome = await this.#try(turn, job, signal);
      this.counts[outcome === 'nothing owed' ? 'unneeded' : outcome] += 1;
      return { outcome };
    } finally {
      pace.leave(host);
    }
  }

  /**
   * Fetches the original of an id that is no image yet, for somebody who waits for it. Whoever dies once it is known to be
   * good leaves a record that owes it.
   *
   * @param check  called once its record is there: throws where the image is not wanted any more, which takes the record along
   * @returns      its bytes
   * @throws Problem those of Remote, openIngest and Measure; `conflict` for an id that is somebody else's by now; what
   *         `check` throws
   */
  async pull(id: string, { url, remote, credentials }: Way, check: () => Promise<void>): Promise<number> {
    const { fetched, maxSeconds } = this.#options;
    const answer = await remote.get(url, { credentials }, NEVER);
    const source = { url, notBefore: this.#time(maxSeconds + STORE_SECONDS) };
    return fetched.takeNew(answer, () => claimOfSource({ id, source, check }, this.#options));
  }

  /** For the sweep: whether what is owed is at nobody's. It is sent again, and counts as touched. */
  async sendAgain({ id }: ImageRecord): Promise<boolean> {
    const { records, intents } = this.#options;
    const isFree = ({ owed, source }: ImageRecord) => owed?.fetch && source && this.#isDue(source);
    const record = await records.images.get(id);
    if (!record?.source || !isFree(record)) return false;
    const notBefore = this.#time(0);
    if (!(await records.images.update(id, record.revision, { source: { ...record.source, notBefore } })))
      return false;
    await intents.sendFetches([id]);
    return true;
  }

  #isDue({ notBefore }: RemoteSource): boolean {
    if (notBefore === undefined || notBefore <= this.#time(0)) return true;
    const { now, maxSeconds } = this.#options;
    const longestSeconds = Math.max(MOST_PAUSE_SECONDS, maxSeconds + STORE_SECONDS);
    return isSetBack(Date.parse(notBefore), now().getTime(), longestSeconds);
  }

  #time(seconds: number): string {
    return new Date(this.#options.now().getTime() + seconds * 1000).toISOString();
  }

  /** Counts the try before it is made, since it may be what kills the process; undefined while somebody is at it. */
  async #begin(id: string): Promise<Turn | undefined> {
    const { records, maxSeconds } = this.#options;
    let begun: RemoteSource | undefined;
    const record = await updateWithRetry(records, id, ({ owed, source }) => {
      begun = undefined;
      if (!owed?.fetch || !source || !this.#isDue(source)) return undefined;
      const notBefore = this.#time(maxSeconds + STORE_SECONDS);
      begun = { ...source, tries: (source.tries ?? 0) + 1, notBefore };
      return { source: begun };
    });
    return record && begun && { record, source: begun };
  }

  async #try(turn: Turn, job: FetchJob, signal: AbortSignal): Promise<Outcome> {
    try {
      return await this.#fetch(turn, signal);
    } catch (error) {
      if (signal.aborted) await this.#giveBack(turn);
      signal.throwIfAborted();
      if (isFinal(error)) return this.#fail(turn, error);
      const pause = pauseOf(error, turn.source.tries ?? 0);
      if (pause === undefined) return this.#fail(turn, error);
      this.counts.later += 1;
      await this.#note(turn, {
        ...turn.source,
        error: reasonOf(error),
        notBefore: this.#time(pause - EARLY_SECONDS),
      });
      throw new Later(again({ ...job, hasTurn: false }, pause, this.#options.now().getTime() / 1000), error);
    }
  }

  async #fetch({ record, source }: Turn, signal: AbortSignal): Promise<Outcome> {
    const { sources, remote } = this.#options;
    const way = sources.wayTo(record.id);
    const isOfSource = way?.url === source.url;
    const from = isOfSource ? way.remote : remote;
    if (!from) throw new Problem('not_allowed', 'This deployment fetches no originals any more.');
    const isOurs = record.version !== undefined && record.version === source.version;
    const { etag, lastModified } = isOurs ? source : {};
    const credentials = isOfSource ? way.credentials : undefined;
    const answer = await from.get(source.url, { etag, lastModified, credentials }, signal);
    return this.#options.fetched.take({ record, source, isRuledBySource: isOfSource }, answer);
  }

  /** Given up, until somebody asks anew: an image that has an original keeps it. */
  async #fail(turn: Turn, error: unknown): Promise<Outcome> {
    const { records, intents } = this.#options;
    const { record, source } = turn;
    const { id } = record;
    const isMeant = isFor(turn);
    const reason = reasonOf(error);
    const { tries: _tries, ...begun } = source;
    // From when on it may be asked again whether that is still so.
    const rest = { ...begun, notBefore: this.#time(0) };
    const now = await records.images.get(id);
    if (!now || !isMeant(now)) return 'nothing owed';
    if (now.version === undefined) {
      const waiting = (await records.variants.list(id)).filter(({ status }) => status === 'queued');
      await records.variants.updateAll(
        id,
        waiting.map(toUpdate(['queued'], { status: 'failed', error: reason })),
      );
    }
    const failed = { status: 'failed', error: reason, owed: owing(undefined, { notify: true }) } as const;
    await updateWithRetry(records, id, (before) => {
      if (!isMeant(before)) return undefined;
      const change = before.version === undefined ? failed : { owed: withoutDebt(before.owed, 'fetch') };
      return { source: { ...rest, error: reason }, ...change };
    });
    await intents.trySettle(id);
    return 'failed';
  }

  /** Until its turn nobody else sends or begins it: each double would take a turn of its own. */
  async #wait(turn: Turn, seconds: number): Promise<void> {
    const isMeant = isFor(turn);
    const notBefore = this.#time(seconds - EARLY_SECONDS);
    await updateWithRetry(this.#options.records, turn.record.id, (before) => {
      const { owed, source } = before;
      const isFree = owed?.fetch && source && isMeant(before) && this.#isDue(source);
      return isFree ? { source: { ...source, notBefore } } : undefined;
    });
  }

  /** The warmer stops: the try was none. */
  async #giveBack(turn: Turn): Promise<void> {
    const { source } = turn;
    await this.#note(turn, { ...source, tries: (source.tries ?? 1) - 1, notBefore: this.#time(0) }).catch(
      () => undefined,
    );
  }

  async #note(turn: Turn, source: RemoteSource): Promise<void> {
    const isMeant = isFor(turn);
    await updateWithRetry(this.#options.records, turn.record.id, (before) =>
      before.owed?.fetch && isMeant(before) ? { source } : undefined,
    );
  }
}

const NEVER = new AbortController().signal;
