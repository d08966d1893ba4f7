import type { Page } from './page.ts';

export interface Collection {
  id: string;
  name: string;
  description?: string;
  /** Images in it, always exact. */
  count: number;
  createdAt: string;
}

/** Why a collection operation was refused; `ids` are the images concerned. */
export type Refusal =
  | { refused: 'collection_absent' }
  | { refused: 'image_absent' | 'in_another_collection' | 'not_in_collection'; ids: string[] };

/** What an edit of a collection may set; an undefined description removes it. */
export interface CollectionChange {
  name?: string;
  description?: string | undefined;
}

export interface CollectionRecords {
  /** False when the id is taken. */
  create(collection: Omit<Collection, 'count'>): Promise<boolean>;
  get(id: string): Promise<Collection | undefined>;
  /** Newest first, as images. */
  list(page: { limit: number; cursor?: string }): Promise<Page<Collection>>;
  update(id: string, change: CollectionChange): Promise<Collection | undefined>;
  /** Removes only an empty collection; a race with `relate` has one winner. */
  remove(id: string): Promise<'removed' | 'absent' | 'not_empty'>;
  /** All or nothing, 1-50 ids, none twice. An image already in this collection is fine. */
  relate(collection: string, ids: readonly string[]): Promise<Collection | Refusal>;
  unrelate(collection: string, ids: readonly string[]): Promise<Collection | Refusal>;
}
