import type { Progress } from '../locks.ts';
import { type Database, text } from './database.ts';

export class SqliteProgress implements Progress {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  get(name: string): Promise<string | undefined> {
    return this.#db.read(() => this.#get(name));
  }

  async put(name: string, value: string): Promise<void> {
    await this.#db.write(() => this.#put(name, value));
  }

  update(name: string, change: (before: string | undefined) => string): Promise<string> {
    return this.#db.write(() => {
      const value = change(this.#get(name));
      this.#put(name, value);
      return value;
    });
  }

  #get(name: string): string | undefined {
    const row = this.#db.get('SELECT value FROM progress WHERE name = ?', name);
    return row && text(row, 'value');
  }

  #put(name: string, value: string): void {
    this.#db.run('INSERT OR REPLACE INTO progress (name, value) VALUES (?, ?)', name, value);
  }
}
