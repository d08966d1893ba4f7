import { inLanes } from '../../shared/in-lanes.ts';
import { decodeCursor, encodeCursor } from '../cursor.ts';
import { IMAGE_STATUSES, type ImageRecord } from '../images.ts';
import type { Progress } from '../locks.ts';
import type { Page } from '../page.ts';
import {
  IDS,
  idOfKey,
  imageKey,
  KEY_BYTES,
  owingPartition,
  placeKey,
  recordOf,
  statusPartition,
  TOMBSTONES,
} from './items.ts';
import type { Table } from './table.ts';

export const afterId = (id: string): string => encodeCursor({ after: id });

/** Images whose id begins with the prefix, in the order of ids. A page may be short, or empty. */
export async function imagesByPrefix(
  table: Table,
  prefix: string,
  { limit, cursor }: { limit: number; cursor?: string },
): Promise<Page<ImageRecord>> {
  const after = decodeCursor(cursor, ['after'], KEY_BYTES)?.after;
  const { items, more } = await table.page({
    index: 'ids',
    where: '#gsi2pk = :ids AND #pk >= :from',
    with: { ':ids': IDS, ':from': imageKey(after ?? prefix).pk },
    limit: limit + 1,
  });
  const ids = items.map(({ pk }) => idOfKey(String(pk)));
  const last = ids.at(-1);
  const hasMore = more !== undefined && last?.startsWith(prefix);
  const records = await whole(
    table,
    ids.filter((id) => id.startsWith(prefix) && id !== after),
  );
  return { items: records, ...(hasMore && last !== undefined && { next: afterId(last) }) };
}

/** Records in the order of the ids; those that have gone meanwhile, and tombstones, are left out. */
async function whole(table: Table, ids: readonly string[]): Promise<ImageRecord[]> {
  const found = await table.getAll(ids.flatMap((id) => [imageKey(id), placeKey(id)]));
  const byKey = new Map(found.map((item) => [`${item['sk']} ${item['pk']}`, item]));
  return ids.flatMap((id) => {
    const { pk } = imageKey(id);
    const image = byKey.get(`image ${pk}`);
    return image?.gsi2pk ? [recordOf(image, byKey.get(`place ${pk}`))] : [];
  });
}

/** Of the progress of the index of ids. */
const INDEXED = 'index of ids';

export async function indexFormer(table: Table, progress: Progress): Promise<number> {
  if ((await progress.get(INDEXED)) !== undefined) return 0;
  let count = 0;
  for (const partition of IMAGE_STATUSES.flatMap((status) => [
    statusPartition(status),
    owingPartition(status),
  ])) {
    const items = await table.queryAll({
      index: 'gsi1',
      where: '#gsi1pk = :partition',
      filter: 'attribute_not_exists(#gsi2pk)',
      only: '#pk, #sk',
      with: { ':partition': partition },
    });
    const written = await inLanes(items, ({ pk, sk }) =>
      table.write({
        update: { pk: String(pk), sk: String(sk) },
        set: { gsi2pk: IDS },
        if: 'attribute_exists(#pk) AND attribute_not_exists(#gsi2pk) AND #gsi1pk <> :tombstones',
        with: { ':tombstones': TOMBSTONES },
      }),
    );
    count += written.filter(Boolean).length;
  }
  // A program of before may be at work still, for as long as its deployment takes.
  if (count === 0) await progress.put(INDEXED, new Date().toISOString());
  return count;
}
