import { randomUUID } from 'node:crypto';
import { isUnchanged } from '../change.ts';
import type { ImageAsRead, ImageChange, ImageRecord } from '../contracts.ts';
import { AGAIN, type Table, untilWritten } from './table.ts';
import type { Item, Key, Write } from './writes.ts';

export type NewImage = Omit<ImageRecord, 'revision' | 'updatedAt' | 'collection'>;

/** An image as it is stored. */
export interface Stored {
  record: ImageRecord;
  /** Differs between two images that had the id one after the other: whose variants are whose. */
  life: string;
}

export const imageKey = (id: string): Key => ({ pk: `image#${id}`, sk: 'image' });
export const placeKey = (id: string): Key => ({ pk: `image#${id}`, sk: 'place' });
export const statusPartition = (status: string) => `images#${status}`;

export async function createImage(table: Table, image: NewImage): Promise<boolean> {
  const position = `${image.createdAt}#${image.id}`;
  const item = {
    ...imageKey(image.id),
    ...{ gsi1pk: statusPartition(image.status), gsi1sk: position },
    ...{ ...image, revision: 1, updatedAt: new Date().toISOString(), life: randomUUID() },
  };
  const place = { ...placeKey(image.id), id: image.id, gsi1sk: position };
  const isFree = 'attribute_not_exists(#pk)';
  return table.transact([
    { put: item, if: isFree },
    { put: place, if: isFree },
  ]);
}

export async function stored(table: Table, id: string): Promise<Stored | undefined> {
  const where = '#pk = :pk AND #sk BETWEEN :image AND :place';
  const [image, place] = await table.queryAll({
    where,
    with: { ':pk': imageKey(id).pk, ':image': 'image', ':place': 'place' },
  });
  return image && { record: recordOf(image, place), life: String(image.life) };
}

export async function updateImage(
  table: Table,
  id: string,
  revision: number,
  change: ImageChange,
): Promise<ImageRecord | undefined> {
  const { status, ...rest } = change;
  const moved = status && { status, gsi1pk: statusPartition(status) };
  const [image, place] = await Promise.all([
    table.write({
      update: imageKey(id),
      set: { ...rest, ...moved, updatedAt: new Date().toISOString() },
      add: { revision: 1 },
      if: '#revision = :revision',
      with: { ':revision': revision },
    }),
    table.get(placeKey(id)),
  ]);
  return image && recordOf(image, place);
}

/**
 * The image goes with its place and its share of the count in one transaction; from then on nobody sees its
 * variants, nor queues new ones. Those are removed afterwards, with what an earlier removal that was cut short
 * has left: also when there is no image.
 */
export async function removeImage(
  table: Table,
  id: string,
  as?: ImageAsRead,
): Promise<ImageRecord | undefined> {
  const removed = await untilWritten(async () => {
    const found = await stored(table, id);
    if (!found || !isUnchanged(found.record, as)) return undefined;
    return (await table.transact(removal(found.record, found.life))) ? found.record : AGAIN;
  });
  await removeOrphans(table, id);
  return removed;
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

/** The parse boundary: what this store wrote is taken at its word. */
export function recordOf(image: Item, place: Item | undefined): ImageRecord {
  const { pk, sk, gsi1pk, gsi1sk, life, ...record } = image;
  const collection = place?.collection === undefined ? {} : { collection: place.collection };
  return { ...record, ...collection } as unknown as ImageRecord;
}
