import type { BucketSource } from '../../server/shared/sources.ts';
import type { Settings } from '../settings.ts';
import type { Statement } from './policy.ts';

/** A bucket of others, or the part of it that is read. */
export type ReadBucket = Pick<BucketSource, 'bucket' | 'path' | 'role'>;

/** What feeds read, of which nobody here knows the prefixes: they stand in the list that WATCH names. */
export const feedSources = ({
  feed_buckets: buckets,
  feed_roles: roles,
}: Pick<Settings, 'feed_buckets' | 'feed_roles'>): ReadBucket[] => [
  ...buckets.map((bucket) => ({ bucket, path: '', role: undefined })),
  ...roles.map((role) => ({ bucket: '', path: '', role })),
];

/**
 * What reading buckets of others takes: exactly the part of each that is named. One with a role of its own is read
 * by that role, whose owner trusts ours.
 */
export function sourceRights(buckets: readonly ReadBucket[]): Statement[] {
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
