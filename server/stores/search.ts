import type { ImageQuery, ImageRecord } from './images.ts';
import type { Page } from './page.ts';

/** How a store is read for a search: in its order, some images at a time. */
export interface Searched {
  /** Images that begin with the prefix where there is one, and otherwise those of collection and status. */
  readonly page: (part: { limit: number; cursor?: string }) => Promise<Page<ImageRecord>>;
  /** Where a search goes on that has shown this image last. */
  readonly cursorOf: (record: ImageRecord) => string;
}

/** A search looks at so many images before it answers with what it has found: nobody has an index of words. */
const PART = 100;
const PARTS = 10;

/**
 * Images that a search finds, `query.limit` of them at most. `next` is how far it has looked, be it that nothing was
 * found up to there.
 */
export async function search(query: ImageQuery, { page, cursorOf }: Searched): Promise<Page<ImageRecord>> {
  const items: ImageRecord[] = [];
  let { cursor } = query;
  for (let parts = 0; parts < PARTS; parts++) {
    const part = await page({ limit: PART, ...(cursor !== undefined && { cursor }) });
    for (const record of part.items) {
      if (!isFound(record, query)) continue;
      items.push(record);
      const isLast = record === part.items.at(-1) && part.next === undefined;
      if (items.length === query.limit) return isLast ? { items } : { items, next: cursorOf(record) };
    }
    if (part.next === undefined) return { items };
    cursor = part.next;
  }
  return { items, ...(cursor !== undefined && { next: cursor }) };
}

function isFound(record: ImageRecord, { collection, status, text }: ImageQuery): boolean {
  if (collection !== undefined && record.collection !== collection) return false;
  if (status !== undefined && record.status !== status) return false;
  if (text === undefined) return true;
  const sought = folded(text);
  return folded(record.id).includes(sought) || folded(record.title ?? '').includes(sought);
}

/** Letters of one sound: `Zürich` is found by `ZÜRICH`, in whichever way the umlaut is composed. */
const folded = (text: string): string => text.normalize('NFC').toLowerCase();
