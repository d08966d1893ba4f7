import type { Collection, Page, Refusal } from '../contracts.ts';
import { decodeCursor } from '../cursor.ts';
import { type Database, integer, type Row, text } from './database.ts';
import { image, pageOf } from './images.ts';

export function createCollection(db: Database, collection: Omit<Collection, 'count'>): boolean {
  const sql = 'INSERT INTO collections (id, record) VALUES (?, ?) ON CONFLICT DO NOTHING';
  return db.run(sql, collection.id, JSON.stringify(collection)) === 1;
}

export function collection(db: Database, id: string): Collection | undefined {
  const row = db.get('SELECT record, count FROM collections WHERE id = ?', id);
  return row && collectionOf(row);
}

export function collections(db: Database, page: { limit: number; cursor?: string }): Page<Collection> {
  const after = decodeCursor(page.cursor, ['at', 'id']);
  const where = after ? 'WHERE (created_at, id) < (?, ?)' : '';
  const sql = `SELECT record, count FROM collections ${where} ORDER BY created_at DESC, id DESC LIMIT ?`;
  const rows = db.all(sql, ...(after ? [after.at, after.id] : []), page.limit + 1);
  return pageOf(rows.map(collectionOf), page.limit);
}

export function updateCollection(
  db: Database,
  id: string,
  change: { name?: string; description?: string | undefined },
): Collection | undefined {
  const before = collection(db, id);
  if (!before) return undefined;
  const { count: _column, ...record } = { ...before, ...change };
  db.run('UPDATE collections SET record = ? WHERE id = ?', JSON.stringify(record), id);
  return collection(db, id);
}

export function removeCollection(db: Database, id: string): 'removed' | 'absent' | 'not_empty' {
  const known = collection(db, id);
  if (!known) return 'absent';
  if (known.count > 0) return 'not_empty';
  db.run('DELETE FROM collections WHERE id = ?', id);
  return 'removed';
}

export function relate(db: Database, id: string, ids: readonly string[]): Collection | Refusal {
  const isElsewhere = (collection: string | undefined) => collection !== undefined && collection !== id;
  const refusal = refused(db, id, ids, 'in_another_collection', isElsewhere);
  return refusal ?? place(db, id, ids, id);
}

export function unrelate(db: Database, id: string, ids: readonly string[]): Collection | Refusal {
  const refusal = refused(db, id, ids, 'not_in_collection', (collection) => collection !== id);
  return refusal ?? place(db, id, ids, null);
}

function refused(
  db: Database,
  id: string,
  ids: readonly string[],
  reason: 'in_another_collection' | 'not_in_collection',
  isWrong: (collection: string | undefined) => boolean,
): Refusal | undefined {
  if (!collection(db, id)) return { refused: 'collection_absent' };
  const absent = ids.filter((image_) => !image(db, image_));
  if (absent.length > 0) return { refused: 'image_absent', ids: absent };
  const wrong = ids.filter((image_) => isWrong(image(db, image_)?.collection));
  return wrong.length > 0 ? { refused: reason, ids: wrong } : undefined;
}

function place(db: Database, id: string, ids: readonly string[], to: string | null): Collection | Refusal {
  for (const image of ids) db.run('UPDATE images SET collection = ? WHERE id = ?', to, image);
  return collection(db, id) ?? { refused: 'collection_absent' };
}

function collectionOf(row: Row): Collection {
  return { ...JSON.parse(text(row, 'record')), count: integer(row, 'count') };
}
