import type { Collection, CollectionChange, CollectionRecords, Refusal } from '../collections.ts';
import { decodeCursor } from '../cursor.ts';
import type { Page } from '../page.ts';
import { type Database, integer, type Row, text } from './database.ts';
import { pageOf, readImage } from './images.ts';

export class SqliteCollections implements CollectionRecords {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  create(collection: Omit<Collection, 'count'>): Promise<boolean> {
    const sql = 'INSERT INTO collections (id, record) VALUES (?, ?) ON CONFLICT DO NOTHING';
    return this.#db.write(() => this.#db.run(sql, collection.id, JSON.stringify(collection)) === 1);
  }

  get(id: string): Promise<Collection | undefined> {
    return this.#db.read(() => this.#read(id));
  }

  list(page: { limit: number; cursor?: string }): Promise<Page<Collection>> {
    return this.#db.read(() => {
      const after = decodeCursor(page.cursor, ['at', 'id']);
      const where = after ? 'WHERE (created_at, id) < (?, ?)' : '';
      const sql = `SELECT record, count FROM collections ${where} ORDER BY created_at DESC, id DESC LIMIT ?`;
      const rows = this.#db.all(sql, ...(after ? [after.at, after.id] : []), page.limit + 1);
      return pageOf(rows.map(collectionOf), page.limit);
    });
  }

  update(id: string, change: CollectionChange): Promise<Collection | undefined> {
    return this.#db.write(() => {
      const before = this.#read(id);
      if (!before) return undefined;
      const { count: _column, ...record } = { ...before, ...change };
      this.#db.run('UPDATE collections SET record = ? WHERE id = ?', JSON.stringify(record), id);
      return this.#read(id);
    });
  }

  remove(id: string): Promise<'removed' | 'absent' | 'not_empty'> {
    return this.#db.write(() => {
      const before = this.#read(id);
      if (!before) return 'absent';
      if (before.count > 0) return 'not_empty';
      this.#db.run('DELETE FROM collections WHERE id = ?', id);
      return 'removed';
    });
  }

  relate(id: string, ids: readonly string[]): Promise<Collection | Refusal> {
    const isElsewhere = (collection: string | undefined) => collection !== undefined && collection !== id;
    return this.#db.write(
      () => this.#refusal(id, ids, 'in_another_collection', isElsewhere) ?? this.#move(id, ids, id),
    );
  }

  unrelate(id: string, ids: readonly string[]): Promise<Collection | Refusal> {
    return this.#db.write(
      () =>
        this.#refusal(id, ids, 'not_in_collection', (collection) => collection !== id) ??
        this.#move(id, ids, null),
    );
  }

  #read(id: string): Collection | undefined {
    const row = this.#db.get('SELECT record, count FROM collections WHERE id = ?', id);
    return row && collectionOf(row);
  }

  #refusal(
    id: string,
    ids: readonly string[],
    refused: 'in_another_collection' | 'not_in_collection',
    isWrong: (collection: string | undefined) => boolean,
  ): Refusal | undefined {
    if (!this.#read(id)) return { refused: 'collection_absent' };
    const absent = ids.filter((image) => !readImage(this.#db, image));
    if (absent.length > 0) return { refused: 'image_absent', ids: absent };
    const wrong = ids.filter((image) => isWrong(readImage(this.#db, image)?.collection));
    return wrong.length > 0 ? { refused, ids: wrong } : undefined;
  }

  #move(id: string, ids: readonly string[], to: string | null): Collection | Refusal {
    for (const image of ids) this.#db.run('UPDATE images SET collection = ? WHERE id = ?', to, image);
    return this.#read(id) ?? { refused: 'collection_absent' };
  }
}

function collectionOf(row: Row): Collection {
  return { ...JSON.parse(text(row, 'record')), count: integer(row, 'count') };
}
