import { resultKey } from '../../server/core/query/id.ts';
import { place } from '../../server/core/query/path.ts';
import { epochsInBucket } from '../../server/reading/epoch.ts';
import type { Result } from '../../server/reading/result.ts';

/** Where a result lies in its bucket. */
export function storedKey(id: string, canonical: string, { revision } = { revision: '' }): string {
  const { plain, marked } = epochsInBucket({ revision });
  return resultKey(id, place(canonical, plain, marked));
}

/** A result of `a` that nobody rendered, for who only stores it. */
export function result(version: string, text = version): Result {
  return {
    id: 'a',
    canonical: 'fmt=webp&w=1',
    version,
    etag: '',
    contentType: 'image/webp',
    bytes: Buffer.from(text),
    lastModified: new Date(1000),
    width: 1,
    height: 2,
    warnings: ['rect-clamped'],
  };
}
