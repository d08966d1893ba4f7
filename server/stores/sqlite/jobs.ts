import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { aheadMs } from '../../shared/set-back.ts';
import { checked } from '../job-bodies.ts';
import type { Jobs, ReceivedJob } from '../jobs.ts';
import { type Database, integer, text } from './database.ts';

/** How soon a message of another process is seen. A look of an idle process costs some 0.2 ms: all who wait share it. */
const POLL_MS = 150;

/** What VISIBILITY_SECONDS takes at most; delays are shorter. */
const LONGEST_HIDDEN_SECONDS = 3600;

type Options = Parameters<Jobs['receive']>[0];

/** Jobs that are sent within a write of whatever else is in the file. */
export interface JobsBatch {
  /** To be called inside `write`. */
  insert(): void;
  /** To be called once that is written: receivers of this process look at once. */
  announce(): void;
}

/** The queue in SQLite. Visibility, receive count and dead letters are those of SQS. */
export class SqliteJobs implements Jobs {
  readonly #db: Database;
  readonly #maxReceives: number;
  /** Tells the waiting receivers of this process that a message came or came back, by whether they wait for dead ones. */
  readonly #arrivals = new EventEmitter<Record<'0' | '1', []>>().setMaxListeners(0);
  #isWatched = false;
  readonly deadLetters: Jobs['deadLetters'];

  constructor(db: Database, options: { maxReceives: number }) {
    this.#db = db;
    this.#maxReceives = options.maxReceives;
    this.deadLetters = {
      receive: (options, signal) => this.#receive(1, options, signal),
      extend: (receipt, seconds) => this.#extend(1, receipt, seconds),
      remove: (receipt) => this.#remove(1, receipt),
    };
  }

  async send(jobs: Parameters<Jobs['send']>[0]): Promise<void> {
    const { insert, announce } = this.batch(jobs);
    await this.#db.write(insert);
    announce();
  }

  /** @throws RangeError for a body that is too long */
  batch(jobs: Parameters<Jobs['send']>[0]): JobsBatch {
    const outgoing = checked(jobs);
    const sql =
      'INSERT INTO jobs (body, key, sent_at, visible_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING';
    return {
      insert: () => {
        const now = Date.now();
        for (const { body, key = null, delaySeconds = 0 } of outgoing)
          this.#db.run(sql, body, key, now, now + delaySeconds * 1000);
      },
      announce: () => void this.#arrivals.emit('0'),
    };
  }

  receive(options: Options, signal?: AbortSignal): Promise<ReceivedJob[]> {
    return this.#receive(0, options, signal);
  }

  extend(receipt: string, seconds: number): Promise<boolean> {
    return this.#extend(0, receipt, seconds);
  }

  remove(receipt: string): Promise<void> {
    return this.#remove(0, receipt);
  }

