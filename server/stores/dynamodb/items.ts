import type { ImageRecord } from '../images.ts';
import type { Table } from './table.ts';
import type { Item, Key } from './writes.ts';

/** An image as it is stored. */
export interface Stored {
  record: ImageRecord;
  /** Differs between two images that had the id one after the other: whose variants are whose. */
  life: string;
}

/** What a sort key of an index takes, less what is put before or behind a text in it. */
export const KEY_BYTES = 1000;

export const imageKey = (id: string): Key => ({ pk: `image#${id}`, sk: 'image' });
export const idOfKey = (pk: string): string => pk.slice('image#'.length);
export const placeKey = (id: string): Key => ({ pk: `image#${id}`, sk: 'place' });
/** Of the index: by status, and those that owe something apart, for the sweep to find them. */
export const statusPartition = (status: string) => `images#${status}`;
export const owingPartition = (status: string) => `owing#${status}`;
export const TOMBSTONES = 'tombstones';

/** Of the index of ids, which has no tombstones. */
export const IDS = 'ids';
export const idsPartitionOf = ({ owed }: Pick<ImageRecord, 'owed'>): string | undefined =>
  owed?.delete ? undefined : IDS;

export function partitionOf({ status, owed }: Pick<ImageRecord, 'status' | 'owed'>): string {
  if (!owed) return statusPartition(status);
  return owed.delete ? TOMBSTONES : owingPartition(status);
}

export async function stored(table: Table, id: string): Promise<Stored | undefined> {
  const where = '#pk = :pk AND #sk BETWEEN :image AND :place';
  const [image, place] = await table.queryAll({
    where,
    with: { ':pk': imageKey(id).pk, ':image': 'image', ':place': 'place' },
  });
  return image && { record: recordOf(image, place), life: String(image.life) };
}

/** The parse boundary: what this store wrote is taken at its word. */
export function recordOf(image: Item, place: Item | undefined): ImageRecord {
  const { pk, sk, gsi1pk, gsi1sk, gsi2pk, life, ...record } = image;
  const collection = place?.collection === undefined ? {} : { collection: place.collection };
  return { ...record, ...collection } as unknown as ImageRecord;
}
