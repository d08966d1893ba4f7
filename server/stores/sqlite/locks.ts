import type { Locks } from '../contracts.ts';
import type { Database } from './database.ts';

export class SqliteLocks implements Locks {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  lease(name: string, owner: string, seconds: number): Promise<boolean> {
    const sql = `INSERT INTO leases (name, owner, until) VALUES (?, ?, ?)
      ON CONFLICT DO UPDATE SET owner = excluded.owner, until = excluded.until WHERE owner = excluded.owner OR until <= ?`;
    return this.#db.write(() => {
      const now = Date.now();
      return this.#db.run(sql, name, owner, now + Math.ceil(seconds * 1000), now) === 1;
    });
  }

  async release(name: string, owner: string): Promise<void> {
    await this.#db.write(() => this.#db.run('DELETE FROM leases WHERE name = ? AND owner = ?', name, owner));
  }
}