  depth(): Promise<{ ready: number; inFlight: number; dead: number }> {
    return this.#db.read(() => {
      const sql = `SELECT
        count(*) FILTER (WHERE dead = 0 AND visible_at <= ?1) AS ready,
        count(*) FILTER (WHERE dead = 0 AND visible_at > ?1) AS inFlight,
        count(*) FILTER (WHERE dead = 1) AS dead FROM jobs`;
      const row = this.#db.get(sql, Date.now());
      return { ready: integer(row, 'ready'), inFlight: integer(row, 'inFlight'), dead: integer(row, 'dead') };
    });
  }

  oldestSentAt(): Promise<Date | undefined> {
    return this.#db.read(() => {
      const row = this.#db.get('SELECT sent_at FROM jobs WHERE dead = 0 ORDER BY sent_at LIMIT 1');
      return row && new Date(integer(row, 'sent_at'));
    });
  }

  async redrive(max: number): Promise<number> {
    const sql = `UPDATE jobs SET dead = 0, receives = 0, receipt = NULL, key = NULL, sent_at = ?1, visible_at = ?1
      WHERE number IN (SELECT number FROM jobs WHERE dead = 1 ORDER BY number LIMIT ?2)`;
    const moved = await this.#db.write(() => this.#db.run(sql, Date.now(), max));
    this.#arrivals.emit('0');
    return moved;
  }

  async ping(): Promise<void> {
    await this.#db.read(() => this.#isDue(0));
  }

  async #receive(dead: 0 | 1, options: Options, signal?: AbortSignal): Promise<ReceivedJob[]> {
    const end = performance.now() + options.waitSeconds * 1000;
    while (!signal?.aborted) {
      // A look without the write lock first: idle receivers must not hold up writers.
      const isDue = await this.#db.read(() => this.#isDue(dead));
      const jobs = isDue ? await this.#db.write(() => this.#take(dead, options)) : [];
      const restMs = end - performance.now();
      if (jobs.length > 0 || restMs <= 0) return jobs;
      await this.#arrival(dead, restMs, signal);
    }
    return [];
  }

  /** Whether there is a message to take, or one whose clock was set back. */
  #isDue(dead: 0 | 1): boolean {
    const sql = 'SELECT 1 FROM jobs WHERE dead = ? AND visible_at <= ? LIMIT 1';
    return this.#db.get(sql, dead, Date.now()) !== undefined || this.#isSetBack(dead);
  }

  /** Whether a job was sent, or is hidden until, later than the clock can have meant. */
  #isSetBack(dead: 0 | 1): boolean {
    const sql = `SELECT EXISTS (SELECT 1 FROM jobs WHERE dead = ?1 AND sent_at > ?2)
      OR EXISTS (SELECT 1 FROM jobs WHERE dead = ?1 AND visible_at > ?3) AS found`;
    const now = Date.now();
    return (
      integer(this.#db.get(sql, dead, aheadMs(now), aheadMs(now, LONGEST_HIDDEN_SECONDS)), 'found') === 1
    );
  }

  /** Whoever works on one keeps it for the time of a receive; all others are there at once. */
  #catchUp(dead: 0 | 1, now: number, hiddenMs: number): void {
    const sql = `UPDATE jobs SET sent_at = min(sent_at, ?2),
      visible_at = CASE WHEN receipt IS NULL THEN ?2 ELSE min(visible_at, ?2 + ?5) END
      WHERE (dead = ?1 AND sent_at > ?3) OR (dead = ?1 AND visible_at > ?4)`;
    this.#db.run(sql, dead, now, aheadMs(now), aheadMs(now, LONGEST_HIDDEN_SECONDS), hiddenMs);
  }

  #take(dead: 0 | 1, options: Options): ReceivedJob[] {
    const now = Date.now();
    if (this.#isSetBack(dead)) this.#catchUp(dead, now, options.visibilitySeconds * 1000);
    // Said by name: by itself SQLite takes an index in which it looks at every job that waits (3 ms at 50,000).
    const exhausted = `UPDATE jobs INDEXED BY jobs_by_receives SET dead = 1, receipt = NULL
      WHERE dead = 0 AND receives >= ? AND visible_at <= ?`;
    this.#db.run(exhausted, this.#maxReceives, now);
    const sql = `SELECT number, body, receives, sent_at FROM jobs WHERE dead = ? AND visible_at <= ?
      ORDER BY visible_at, number LIMIT ?`;
    return this.#db.all(sql, dead, now, options.max).map((row) => {
      const receives = integer(row, 'receives') + (dead ? 0 : 1);
      const receipt = randomUUID();
      const taken = 'UPDATE jobs SET receives = ?, receipt = ?, visible_at = ? WHERE number = ?';
      const visibleAt = now + options.visibilitySeconds * 1000;
      this.#db.run(taken, receives, receipt, visibleAt, integer(row, 'number'));
      return { body: text(row, 'body'), receipt, receives, sentAt: new Date(integer(row, 'sent_at')) };
    });
  }

  async #extend(dead: 0 | 1, receipt: string, seconds: number): Promise<boolean> {
    const sql = 'UPDATE jobs SET visible_at = ? WHERE receipt = ? AND dead = ?';
    const found = await this.#db.write(() => this.#db.run(sql, Date.now() + seconds * 1000, receipt, dead));
    if (seconds === 0) this.#arrivals.emit(`${dead}`);
    return found === 1;
  }

  async #remove(dead: 0 | 1, receipt: string): Promise<void> {
    await this.#db.write(() =>
      this.#db.run('DELETE FROM jobs WHERE receipt = ? AND dead = ?', receipt, dead),
    );
  }

  /** Resolves on a message, on the signal, or after `ms`. */
  #arrival(dead: 0 | 1, ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      // Since the look: a signal that has fired does not tell again.
      if (signal?.aborted) return resolve();
      const done = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        this.#arrivals.off(`${dead}`, done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal?.addEventListener('abort', done);
      this.#arrivals.on(`${dead}`, done);
      void this.#watch();
    });
  }

  /** Looks for messages of other processes as long as anybody waits. Who waits finds out himself why a look fails. */
  async #watch(): Promise<void> {
    if (this.#isWatched) return;
    this.#isWatched = true;
    while (this.#isAwaited(0) || this.#isAwaited(1)) {
      await sleep(POLL_MS, undefined, { ref: false });
      for (const dead of [0, 1] as const) {
        const isDue =
          this.#isAwaited(dead) && (await this.#db.read(() => this.#isDue(dead)).catch(() => true));
        if (isDue) this.#arrivals.emit(`${dead}`);
      }
    }
    this.#isWatched = false;
  }

  #isAwaited(dead: 0 | 1): boolean {
    return this.#arrivals.listenerCount(`${dead}`) > 0;
  }
}
