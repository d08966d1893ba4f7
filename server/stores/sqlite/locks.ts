import { aheadMs } from '../../shared/set-back.ts';
import type { Locks } from '../locks.ts';
import type { Database } from './database.ts';

/** What is held for longer than this, and than is asked for, was taken before the clock was set back. */
const BELIEVED_SECONDS = 3600;

export class SqliteLocks implements Locks {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  lease(name: string, owner: string, seconds: number): Promise<boolean> {
    const sql = `INSERT INTO leases (name, owner, until) VALUES (?, ?, ?)
      ON CONFLICT DO UPDATE SET owner = excluded.owner, until = excluded.until WHERE owner = excluded.owner OR until <= ? OR until > ?`;
    return this.#db.write(() => {
      const now = Date.now();
      const until = now + Math.ceil(seconds * 1000);
      return (
        this.#db.run(sql, name, owner, until, now, aheadMs(now, Math.max(seconds, BELIEVED_SECONDS))) === 1
      );
    });
  }

  async release(name: string, owner: string): Promise<void> {
    await this.#db.write(() => this.#db.run('DELETE FROM leases WHERE name = ? AND owner = ?', name, owner));
  }
}
