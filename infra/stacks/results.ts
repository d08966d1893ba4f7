import { type Bucket, bucket } from './bucket.ts';
import type { Context } from './context.ts';

/** Rendered variants. Each can be rendered again, so they expire and have no versions. Its policy is the CDN's. */
export function results(at: Context): Bucket {
  return bucket(at, 'results', [{ id: 'expire', expireDays: at.settings.result_days }]);
}
