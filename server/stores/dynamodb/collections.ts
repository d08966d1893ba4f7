import type { Collection, CollectionChange, CollectionRecords, Refusal } from '../collections.ts';
import { decodeCursor } from '../cursor.ts';
import type { Page } from '../page.ts';
import { AGAIN, untilWritten } from '../until-written.ts';
import { KEY_BYTES, placeKey } from './items.ts';
import { merge, part } from './lists.ts';
import type { Table } from './table.ts';
import type { Item, Key, Write } from './writes.ts';

const PARTITION = 'collections';
const collectionKey = (id: string): Key => ({ pk: `collection#${id}`, sk: 'collection' });

export class DynamoCollections implements CollectionRecords {
  readonly #table: Table;

  constructor(table: Table) {
    this.#table = table;
  }

  async create(collection: Omit<Collection, 'count'>): Promise<boolean> {
    const index = { gsi1pk: PARTITION, gsi1sk: `${collection.createdAt}#${collection.id}` };
    const item = { ...collectionKey(collection.id), ...index, ...collection, count: 0 };
    return (await this.#table.write({ put: item, if: 'attribute_not_exists(#pk)' })) !== undefined;
  }

  get(id: string): Promise<Collection | undefined> {
    return read(this.#table, id);
  }

  async list(page: { limit: number; cursor?: string }): Promise<Page<Collection>> {
    const before = decodeCursor(page.cursor, ['before'], KEY_BYTES)?.before ?? '~';
    const { items, next } = merge([await part(this.#table, PARTITION, page.limit, before)], page.limit);
    return { items: items.map(collectionOf), ...next };
  }

  async update(id: string, change: CollectionChange): Promise<Collection | undefined> {
    if (Object.keys(change).length === 0) return this.get(id);
    const item = await this.#table.write({
      update: collectionKey(id),
      set: { ...change },
      if: 'attribute_exists(#pk)',
    });
    return item && collectionOf(item);
  }

  async remove(id: string): Promise<'removed' | 'absent' | 'not_empty'> {
    return untilWritten(`The collection ${id}`, async () => {
      const empty = { if: 'attribute_exists(#pk) AND #count = :none', with: { ':none': 0 } };
      if (await this.#table.write({ remove: collectionKey(id), ...empty })) return 'removed';
      const before = await this.get(id);
      if (!before) return 'absent';
      return before.count > 0 ? 'not_empty' : AGAIN;
    });
  }

  relate(id: string, ids: readonly string[]): Promise<Collection | Refusal> {
    const set = { collection: id, gsi1pk: `collection#${id}` };
    return place(this.#table, id, ids, 1, (image, collection) => {
      if (collection === id) return { check: placeKey(image), if: '#collection = :id', with: { ':id': id } };
      if (collection !== undefined) return 'in_another_collection';
      const isFree = 'attribute_exists(#pk) AND attribute_not_exists(#collection)';
      return { update: placeKey(image), set, if: isFree };
    });
  }

  unrelate(id: string, ids: readonly string[]): Promise<Collection | Refusal> {
    const set = { collection: undefined, gsi1pk: undefined };
    return place(this.#table, id, ids, -1, (image, collection) => {
      if (collection !== id) return 'not_in_collection';
      return { update: placeKey(image), set, if: '#collection = :id', with: { ':id': id } };
    });
  }
}

async function read(table: Table, id: string): Promise<Collection | undefined> {
  const item = await table.get(collectionKey(id));
  return item && collectionOf(item);
}

type Reason = 'in_another_collection' | 'not_in_collection';

/**
 * Moves places and the count in one transaction (51 of its 100 items). Conditions repeat what was read, so
 * that a concurrent change makes this round start again instead of counting an image twice.
 *
 * @param step  the write for an image that is in collection `at`, or why there is none
 */
async function place(
  table: Table,
  id: string,
  ids: readonly string[],
  sign: 1 | -1,
  step: (image: string, collection: unknown) => Write | Reason,
): Promise<Collection | Refusal> {
  return untilWritten(`The collection ${id}`, async () => {
    const items = await table.getAll([collectionKey(id), ...ids.map(placeKey)]);
    const match = items.find(({ sk }) => sk === 'collection');
    if (!match) return { refused: 'collection_absent' };
    const places = new Map(items.filter(({ sk }) => sk === 'place').map((item) => [item.id, item]));
    const absent = ids.filter((image) => !places.has(image));
    if (absent.length > 0) return { refused: 'image_absent', ids: absent };
    const steps = ids.map((image) => ({ image, write: step(image, places.get(image)?.collection) }));
    const refusal = refusalOf(steps);
    if (refusal) return refusal;
    const writes = steps.flatMap(({ write }) => (typeof write === 'string' ? [] : write));
    const moved = writes.filter((write) => 'update' in write).length;
    if (moved === 0) return collectionOf(match);
    const counted: Write = {
      update: collectionKey(id),
      add: { count: sign * moved },
      if: 'attribute_exists(#pk)',
    };
    if (!(await table.transact([counted, ...writes]))) return AGAIN;
    return (await read(table, id)) ?? { refused: 'collection_absent' };
  });
}

function refusalOf(steps: { image: string; write: Write | Reason }[]): Refusal | undefined {
  const reason = steps.map(({ write }) => write).find((write) => typeof write === 'string');
  if (reason === undefined) return undefined;
  return { refused: reason, ids: steps.filter(({ write }) => write === reason).map(({ image }) => image) };
}

function collectionOf(item: Item): Collection {
  const { pk, sk, gsi1pk, gsi1sk, ...record } = item;
  return record as unknown as Collection;
}
