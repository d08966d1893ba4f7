import { DataAwsS3Bucket } from '@cdktf/provider-aws/lib/data-aws-s3-bucket/index.js';
import { S3BucketCorsConfiguration } from '@cdktf/provider-aws/lib/s3-bucket-cors-configuration/index.js';
import { S3BucketVersioningA } from '@cdktf/provider-aws/lib/s3-bucket-versioning/index.js';
import { type Bucket, bucket, guardBucket } from './bucket.ts';
import type { Context } from './context.ts';
import { literal } from './text.ts';

const OLD_VERSION_DAYS = 30;

/** What was uploaded: never expires, and an overwritten or deleted one can be had back for a while. */
export function originals(at: Context): Bucket {
  const named = at.settings.originals_bucket;
  return named ? existing(at, named) : own(at);
}

function existing({ stack }: Context, name: string): Bucket {
  const found = new DataAwsS3Bucket(stack, 'originals', { bucket: name });
  return { name: found.bucket, arn: found.arn, domain: found.bucketRegionalDomainName };
}

/** A bucket of the stage's own: of what was uploaded, or of its copies in a second region. */
export function own(at: Context): Bucket {
  const { stack, settings } = at;
  const made = bucket(at, 'originals', [{ id: 'old-versions', expireOldVersionsDays: OLD_VERSION_DAYS }]);
  guardBucket(at, 'originals', made, []);
  const versions = new S3BucketVersioningA(stack, 'originals-versions', {
    bucket: made.name,
    versioningConfiguration: { status: 'Enabled' },
  });
  if (settings.cors_origins.length > 0) {
    new S3BucketCorsConfiguration(stack, 'originals-cors', {
      bucket: made.name,
      corsRule: [
        {
          allowedMethods: ['POST'],
          allowedOrigins: settings.cors_origins.map(literal),
          allowedHeaders: ['*'],
          exposeHeaders: ['ETag', 'Location'],
          maxAgeSeconds: 3600,
        },
      ],
    });
  }
  return { ...made, versions };
}
