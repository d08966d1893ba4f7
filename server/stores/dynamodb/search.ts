import type { ImageRecord, Page } from '../contracts.ts';
import { decodeCursor, encodeCursor } from '../cursor.ts';
import { IDS, idOfKey, imageKey, KEY_BYTES, placeKey, recordOf } from './items.ts';
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
