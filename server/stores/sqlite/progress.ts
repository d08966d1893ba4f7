import type { Progress } from '../contracts.ts';
import { type Database, text } from './database.ts';

export class SqliteProgress implements Progress {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  get(name: string): Promise<string | undefined> {
    return this.#db.read(() => {
      const row = this.#db.get('SELECT value FROM progress WHERE name = ?', name);
      return row && text(row, 'value');
    });
  }

  async put(name: string, value: string): Promise<void> {
    const sql = 'INSERT OR REPLACE INTO progress (name, value) VALUES (?, ?)';
    await this.#db.write(() => this.#db.run(sql, name, value));
  }
}
