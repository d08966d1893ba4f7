import { S3BucketReplicationConfigurationA } from '@cdktf/provider-aws/lib/s3-bucket-replication-configuration/index.js';
import { bucketName, prefixOf } from '../names.ts';
import type { Bucket } from './bucket.ts';
import type { Context } from './context.ts';
import { serviceRole } from './roles.ts';

/** Sends every original, and that it was deleted, to the bucket of the second region, which must be there already. */
export function replicateOriginals(at: Context, originals: Bucket): void {
  const { stack, replica, account } = at;
  if (!replica) return;
  const destination = `arn:aws:s3:::${bucketName(prefixOf(replica.name), 'originals', account)}`;
  const role = serviceRole(at, 'replication', 's3.amazonaws.com', [
    {
      Effect: 'Allow',
      Action: ['s3:GetReplicationConfiguration', 's3:ListBucket'],
      Resource: [originals.arn],
    },
    {
      Effect: 'Allow',
      Action: ['s3:GetObjectVersionAcl', 's3:GetObjectVersionForReplication', 's3:GetObjectVersionTagging'],
      Resource: [`${originals.arn}/*`],
    },
    {
      Effect: 'Allow',
      Action: ['s3:ReplicateDelete', 's3:ReplicateObject', 's3:ReplicateTags'],
      Resource: [`${destination}/*`],
    },
  ]);
  new S3BucketReplicationConfigurationA(stack, 'originals-replication', {
    bucket: originals.name,
    role: role.arn,
    rule: [
      {
        id: replica.name,
        status: 'Enabled',
        filter: { prefix: '' },
        deleteMarkerReplication: { status: 'Enabled' },
        destination: { bucket: destination },
      },
    ],
    dependsOn: [role.granted, ...(originals.versions ? [originals.versions] : [])],
  });
}
