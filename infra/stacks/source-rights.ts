import type { BucketSource } from '../../server/shared/sources.ts';
import type { Statement } from './policy.ts';

/**
 * What reading buckets of others takes: exactly the part of each that SOURCES names. One with a role of its own is read
 * by that role, whose owner trusts ours.
 */
export function sourceRights(buckets: readonly BucketSource[]): Statement[] {
  const allow = (Action: string[], Resource: string[]): Statement => ({ Effect: 'Allow', Action, Resource });
  return buckets.flatMap(({ bucket, path, role }) =>
    role === undefined
      ? [
          allow(['s3:GetObject'], [`arn:aws:s3:::${bucket}/${path}*`]),
          // Without it S3 answers 403 for a key that is not there.
          allow(['s3:ListBucket'], [`arn:aws:s3:::${bucket}`]),
        ]
      : [allow(['sts:AssumeRole'], [role])],
  );
}
