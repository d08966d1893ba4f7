import { changedVariant, isQueuedOrBetter, queuedVariant } from '../change.ts';
import type { VariantChange, VariantRecord, VariantRecords, VariantStatus } from '../contracts.ts';
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
    return this.#db.write(() => {
      const before = this.#read(id, variant);
      if (before?.version !== version || !from.includes(before.status)) return false;
      this.#put(changedVariant(before, change, now()));
      return true;
    });
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
