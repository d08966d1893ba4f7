import { Problem } from '../shared/errors.ts';
import type { Records } from '../stores/stores.ts';
import { deletedMeanwhile } from './replace.ts';

/**
 * Puts an image into a collection.
 *
 * @throws Problem `collection_not_found`, `conflict`
 */
export async function relateOne(records: Records, collection: string, id: string): Promise<void> {
  const related = await records.collections.relate(collection, [id]);
  if (!('refused' in related)) return;
  if (related.refused === 'collection_absent') throw collectionNotFound(collection);
  throw deletedMeanwhile(id);
}

export function collectionNotFound(id: string): Problem {
  const facts = { param: 'collection', received: id };
  return new Problem('collection_not_found', `There is no collection "${id}".`, facts);
}
