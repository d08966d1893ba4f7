import { type Bucket, bucket } from './bucket.ts';
import type { Context } from './context.ts';

/**
 * Rendered variants. Each can be rendered again, so they expire and have no versions. Masters of originals that are not
 * rendered as they are stay as long as these; but in a second region nobody tells that an original went, so they expire too.
 * Its policy is the CDN's.
 */
export function results(at: Context): Bucket {
  const expireDays = at.settings.result_days;
  return bucket(at, 'results', [
    { id: 'expire', prefix: 'img/', expireDays },
    { id: 'masters', prefix: 'master/', ...(at.settings.replica_of && { expireDays }) },
  ]);
}
