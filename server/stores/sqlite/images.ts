import { burial, changedImage, isUnchanged } from '../change.ts';
import { decodeCursor, encodeCursor } from '../cursor.ts';
import type {
  ImageAsRead,
  ImageChange,
  ImageQuery,
  ImageRecord,
  ImageRecords,
  NewImage,
  Owed,
  StalledQuery,
} from '../images.ts';
import type { OutgoingJob } from '../jobs.ts';
import type { Page } from '../page.ts';
import { search } from '../search.ts';
import { type Database, now, type Row, text } from './database.ts';
import type { JobsBatch, SqliteJobs } from './jobs.ts';

export class SqliteImages implements ImageRecords {
  readonly #db: Database;
  readonly #queue: SqliteJobs | undefined;

  /** @param queue  that lies in the same file; absent: jobs lie elsewhere */
  constructor(db: Database, queue: SqliteJobs | undefined) {
    this.#db = db;
    this.#queue = queue;
  }

  create(image: NewImage): Promise<boolean> {
    const sql = 'INSERT INTO images (id, record) VALUES (?, ?) ON CONFLICT DO NOTHING';
    return this.#db.write(() => {
      const record = JSON.stringify({ ...image, revision: 1, updatedAt: now() });
      return this.#db.run(sql, image.id, record) === 1;
    });
  }

  get(id: string): Promise<ImageRecord | undefined> {
    return this.#db.read(() => readImage(this.#db, id));
  }

  bury(id: string, owed: Owed, as?: ImageAsRead): Promise<ImageRecord | undefined> {
    return this.#db.write(() => {
      const before = readRecord(this.#db, id);
      if (!before || before.owed?.delete) return before;
      if (!isUnchanged(before, as)) return undefined;
      const { collection: _left, ...record } = changedImage(before, burial(owed), now());
      const sql = 'UPDATE images SET record = ?, collection = NULL WHERE id = ?';
      this.#db.run(sql, JSON.stringify(record), id);
      return record;
    });
  }

  tombstone(id: string): Promise<ImageRecord | undefined> {
    return this.#db.read(() => {
      const record = readRecord(this.#db, id);
      return record?.owed?.delete ? record : undefined;
    });
  }

  async update(
    id: string,
    revision: number,
    change: ImageChange,
    jobs: readonly OutgoingJob[] = [],
  ): Promise<ImageRecord | undefined> {
    const batch = jobs.length > 0 ? batchFor(this.#queue, jobs) : undefined;
    const updated = await this.#db.write(() => {
      const before = readRecord(this.#db, id);
      if (before?.revision !== revision) return undefined;
      const after = changedImage(before, change, now());
      const { collection: _column, ...record } = after;
      this.#db.run('UPDATE images SET record = ? WHERE id = ?', JSON.stringify(record), id);
      batch?.insert();
      return after;
    });
    if (updated) batch?.announce();
    return updated;
  }

  /** The schema takes the variants and the place in the collection along. */
  remove(id: string, as?: ImageAsRead): Promise<ImageRecord | undefined> {
    return this.#db.write(() => {
      const before = readRecord(this.#db, id);
      if (!before || !isUnchanged(before, as)) return undefined;
      this.#db.run('DELETE FROM images WHERE id = ?', id);
      return before;
    });
  }

  list(query: ImageQuery): Promise<Page<ImageRecord>> {
    const { prefix, text, collection, status } = query;
    if (prefix !== undefined)
      return search(query, {
        page: (part) => this.#byPrefix(prefix, part),
        cursorOf: ({ id }) => encodeCursor({ after: id }),
      });
    if (text === undefined) return this.#list(query);
    const kept = { ...(collection !== undefined && { collection }), ...(status !== undefined && { status }) };
    return search(query, { page: (part) => this.#list({ ...kept, ...part }), cursorOf: cursorBehind });
  }

  /** The primary key is in the order of ids. */
  #byPrefix(
    prefix: string,
    { limit, cursor }: { limit: number; cursor?: string },
  ): Promise<Page<ImageRecord>> {
    const sql = `SELECT record, collection FROM images WHERE id >= max(?1, ?2) AND id <> ?2
      AND (owed IS NULL OR owed ->> 'delete' IS NULL) ORDER BY id LIMIT ?3`;
    return this.#db.read(() => {
      const after = decodeCursor(cursor, ['after'])?.after ?? '';
      const rows = this.#db.all(sql, prefix, after, limit + 1).map(imageOf);
      const found = rows.filter(({ id }) => id.startsWith(prefix));
      const items = found.slice(0, limit);
      const last = items.at(-1);
      return found.length > limit && last ? { items, next: encodeCursor({ after: last.id }) } : { items };
    });
  }

  #list(query: ImageQuery): Promise<Page<ImageRecord>> {
    return this.#db.read(() => {
      const after = decodeCursor(query.cursor, ['at', 'id']);
      const filters: [string, ...string[]][] = [["(owed IS NULL OR owed ->> 'delete' IS NULL)"]];
      if (after) filters.push(['(created_at, id) < (?, ?)', after.at, after.id]);
      if (query.collection !== undefined) filters.push(['collection = ?', query.collection]);
      if (query.status !== undefined) filters.push(['status = ?', query.status]);
      const where = filters.map(([sql]) => sql).join(' AND ');
      const values = filters.flatMap(([_sql, ...values]) => values);
      const sql = `SELECT record, collection FROM images WHERE ${where} ORDER BY created_at DESC, id DESC LIMIT ?`;
      const rows = this.#db.all(sql, ...values, query.limit + 1);
      return pageOf(rows.map(imageOf), query.limit);
    });
  }

  /** Longest untouched first, as the index of unfinished images has them. */
  stalled({ before, ahead, limit, cursor }: StalledQuery): Promise<Page<ImageRecord>> {
    const isClosed = `(status <> 'uploading' OR coalesce(record ->> 'openUntil', '') < ?1)`;
    const times = [`updated_at < ?1 AND ${isClosed}`, 'updated_at > ?5'];
    // Each part has an index to go by.
    const parts = ["status IN ('uploading', 'uploaded', 'processing')", 'owed IS NOT NULL'].flatMap((kind) =>
      times.map(
        (time) =>
          `SELECT record, collection, updated_at, id FROM images WHERE ${kind} AND ${time} AND (updated_at, id) > (?2, ?3)`,
      ),
    );
    const sql = `${parts.join(' UNION ')} ORDER BY updated_at, id LIMIT ?4`;
    return this.#db.read(() => {
      const after = decodeCursor(cursor, ['at', 'id']) ?? { at: '', id: '' };
      const values = [before.toISOString(), after.at, after.id, limit + 1, ahead.toISOString()];
      const rows = this.#db.all(sql, ...values).map(imageOf);
      const items = rows.slice(0, limit);
      const last = items.at(-1);
      if (rows.length <= limit || !last) return { items };
      return { items, next: encodeCursor({ at: last.updatedAt, id: last.id }) };
    });
  }
}

