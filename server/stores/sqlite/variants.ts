import { changedVariant, isQueuedOrBetter, isRequestedBy, queuedVariant, withRequested } from '../change.ts';
import { decodeCursor, encodeCursor } from '../cursor.ts';
import type { Page } from '../page.ts';
import type {
  Requested,
  VariantChange,
  VariantCounts,
  VariantRecord,
  VariantRecords,
  VariantStatus,
  VariantUpdate,
} from '../variants.ts';
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

  queue(
    id: string,
    version: string,
    names: readonly string[],
    texts: Requested = {},
  ): Promise<VariantRecord[]> {
    return this.#db.write(() => {
      if (!readImage(this.#db, id)) return [];
      return names.map((variant) => {
        const before = this.#read(id, variant);
        const requested = withRequested(before?.requested, texts[variant]);
        if (!isQueuedOrBetter(before, version))
          return this.#put(queuedVariant({ id, variant, version, ...(requested && { requested }) }, now()));
        if (requested === undefined || isRequestedBy(before, requested)) return before;
        return this.#put({ ...before, requested });
      });
    });
  }

  counts(ids: readonly string[]): Promise<VariantCounts[]> {
    const sql = `SELECT COUNT(*) AS total,
      COUNT(*) FILTER (WHERE record ->> '$.status' NOT IN ('queued', 'rendering')) AS done
      FROM variants WHERE id = ?`;
    return this.#db.read(() =>
      ids.map((id) => {
        const row = readImage(this.#db, id) && this.#db.get(sql, id);
        return { done: Number(row?.['done'] ?? 0), total: Number(row?.['total'] ?? 0) };
      }),
    );
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
