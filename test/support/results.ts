import { resultKey } from '../../server/core/query/id.ts';
import { place } from '../../server/core/query/path.ts';
import { epochsInBucket } from '../../server/reading/epoch.ts';

/** Where a result lies in its bucket. */
export function storedKey(id: string, canonical: string, { revision } = { revision: '' }): string {
  const { plain, marked } = epochsInBucket({ revision });
  return resultKey(id, place(canonical, plain, marked));
}