/** @throws TypeError where jobs lie elsewhere */
function batchFor(queue: SqliteJobs | undefined, jobs: readonly OutgoingJob[]): JobsBatch {
  if (!queue) throw new TypeError('These records take no jobs.');
  return queue.batch(jobs);
}

/** To be called inside `read` or `write`; no tombstones. */
export function readImage(db: Database, id: string): ImageRecord | undefined {
  const record = readRecord(db, id);
  return record?.owed?.delete ? undefined : record;
}

function readRecord(db: Database, id: string): ImageRecord | undefined {
  const row = db.get('SELECT record, collection FROM images WHERE id = ?', id);
  return row && imageOf(row);
}

/** One page of records that are ordered by time and id, given one more than fits where there is one. */
export function pageOf<T extends { createdAt: string; id: string }>(items: T[], limit: number): Page<T> {
  const last = items[limit - 1];
  if (items.length <= limit || !last) return { items };
  return { items: items.slice(0, limit), next: cursorBehind(last) };
}

const cursorBehind = ({ createdAt, id }: { createdAt: string; id: string }): string =>
  encodeCursor({ at: createdAt, id });

function imageOf(row: Row): ImageRecord {
  const record: ImageRecord = JSON.parse(text(row, 'record'));
  return row.collection === null ? record : { ...record, collection: text(row, 'collection') };
}
