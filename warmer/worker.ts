import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Jobs, ReceivedJob } from '../server/stores/jobs.ts';
import { Later } from '../server/warming/jobs.ts';
import { isPermanent } from './retry-policy.ts';

export interface WorkerOptions {
  readonly jobs: Jobs;
  /** Jobs at once. */
  readonly slots: number;
  readonly visibilitySeconds: number;
  /** Works on a message to its end; what it resolves to goes to the log. Rejects: the message is not done. */
  readonly handle: (message: ReceivedJob, signal: AbortSignal) => Promise<object>;
  /** Whether a message is worked on beside the slots: it waits for others, not for a processor. */
  readonly isAside: (message: ReceivedJob) => boolean;
  readonly log: Logger;
  readonly onEnd: (message: ReceivedJob, end: JobEnd) => void;
  /** Monotonic ms. */
  readonly now: () => number;
}

/** How a message ended in this process. */
export interface JobEnd {
  /** `later`: another one took its place; `failed`: it comes again, or becomes a dead letter. */
  readonly outcome: 'done' | 'later' | 'failed' | 'given_back';
  readonly ms: number;
}

const WAIT_SECONDS = 20;
/** Messages beside the slots; more of them take slots. */
const MAX_ASIDE = 100;
/** After a queue that could not be reached. */
const PAUSE_MS = 2000;

/** Takes messages from the queue, holds each while it is worked on, and gives back what is not finished. */
export class Worker {
  readonly #options: WorkerOptions;
  readonly #stopping = new AbortController();
  readonly #held = new Set<string>();
  readonly #aside = new Set<Promise<void>>();
  #lastLook: number;

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#lastLook = options.now();
  }

  /** ms since the queue was last looked at or a message worked on; grows without end when we hang. */
  get idleMs(): number {
    return this.#held.size ? 0 : this.#options.now() - this.#lastLook;
  }

  /** Resolves after `stop`, when nothing is under way any more. */
  async run(): Promise<void> {
    const slots = Array.from({ length: this.#options.slots }, () => this.#slot());
    await Promise.all(slots);
    await Promise.all(this.#aside);
  }

  /** No further messages; what is under way ends before its next picture and is given back. */
  stop(): void {
    this.#stopping.abort(new Error('The warmer stops.'));
  }

  /** Gives back what is still held. */
  async release(): Promise<void> {
    await Promise.allSettled([...this.#held].map((receipt) => this.#options.jobs.extend(receipt, 0)));
  }

  async #slot(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const [message] = await this.#receive(signal);
      this.#lastLook = this.#options.now();
      if (message) await this.#begin(message, signal);
    }
  }

  /** Resolves when the slot is free again. Never rejects. */
  async #begin(message: ReceivedJob, signal: AbortSignal): Promise<void> {
    const work = this.#work(message, signal);
    if (!this.#options.isAside(message) || this.#aside.size >= MAX_ASIDE) return work;
    const done = work.finally(() => this.#aside.delete(done));
    this.#aside.add(done);
  }

  async #receive(signal: AbortSignal): Promise<ReceivedJob[]> {
    const { jobs, visibilitySeconds, log } = this.#options;
    try {
      return await jobs.receive({ max: 1, waitSeconds: WAIT_SECONDS, visibilitySeconds }, signal);
    } catch (err) {
      log.warn({ err }, 'queue not reached');
      await sleep(PAUSE_MS, undefined, { signal }).catch(() => {});
      return [];
    }
  }

  async #work(message: ReceivedJob, signal: AbortSignal): Promise<void> {
    const { jobs, handle, log, now, onEnd } = this.#options;
    const { receipt, receives } = message;
    const started = now();
    const end = (outcome: JobEnd['outcome']) => onEnd(message, { outcome, ms: now() - started });
    const heart = this.#beat(receipt);
    this.#held.add(receipt);
    try {
      const report = await handle(message, signal);
      await jobs.remove(receipt);
      log.info({ ...report, receives, ms: Math.round(now() - started) }, 'job');
      end('done');
    } catch (err) {
      // A heartbeat after the message is given back would hide it from other warmers again.
      clearInterval(heart);
      if (err instanceof Later && (await this.#replaced(receipt, err))) return end('later');
      const isGivenBack = signal.aborted;
      const seconds = isGivenBack ? 0 : this.#backoffSeconds(receives);
      await jobs.extend(receipt, seconds).catch(() => {});
      end(isGivenBack ? 'given_back' : 'failed');
      if (isGivenBack) log.info({ receives }, 'job given back');
      else log.warn({ err, receives, seconds, permanent: isPermanent(err) }, 'job not done');
    } finally {
      clearInterval(heart);
      this.#held.delete(receipt);
    }
  }

  /** The job that is to come later takes the place of the message, whose receives it has no part in. */
  async #replaced(receipt: string, { job, cause }: Later): Promise<boolean> {
    const { jobs, log } = this.#options;
    try {
      await jobs.send([job]);
      await jobs.remove(receipt);
      if (cause !== undefined)
        log.warn({ err: cause, seconds: job.delaySeconds }, 'job not done; again later');
      return true;
    } catch (err) {
      log.warn({ err }, 'job not sent again');
      return false;
    }
  }

  /** A message that is worked on must not be delivered again, however long it takes. */
  #beat(receipt: string): NodeJS.Timeout {
    const { jobs, visibilitySeconds, log } = this.#options;
    const beat = async () => {
      const isExtended = await jobs.extend(receipt, visibilitySeconds);
      if (!isExtended) log.warn('a message was lost while it was worked on; another warmer has it');
    };
    const onFailure = (err: unknown) => log.warn({ err }, 'visibility not extended');
    return setInterval(() => beat().catch(onFailure), visibilitySeconds * 500);
  }

  #backoffSeconds(receives: number): number {
    return Math.min(this.#options.visibilitySeconds, 2 ** (receives - 1));
  }
}
