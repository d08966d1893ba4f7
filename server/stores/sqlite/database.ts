import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type SQLInputValue, type SQLOutputValue, type StatementSync } from 'node:sqlite';
import { unavailable } from '../../shared/errors.ts';
import { attempt } from '../errors.ts';
import { MIGRATIONS } from './schema.ts';

export type Row = Record<string, SQLOutputValue>;

/** How long a call waits for another process's write. Writes take a few milliseconds. */
const BUSY_MS = 5_000;

/**
 * One SQLite file, shared by several processes. WAL lets readers go on during a write; FULL makes a commit
 * survive a power cut. Every read-modify-write goes through `write`, so that it holds the write lock
 * from its first read: a lock taken later would fail where another process wrote in between.
 *
 * Calls are synchronous. A write costs one fsync, which is why bodies are in files and not in here.
 */
export class Database {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  /** @param path  made where absent, with its folder */
  constructor(path: string) {
    try {
      mkdirSync(dirname(path), { recursive: true });
      this.#db = new DatabaseSync(path, { timeout: BUSY_MS });
      retryBusy(() => this.#db.exec('PRAGMA journal_mode = WAL'));
      this.#db.exec('PRAGMA synchronous = FULL');
      this.#migrate();
    } catch (error) {
      throw unavailable(error);
    }
  }

  /** Does `work`, which only reads; its errors are translated. */
  read<T>(work: () => T): Promise<T> {
    return attempt(undefined, async () => work());
  }

  /** Does `work` as one transaction; its errors are translated. */
  write<T>(work: () => T): Promise<T> {
    return attempt(undefined, async () => this.#transaction(work));
  }

  get(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#prepared(sql).get(...values);
  }

  all(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#prepared(sql).all(...values);
  }

  /** Resolves to how many rows changed. */
  run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.#prepared(sql).run(...values).changes);
  }

  /** All of `work` or nothing of it, and nobody else's write in between. */
  #transaction<T>(work: () => T): T {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#db.exec('COMMIT');
      return result;
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  close(): void {
    this.#statements.clear();
    if (this.#db.isOpen) this.#db.close();
  }

  #prepared(sql: string): StatementSync {
    const cached = this.#statements.get(sql);
    if (cached) return cached;
    const statement = this.#db.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  #migrate(): void {
    this.#transaction(() => {
      const version = integer(this.get('PRAGMA user_version'), 'user_version');
      if (version > MIGRATIONS.length) throw new Error(`The database is of a newer version (${version}).`);
      for (const script of MIGRATIONS.slice(version)) this.#db.exec(script);
      this.#db.exec(`PRAGMA user_version = ${MIGRATIONS.length}`);
    });
  }
}

/** SQLITE_BUSY, in the lowest byte of every code that is a kind of it. */
const BUSY = 5;

function isBusy(error: unknown): boolean {
  const code = error instanceof Error && 'errcode' in error ? error.errcode : undefined;
  return typeof code === 'number' && (code & 0xff) === BUSY;
}

/** Turning WAL on does not wait for a lock as other statements do. */
function retryBusy(work: () => void): void {
  for (const end = Date.now() + BUSY_MS; ; ) {
    try {
      work();
      return;
    } catch (error) {
      if (!isBusy(error) || Date.now() > end) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    }
  }
}

export function text(row: Row | undefined, column: string): string {
  const value = row?.[column];
  if (typeof value !== 'string') throw new Error(`Column ${column} is not text.`);
  return value;
}

export function integer(row: Row | undefined, column: string): number {
  const value = row?.[column];
  if (typeof value !== 'number') throw new Error(`Column ${column} is not a number.`);
  return value;
}

/** As records write times. */
export function now(): string {
  return new Date().toISOString();
}
