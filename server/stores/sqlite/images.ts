import { changedImage, changedVariant, isQueuedOrBetter, isUnchanged, queuedVariant } from '../change.ts';
import type {
  ImageAsRead,
  ImageChange,
  ImageQuery,
  ImageRecord,
  Page,
  StalledQuery,
  VariantChange,
  VariantRecord,
  VariantStatus,
} from '../contracts.ts';
import { decodeCursor, encodeCursor } from '../cursor.ts';
import { type Database, type Row, text } from './database.ts';

export type NewImage = Omit<ImageRecord, 'revision' | 'updatedAt' | 'collection'>;

export function createImage(db: Database, image: NewImage): boolean {
  const record = JSON.stringify({ ...image, revision: 1, updatedAt: now() });
  return (
    db.run('INSERT INTO images (id, record) VALUES (?, ?) ON CONFLICT DO NOTHING', image.id, record) === 1
  );
}

export function image(db: Database, id: string): ImageRecord | undefined {
  const row = db.get('SELECT record, collection FROM images WHERE id = ?', id);
  return row && imageOf(row);
}

export function updateImage(
  db: Database,
  id: string,
  revision: number,
  change: ImageChange,
): ImageRecord | undefined {
  const before = image(db, id);
  if (before?.revision !== revision) return undefined;
  const after = changedImage(before, change, now());
  const { collection: _column, ...record } = after;
  db.run('UPDATE images SET record = ? WHERE id = ?', JSON.stringify(record), id);
  return after;
}

/** The schema takes the variants and the place in the collection along. */
export function removeImage(db: Database, id: string, as?: ImageAsRead): ImageRecord | undefined {
  const before = image(db, id);
  if (!before || !isUnchanged(before, as)) return undefined;
  db.run('DELETE FROM images WHERE id = ?', id);
  return before;
}

export function images(db: Database, query: ImageQuery): Page<ImageRecord> {
  const after = decodeCursor(query.cursor, ['at', 'id']);
  const filters: [string, ...string[]][] = [];
  if (after) filters.push(['(created_at, id) < (?, ?)', after.at, after.id]);
  if (query.collection !== undefined) filters.push(['collection = ?', query.collection]);
  if (query.status !== undefined) filters.push(['status = ?', query.status]);
  const where = filters.length > 0 ? `WHERE ${filters.map(([sql]) => sql).join(' AND ')}` : '';
  const values = filters.flatMap(([_sql, ...values]) => values);
  const sql = `SELECT record, collection FROM images ${where} ORDER BY created_at DESC, id DESC LIMIT ?`;
  const rows = db.all(sql, ...values, query.limit + 1);
  return pageOf(rows.map(imageOf), query.limit);
}

/** Longest untouched first, as the index of unfinished images has them. */
export function stalled(db: Database, { before, limit, cursor }: StalledQuery): Page<ImageRecord> {
  const after = decodeCursor(cursor, ['at', 'id']) ?? { at: '', id: '' };
  const sql = `SELECT record, collection FROM images
    WHERE status IN ('uploading', 'uploaded', 'processing') AND updated_at < ?1
      AND (status <> 'uploading' OR coalesce(record ->> 'openUntil', '') < ?1) AND (updated_at, id) > (?2, ?3)
    ORDER BY updated_at, id LIMIT ?4`;
  const rows = db.all(sql, before.toISOString(), after.at, after.id, limit + 1).map(imageOf);
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  if (rows.length <= limit || !last) return { items };
  return { items, next: encodeCursor({ at: last.updatedAt, id: last.id }) };
}

export function variants(db: Database, id: string): VariantRecord[] {
  return db.all('SELECT record FROM variants WHERE id = ? ORDER BY variant', id).map(variantOf);
}

export function queueVariants(
  db: Database,
  id: string,
  version: string,
  names: readonly string[],
): VariantRecord[] {
  if (!image(db, id)) return [];
  return names.map((name) => {
    const known = variant(db, id, name);
    return isQueuedOrBetter(known, version) ? known : putVariant(db, queuedVariant(id, name, version, now()));
  });
}

export function updateVariant(
  db: Database,
  key: { id: string; variant: string; version: string },
  from: readonly VariantStatus[],
  change: VariantChange,
): boolean {
  const known = variant(db, key.id, key.variant);
  if (known?.version !== key.version || !from.includes(known.status)) return false;
  putVariant(db, changedVariant(known, change, now()));
  return true;
}

/** One page of records that are ordered by time and id, given one more than fits where there is one. */
export function pageOf<T extends { createdAt: string; id: string }>(items: T[], limit: number): Page<T> {
  const last = items[limit - 1];
  if (items.length <= limit || !last) return { items };
  return { items: items.slice(0, limit), next: encodeCursor({ at: last.createdAt, id: last.id }) };
}

export function now(): string {
  return new Date().toISOString();
}

function variant(db: Database, id: string, name: string): VariantRecord | undefined {
  const row = db.get('SELECT record FROM variants WHERE id = ? AND variant = ?', id, name);
  return row && variantOf(row);
}

function putVariant(db: Database, record: VariantRecord): VariantRecord {
  const sql = 'INSERT OR REPLACE INTO variants (id, variant, record) VALUES (?, ?, ?)';
  db.run(sql, record.id, record.variant, JSON.stringify(record));
  return record;
}

function imageOf(row: Row): ImageRecord {
  const record: ImageRecord = JSON.parse(text(row, 'record'));
  return row.collection === null ? record : { ...record, collection: text(row, 'collection') };
}

function variantOf(row: Row): VariantRecord {
  return JSON.parse(text(row, 'record'));
}
