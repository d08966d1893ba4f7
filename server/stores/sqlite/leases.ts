import type { Database } from './database.ts';

export function lease(db: Database, name: string, owner: string, seconds: number): boolean {
  const now = Date.now();
  const sql = `INSERT INTO leases (name, owner, until) VALUES (?, ?, ?)
    ON CONFLICT DO UPDATE SET owner = excluded.owner, until = excluded.until WHERE owner = excluded.owner OR until <= ?`;
  return db.run(sql, name, owner, now + Math.ceil(seconds * 1000), now) === 1;
}

export function release(db: Database, name: string, owner: string): void {
  db.run('DELETE FROM leases WHERE name = ? AND owner = ?', name, owner);
}
