import { S3Bucket } from '@cdktf/provider-aws/lib/s3-bucket/index.js';
import { S3BucketLifecycleConfiguration } from '@cdktf/provider-aws/lib/s3-bucket-lifecycle-configuration/index.js';
import { S3BucketOwnershipControls } from '@cdktf/provider-aws/lib/s3-bucket-ownership-controls/index.js';
import { S3BucketPolicy } from '@cdktf/provider-aws/lib/s3-bucket-policy/index.js';
import { S3BucketPublicAccessBlock } from '@cdktf/provider-aws/lib/s3-bucket-public-access-block/index.js';
import { S3BucketServerSideEncryptionConfigurationA } from '@cdktf/provider-aws/lib/s3-bucket-server-side-encryption-configuration/index.js';
import { Fn, type ITerraformDependable } from 'cdktf';
import { bucketName } from '../names.ts';
import type { Context } from './context.ts';
import { document, type Statement } from './policy.ts';

export interface Bucket {
  name: string;
  arn: string;
  /** Name that CloudFront and browsers reach it by. */
  domain: string;
  /** Its versioning, where it has some. */
  versions?: ITerraformDependable;
}

type Rule = { id: string; prefix?: string; expireDays?: number; expireOldVersionsDays?: number };

/** Private, encrypted at rest, deletable only where the stage is not protected. */
export function bucket({ stack, settings, prefix, account }: Context, kind: string, rules: Rule[]): Bucket {
  const made = new S3Bucket(stack, kind, {
    bucket: bucketName(prefix, kind, account),
    forceDestroy: !settings.protect,
  });
  new S3BucketPublicAccessBlock(stack, `${kind}-private`, {
    bucket: made.id,
    blockPublicAcls: true,
    blockPublicPolicy: true,
    ignorePublicAcls: true,
    restrictPublicBuckets: true,
  });
  new S3BucketOwnershipControls(stack, `${kind}-owner`, {
    bucket: made.id,
    rule: { objectOwnership: 'BucketOwnerEnforced' },
  });
  // S3's own keys: an OAC could not read through a customer key without a grant, and gains nothing here.
  new S3BucketServerSideEncryptionConfigurationA(stack, `${kind}-encrypted`, {
    bucket: made.id,
    rule: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: 'AES256' } }],
  });
  new S3BucketLifecycleConfiguration(stack, `${kind}-lifecycle`, {
    bucket: made.id,
    rule: rules.map((rule) => ({
      id: rule.id,
      status: 'Enabled',
      filter: [{ prefix: rule.prefix ?? '' }],
      abortIncompleteMultipartUpload: [{ daysAfterInitiation: 1 }],
      ...(rule.expireDays ? { expiration: [{ days: rule.expireDays }] } : {}),
      ...(rule.expireOldVersionsDays
        ? { noncurrentVersionExpiration: [{ noncurrentDays: rule.expireOldVersionsDays }] }
        : {}),
    })),
  });
  return { name: made.bucket, arn: made.arn, domain: made.bucketRegionalDomainName };
}

/** TLS only, plus what the caller allows. A bucket has one policy, so it is written once, when all is known. */
export function guardBucket(
  { stack }: Context,
  kind: string,
  { name, arn }: Bucket,
  allow: Statement[],
): void {
  const objects = Fn.join('', [arn, '/*']);
  new S3BucketPolicy(stack, `${kind}-policy`, {
    bucket: name,
    policy: document([
      {
        Effect: 'Deny',
        Principal: '*',
        Action: ['s3:*'],
        Resource: [arn, objects],
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      },
      ...allow,
    ]),
  });
}
