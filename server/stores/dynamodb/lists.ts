import { decodeCursor, encodeCursor } from '../cursor.ts';
import {
  IMAGE_STATUSES,
  type ImageQuery,
  type ImageRecord,
  type ImageStatus,
  type StalledQuery,
} from '../images.ts';
import type { Page } from '../page.ts';
import {
  imageKey,
  KEY_BYTES,
  owingPartition,
  placeKey,
  recordOf,
  statusPartition,
  TOMBSTONES,
} from './items.ts';
import type { Table } from './table.ts';
import type { Item } from './writes.ts';

const UNFINISHED = ['uploading', 'uploaded', 'processing'] as const;
const STALLED: readonly string[] = [
  ...UNFINISHED.map(statusPartition),
  ...IMAGE_STATUSES.map(owingPartition),
  TOMBSTONES,
];
/** Behind every position of a list, which begins with a year. */
const START = '~';

interface Part {
  items: Item[];
  /** Whether there is more behind the last item. */
  more: boolean;
}

export async function list(table: Table, query: ImageQuery): Promise<Page<ImageRecord>> {
  const before = decodeCursor(query.cursor, ['before'], KEY_BYTES)?.before ?? START;
  if (query.collection !== undefined) return imagesOf(table, query.collection, query, before);
  const statuses: readonly ImageStatus[] = query.status === undefined ? IMAGE_STATUSES : [query.status];
  const partitions = statuses.flatMap((status) => [statusPartition(status), owingPartition(status)]);
  const parts = await Promise.all(partitions.map((name) => part(table, name, query.limit, before)));
  const { items, next } = merge(parts, query.limit);
  return { items: await withPlaces(table, items), ...next };
}

/** A page that the filter by status makes short is better than one that reads on for long. */
async function imagesOf(
  table: Table,
  collection: string,
  { limit, status }: ImageQuery,
  before: string,
): Promise<Page<ImageRecord>> {
  const { items: places, more } = await part(table, `collection#${collection}`, status ? 100 : limit, before);
  const found = await table.getAll(places.map(({ id }) => imageKey(String(id))));
  const byPosition = new Map(found.map((image) => [image.gsi1sk, image]));
  const records = places.flatMap((place) => {
    const image = byPosition.get(place.gsi1sk);
    return image && isShown(image, status) ? { image, place } : [];
  });
  const shown = records.slice(0, limit);
  const last = records.length > limit ? shown.at(-1)?.place : more ? places.at(-1) : undefined;
  return { items: shown.map(({ image, place }) => recordOf(image, place)), ...nextAfter(last) };
}

function isShown({ gsi1pk, status }: Item, target: ImageStatus | undefined): boolean {
  return gsi1pk !== TOMBSTONES && (!target || status === target);
}

/** On one line: moto's parser of expressions fails at a line break. */
const IS_CLOSED = '(#status <> :uploading OR attribute_not_exists(#openUntil) OR #openUntil < :before)';
const IS_STALLED = `(#updatedAt < :before AND ${IS_CLOSED}) OR #updatedAt > :ahead`;

/** Newest first, the statuses merged as in a list: so many of one status cannot hide the others. */
export async function stalled(
  table: Table,
  { before, ahead, limit, cursor }: StalledQuery,
): Promise<Page<ImageRecord>> {
  const position = decodeCursor(cursor, ['before'])?.before ?? START;
  const parts = await Promise.all(
    STALLED.map(async (partition): Promise<Part> => {
      // All of a partition where fewer pass the filter than one more than fits.
      const items = await table.queryAll({
        index: 'gsi1',
        where: '#gsi1pk = :partition AND #gsi1sk < :position',
        filter: IS_STALLED,
        with: {
          ':partition': partition,
          ':position': position,
          ':before': before.toISOString(),
          ':ahead': ahead.toISOString(),
          ':uploading': 'uploading',
        },
        descending: true,
        limit: limit + 1,
      });
      return { items: items.slice(0, limit), more: items.length > limit };
    }),
  );
  const { items, next } = merge(parts, limit);
  return { items: await withPlaces(table, items), ...next };
}

/** Newest first. */
export async function part(table: Table, partition: string, limit: number, before: string): Promise<Part> {
  const { items, more } = await table.page({
    index: 'gsi1',
    where: '#gsi1pk = :partition AND #gsi1sk < :before',
    with: { ':partition': partition, ':before': before },
    descending: true,
    limit,
  });
  return { items, more: more !== undefined };
}

/**
 * The newest `limit` items of several partitions. A partition that stopped early (limit, 1 MB) may hold items
 * just behind its last one, so nothing older than that is shown yet.
 */
export function merge(parts: readonly Part[], limit: number): { items: Item[]; next: { next?: string } } {
  const horizons = parts.flatMap(({ items, more }) => (more ? position(items.at(-1)) : []));
  const horizon = horizons.sort().at(-1) ?? '';
  // While an image moves between partitions, the index can show it in both.
  const unique = new Map(parts.flatMap(({ items }) => items).map((item) => [position(item), item]));
  const inOrder = [...unique].sort(([a], [b]) => (a < b ? 1 : -1)).map(([, item]) => item);
  const ready = inOrder.filter((item) => position(item) >= horizon);
  const items = ready.slice(0, limit);
  const isAll = items.length === unique.size && horizons.length === 0;
  return { items, next: isAll ? {} : nextAfter(items.at(-1)) };
}

export function nextAfter(item: Item | undefined): { next?: string } {
  return item ? { next: encodeCursor({ before: position(item) }) } : {};
}

/** Where a list goes on behind an image. */
export const cursorBehind = ({ createdAt, id }: ImageRecord): string =>
  encodeCursor({ before: `${createdAt}#${id}` });

function position(item: Item | undefined): string {
  return String(item?.gsi1sk);
}

async function withPlaces(table: Table, items: readonly Item[]): Promise<ImageRecord[]> {
  const places = await table.getAll(items.map(({ id }) => placeKey(String(id))));
  const byId = new Map(places.map((place) => [place.id, place]));
  return items.map((item) => recordOf(item, byId.get(item.id)));
}
