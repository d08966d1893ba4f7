import { S3BucketNotification } from '@cdktf/provider-aws/lib/s3-bucket-notification/index.js';
import { bucketSources } from '../program-settings.ts';
import type { Bucket } from './bucket.ts';
import type { Context } from './context.ts';
import { letBucketsSend, type Queue } from './queue.ts';

/** What the queue is told of: originals that come and go, and results that a lifecycle removes. */
export function events(
  at: Context,
  warm: Queue,
  { originals, results }: { originals: Bucket; results: Bucket },
): void {
  const theirs = bucketSources(at.settings.environment).map(({ bucket }) => `arn:aws:s3:::${bucket}`);
  // What comes and goes in a bucket of others its owner may tell: their notification is not ours to write.
  const sending = letBucketsSend(at, warm, [...new Set([originals.arn, results.arn, ...theirs])]);
  const tell = (kind: string, bucket: Bucket, events: string[]) =>
    new S3BucketNotification(at.stack, `${kind}-events`, {
      bucket: bucket.name,
      queue: [{ queueArn: warm.arn, events }],
      dependsOn: [sending],
    });
  // A bucket has one notification configuration: writing it on a bucket that is not ours would drop the owner's.
  if (!at.settings.originals_bucket)
    tell('originals', originals, ['s3:ObjectCreated:*', 's3:ObjectRemoved:*']);
  tell('results', results, ['s3:LifecycleExpiration:Delete']);
}
