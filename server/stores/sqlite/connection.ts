import { type Stats, statSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue, type SQLOutputValue, type StatementSync } from 'node:sqlite';
import { WriteAheadLog } from './log.ts';
import { MIGRATIONS } from './schema.ts';

export type Row = Record<string, SQLOutputValue>;

/** Codes of SQLite; their kinds have them in the lowest byte. */
const BUSY = 5;
/** IOERR, CORRUPT, CANTOPEN, NOTADB: another connection may find the file in order, this one will not. */
const BROKEN: readonly number[] = [10, 11, 14, 26];

/** Bytes of the log that stay when it begins anew. */
const LOG_BYTES = 16 * 2 ** 20;

/**
 * One open connection. It never waits for a lock, since nothing else would happen meanwhile: whoever finds it taken comes
 * again. A commit is in the log and not yet on the disk, see WriteAheadLog.
 */
export class Connection {
  readonly log: WriteAheadLog;
  readonly #db: DatabaseSync;
  readonly #place: Stats;
  readonly #statements = new Map<string, StatementSync>();

  /**
   * @param path  made where absent
   * @throws Error of SQLite, isBusy among them; one that names the versions where a newer program wrote the file
   */
  constructor(path: string) {
    this.#db = new DatabaseSync(path, { timeout: 0 });
    this.log = new WriteAheadLog(path);
    try {
      const { journal_mode: mode } = this.#db.prepare('PRAGMA journal_mode = WAL').get() ?? {};
      if (mode === 'wal') this.#db.exec('PRAGMA synchronous = NORMAL');
      this.#db.exec(`PRAGMA journal_size_limit = ${LOG_BYTES}`);
      this.#db.exec('PRAGMA wal_autocheckpoint = 0');
      this.#migrate();
      this.#place = statSync(path);
    } catch (error) {
      this.#db.close();
      throw error;
    }
  }

  /** Whether its file still lies at the path: one that was moved away or removed takes writes that nobody will see. */
  isOf(path: string): boolean {
    const place = statSync(path, { throwIfNoEntry: false });
    return place?.ino === this.#place.ino && place.dev === this.#place.dev;
  }

  get(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#prepared(sql).get(...values);
  }

  all(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#prepared(sql).all(...values);
  }

  run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.#prepared(sql).run(...values).changes);
  }

  /** All of `work` or nothing of it, and nobody else's write in between. */
  transaction<T>(work: () => T): T {
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
    this.log.close();
    if (this.#db.isOpen) this.#db.close();
  }

  #prepared(sql: string): StatementSync {
    const cached = this.#statements.get(sql);
    if (cached) return cached;
    const statement = this.#db.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  /** Takes the lock only where there is something to do: a file that somebody writes to can be opened. */
  #migrate(): void {
    const version = this.#version();
    if (version > MIGRATIONS.length) throw newer(version);
    if (version === MIGRATIONS.length) return;
    this.transaction(() => {
      for (const script of MIGRATIONS.slice(this.#version())) this.#db.exec(script);
      this.#db.exec(`PRAGMA user_version = ${MIGRATIONS.length}`);
    });
  }

  #version(): number {
    return integer(this.get('PRAGMA user_version'), 'user_version');
  }
}

const newer = (version: number): Error =>
  new Error(
    `The database is of a newer version (${version}) than this program knows (${MIGRATIONS.length}): run the newer program, or restore a backup that was made before it.`,
  );

export const isBusy = (error: unknown): boolean => codeOf(error) === BUSY;
export const isBroken = (error: unknown): boolean => BROKEN.includes(codeOf(error));

function codeOf(error: unknown): number {
  const code = error instanceof Error && 'errcode' in error ? error.errcode : undefined;
  return typeof code === 'number' ? code & 0xff : 0;
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
