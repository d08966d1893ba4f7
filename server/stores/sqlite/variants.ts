import { changedVariant, isQueuedOrBetter, queuedVariant } from '../change.ts';
import type {
  Page,
  VariantChange,
  VariantRecord,
  VariantRecords,
  VariantStatus,
  VariantUpdate,
} from '../contracts.ts';
import { decodeCursor, encodeCursor } from '../cursor.ts';
import { type Database, now, type Row, text } from './database.ts';
import { readImage } from './images.ts';

export class SqliteVariants implements VariantRecords {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  list(id: string): Promise<VariantRecord[]> {
    const sql = 'SELECT record FROM variants WHERE id = ? ORDER BY variant';
    return this.#db.read(() => (readImage(this.#db, id) ? this.#db.all(sql, id).map(variantOf) : []));
  }

  page(id: string, { limit, cursor }: { limit: number; cursor?: string }): Promise<Page<VariantRecord>> {
    const sql = 'SELECT record FROM variants WHERE id = ? AND variant > ? ORDER BY variant LIMIT ?';
    return this.#db.read(() => {
      const after = decodeCursor(cursor, ['after'])?.after ?? '';
      const rows = readImage(this.#db, id) ? this.#db.all(sql, id, after, limit + 1).map(variantOf) : [];
      const items = rows.slice(0, limit);
      const last = items.at(-1);
      return rows.length > limit && last ? { items, next: encodeCursor({ after: last.variant }) } : { items };
    });
  }

  queue(id: string, version: string, names: readonly string[]): Promise<VariantRecord[]> {
    return this.#db.write(() => {
      if (!readImage(this.#db, id)) return [];
      return names.map((name) => {
        const before = this.#read(id, name);
        return isQueuedOrBetter(before, version)
          ? before
          : this.#put(queuedVariant(id, name, version, now()));
      });
    });
  }

  update(
    id: string,
    variant: string,
    version: string,
    from: readonly VariantStatus[],
    change: VariantChange,
  ): Promise<boolean> {
    return this.#db.write(() => this.#update(id, { variant, version, from, change }));
  }

  updateAll(id: string, updates: readonly VariantUpdate[]): Promise<boolean[]> {
    return this.#db.write(() => updates.map((update) => this.#update(id, update)));
  }

  async remove(id: string, variants: readonly string[]): Promise<void> {
    await this.#db.write(() => {
      for (const variant of variants)
        this.#db.run('DELETE FROM variants WHERE id = ? AND variant = ?', id, variant);
    });
  }

  #update(id: string, { variant, version, from, change }: VariantUpdate): boolean {
    const before = this.#read(id, variant);
    if (before?.version !== version || !from.includes(before.status)) return false;
    this.#put(changedVariant(before, change, now()));
    return true;
  }

  #read(id: string, variant: string): VariantRecord | undefined {
    const row = this.#db.get('SELECT record FROM variants WHERE id = ? AND variant = ?', id, variant);
    return row && variantOf(row);
  }

  #put(record: VariantRecord): VariantRecord {
    const sql = 'INSERT OR REPLACE INTO variants (id, variant, record) VALUES (?, ?, ?)';
    this.#db.run(sql, record.id, record.variant, JSON.stringify(record));
    return record;
  }
}

function variantOf(row: Row): VariantRecord {
  return JSON.parse(text(row, 'record'));
}
