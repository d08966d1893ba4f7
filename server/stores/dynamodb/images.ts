import { randomUUID } from 'node:crypto';
import { isUnchanged } from '../change.ts';
import type {
  ImageAsRead,
  ImageChange,
  ImageQuery,
  ImageRecord,
  ImageRecords,
  NewImage,
  Page,
  StalledQuery,
} from '../contracts.ts';
import { imageKey, placeKey, recordOf, statusPartition, stored } from './items.ts';
import { list, stalled } from './lists.ts';
import { AGAIN, type Table, untilWritten } from './table.ts';
import type { Write } from './writes.ts';

export class DynamoImages implements ImageRecords {
  readonly #table: Table;

  constructor(table: Table) {
    this.#table = table;
  }

  create(image: NewImage): Promise<boolean> {
    const position = `${image.createdAt}#${image.id}`;
    const item = {
      ...imageKey(image.id),
      ...{ gsi1pk: statusPartition(image.status), gsi1sk: position },
      ...{ ...image, revision: 1, updatedAt: new Date().toISOString(), life: randomUUID() },
    };
    const place = { ...placeKey(image.id), id: image.id, gsi1sk: position };
    const isFree = 'attribute_not_exists(#pk)';
    return this.#table.transact([
      { put: item, if: isFree },
      { put: place, if: isFree },
    ]);
  }

  async get(id: string): Promise<ImageRecord | undefined> {
    return (await stored(this.#table, id))?.record;
  }

  async update(id: string, revision: number, change: ImageChange): Promise<ImageRecord | undefined> {
    const { status, ...rest } = change;
    const moved = status && { status, gsi1pk: statusPartition(status) };
    const [image, place] = await Promise.all([
      this.#table.write({
        update: imageKey(id),
        set: { ...rest, ...moved, updatedAt: new Date().toISOString() },
        add: { revision: 1 },
        if: '#revision = :revision',
        with: { ':revision': revision },
      }),
      this.#table.get(placeKey(id)),
    ]);
    return image && recordOf(image, place);
  }

  /**
   * The image goes with its place and its share of the count in one transaction; from then on nobody sees its
   * variants, nor queues new ones. Those are removed afterwards, with what an earlier removal that was cut short
   * has left: also when there is no image.
   */
  async remove(id: string, as?: ImageAsRead): Promise<ImageRecord | undefined> {
    const removed = await untilWritten(async () => {
      const found = await stored(this.#table, id);
      if (!found || !isUnchanged(found.record, as)) return undefined;
      return (await this.#table.transact(removal(found.record, found.life))) ? found.record : AGAIN;
    });
    await removeOrphans(this.#table, id);
    return removed;
  }

  list(query: ImageQuery): Promise<Page<ImageRecord>> {
    return list(this.#table, query);
  }

  stalled(query: StalledQuery): Promise<Page<ImageRecord>> {
    return stalled(this.#table, query);
  }
}

function removal({ id, revision, collection }: ImageRecord, life: string): Write[] {
  const image: Write = {
    remove: imageKey(id),
    if: '#revision = :revision AND #life = :life',
    with: { ':revision': revision, ':life': life },
  };
  if (collection === undefined)
    return [image, { remove: placeKey(id), if: 'attribute_not_exists(#collection)' }];
  return [
    image,
    { remove: placeKey(id), if: '#collection = :collection', with: { ':collection': collection } },
    {
      update: { pk: `collection#${collection}`, sk: 'collection' },
      add: { count: -1 },
      if: 'attribute_exists(#pk)',
    },
  ];
}

/**
 * Removes variants whose image is gone. The image is read after them: a life that they have and it has not is over,
 * and each goes only if it still is of that life, since the id may have been taken anew.
 */
async function removeOrphans(table: Table, id: string): Promise<void> {
  const { pk } = imageKey(id);
  const where = '#pk = :pk AND begins_with(#sk, :variant)';
  const items = await table.queryAll({ where, with: { ':pk': pk, ':variant': 'variant#' } });
  if (items.length === 0) return;
  const alive = (await stored(table, id))?.life;
  const rest = items.filter(({ life }) => life !== alive).values();
  const lanes = Array.from({ length: 10 }, async () => {
    for (const { sk, life } of rest)
      await table.write({ remove: { pk, sk: String(sk) }, if: '#life = :life', with: { ':life': life } });
  });
  await Promise.all(lanes);
}
