import { isSetBack } from '../../shared/set-back.ts';
import type { Answers, Attempt, KeptAnswer, Standing } from '../answers.ts';
import { type Database, integer, text } from './database.ts';

/** Expired rows that go with each new one: more than come, so that they never pile up. */
const EXPIRED_AT_ONCE = 20;

export class SqliteAnswers implements Answers {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  take(key: string, { owner, seed, holdSeconds, keepSeconds }: Attempt): Promise<Standing> {
    return this.#db.write((): Standing => {
      const now = Date.now();
      this.#removeExpired(now, EXPIRED_AT_ONCE);
      const sql = 'SELECT owner, seed, held_until, answer FROM answers WHERE key = ? AND expires_at > ?';
      const row = this.#db.get(sql, key, now);
      if (row && row['answer'] !== null)
        return { state: 'answered', answer: JSON.parse(text(row, 'answer')) };
      const heldUntil = row ? integer(row, 'held_until') : 0;
      const isHeld = heldUntil > now && !isSetBack(heldUntil, now, holdSeconds);
      if (row && text(row, 'owner') !== owner && isHeld) return { state: 'held' };
      const first = row ? text(row, 'seed') : seed;
      this.#db.run(
        'INSERT OR REPLACE INTO answers (key, owner, seed, held_until, expires_at) VALUES (?, ?, ?, ?, ?)',
        ...[key, owner, first, now + holdSeconds * 1000, now + keepSeconds * 1000],
      );
      return { state: 'taken', seed: first };
    });
  }

  keep(key: string, owner: string, answer: KeptAnswer, seconds: number): Promise<boolean> {
    const sql = 'UPDATE answers SET answer = ?, held_until = 0, expires_at = ? WHERE key = ? AND owner = ?';
    return this.#db.write(
      () => this.#db.run(sql, JSON.stringify(answer), Date.now() + seconds * 1000, key, owner) === 1,
    );
  }

  async release(key: string, owner: string): Promise<void> {
    const sql = 'UPDATE answers SET held_until = 0 WHERE key = ? AND owner = ? AND answer IS NULL';
    await this.#db.write(() => this.#db.run(sql, key, owner));
  }

  /** Resolves to how many there were. */
  collectGarbage(): Promise<number> {
    return this.#db.write(() => this.#removeExpired(Date.now(), 10_000));
  }

  #removeExpired(now: number, limit: number): number {
    const sql = 'DELETE FROM answers WHERE key IN (SELECT key FROM answers WHERE expires_at <= ? LIMIT ?)';
    return this.#db.run(sql, now, limit);
  }
}
