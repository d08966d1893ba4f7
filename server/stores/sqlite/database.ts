import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { SQLInputValue } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { unavailable } from '../../shared/errors.ts';
import { attempt } from '../errors.ts';
import { Connection, isBroken, isBusy, type Row } from './connection.ts';

export { integer, type Row, text } from './connection.ts';

/** How long a call waits for a lock of another process before it is told to come again. */
const PATIENCE_MS = 5_000;
const LONGEST_PAUSE_MS = 25;
/** How often it is looked whether the file still lies where it lay. */
const LOOK_MS = 500;
/** After a file that could not be opened. */
const REOPEN_MS = 1_000;
/** A file of which one page is broken says so with every call. */
const REPORT_MS = 60_000;

export interface DatabaseOptions {
  /**
   * Hears why the file cannot be read, and with undefined that it can be again; every call is refused meanwhile. Absent:
   * a file that cannot be opened is an error of the constructor.
   */
  readonly onUnusable?: ((reason: unknown) => void) | undefined;
}

/**
 * One SQLite file, shared by several processes. WAL lets readers go on during a write. Every read-modify-write goes
 * through `write`, so that it holds the write lock from its first read: a lock taken later would fail where another
 * process wrote in between.
 *
 * Calls are synchronous and take some microseconds; whatever could take longer (a lock, the disk) is waited for outside
 * of them. Bodies are in files and not in here.
 */
export class Database {
  readonly #path: string;
  readonly #onUnusable: DatabaseOptions['onUnusable'];
  #connection: Connection | undefined;
  #lookedMs = 0;
  /** Why there is no connection, and since when. */
  #failure: { readonly error: unknown; readonly ms: number } | undefined;
  #report = { text: '', ms: 0 };
  #isClosed = false;
  /** Writes of this process come one after another: of many that try for a lock, none would be first. */
  #lastWrite: Promise<unknown> = Promise.resolve();

  /** @param path  made where absent, with its folder */
  constructor(path: string, { onUnusable }: DatabaseOptions = {}) {
    this.#path = path;
    this.#onUnusable = onUnusable;
    try {
      mkdirSync(dirname(path), { recursive: true });
      this.#connection = opened(path);
    } catch (error) {
      if (!onUnusable) throw unavailable(error);
      this.#fail(error);
    }
  }

  /** Does `work`, which only reads; its errors are translated. */
  read<T>(work: () => T): Promise<T> {
    return attempt(undefined, () => this.#patiently(work, endOfPatience()));
  }

  /** Does `work` as one transaction, which survives a power cut once this resolves; its errors are translated. */
  write<T>(work: () => T): Promise<T> {
    const end = endOfPatience();
    const done = this.#lastWrite.then(() => this.#patiently(() => this.#open().transaction(work), end));
    this.#lastWrite = done.then(() => this.#connection?.log.relieve()).catch(() => undefined);
    return attempt(undefined, async () => {
      const result = await done;
      await this.#connection?.log.durable();
      return result;
    });
  }

  /** To be called inside `read` or `write`, as the two below. */
  get(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#open().get(sql, ...values);
  }

  all(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#open().all(sql, ...values);
  }

  /** Resolves to how many rows changed. */
  run(sql: string, ...values: SQLInputValue[]): number {
    return this.#open().run(sql, ...values);
  }

  /** Brings the log into the file. */
  async checkpoint(): Promise<void> {
    await this.#connection?.log.checkpoint();
  }

  close(): void {
    this.#isClosed = true;
    this.#drop();
  }

  /** Comes again while somebody else holds the lock; jitter keeps two from meeting each time. */
  async #patiently<T>(work: () => T, end: number): Promise<T> {
    for (let pauseMs = 1; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      try {
        this.#look();
        return work();
      } catch (error) {
        if (this.#connection && isBroken(error)) this.#fail(error);
        if (!isBusy(error) || performance.now() > end) throw error;
      }
      await sleep(Math.random() * pauseMs);
    }
  }

  /** A file that somebody has put in the place of ours is ours from now on. */
  #look(): void {
    const now = performance.now();
    if (!this.#connection || now - this.#lookedMs < LOOK_MS) return;
    this.#lookedMs = now;
    if (!this.#connection.isOf(this.#path)) this.#drop();
  }

  #open(): Connection {
    if (this.#isClosed) throw new Error('The database is closed.');
    if (this.#connection) return this.#connection;
    if (this.#failure && performance.now() - this.#failure.ms < REOPEN_MS) throw this.#failure.error;
    try {
      // Nobody begins anew under programs that run: what is gone is to be brought back.
      if (!existsSync(this.#path)) throw new Error(`${this.#path} is gone.`);
      this.#connection = new Connection(this.#path);
    } catch (error) {
      if (!isBusy(error)) this.#fail(error);
      throw error;
    }
    if (this.#failure) this.#recover();
    return this.#connection;
  }

  #fail(error: unknown): void {
    const ms = performance.now();
    // A connection that broke may be followed by one that does not; a file that cannot be opened is left alone a while.
    if (!this.#connection) this.#failure = { error, ms };
    this.#drop();
    const text = String(error);
    if (this.#report.text === text && ms - this.#report.ms < REPORT_MS) return;
    this.#report = { text, ms };
    this.#onUnusable?.(error);
  }

  #recover(): void {
    this.#failure = undefined;
    this.#report = { text: '', ms: 0 };
    this.#onUnusable?.(undefined);
  }

  #drop(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    try {
      connection?.close();
    } catch {
      // Of a broken file the last checkpoint fails; what is in its log stays there.
    }
  }
}

const endOfPatience = (): number => performance.now() + PATIENCE_MS;

/** At the start of a program there is nothing that a wait could stop. */
function opened(path: string): Connection {
  for (const end = endOfPatience(); ; ) {
    try {
      return new Connection(path);
    } catch (error) {
      if (!isBusy(error) || performance.now() > end) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    }
  }
}

/** As records write times. */
export function now(): string {
  return new Date().toISOString();
}
