import { SqsQueue } from '@cdktf/provider-aws/lib/sqs-queue/index.js';
import { SqsQueuePolicy } from '@cdktf/provider-aws/lib/sqs-queue-policy/index.js';
import { SqsQueueRedriveAllowPolicy } from '@cdktf/provider-aws/lib/sqs-queue-redrive-allow-policy/index.js';
import type { Context } from './context.ts';
import { document } from './policy.ts';
import { json } from './text.ts';

const DAY_SECONDS = 24 * 60 * 60;
/** Received this often without success, a message is given up on. */
export const MAX_RECEIVES = 5;

export interface Queue {
  name: string;
  arn: string;
  url: string;
  dead: { name: string; arn: string };
}

/** The warm queue and its dead letters. */
export function queue({ stack, prefix }: Context): Queue {
  const dead = new SqsQueue(stack, 'dead-letters', {
    name: `${prefix}-warm-dead`,
    messageRetentionSeconds: 14 * DAY_SECONDS,
    sqsManagedSseEnabled: true,
  });
  const warm = new SqsQueue(stack, 'warm', {
    name: `${prefix}-warm`,
    messageRetentionSeconds: 4 * DAY_SECONDS,
    visibilityTimeoutSeconds: 120,
    receiveWaitTimeSeconds: 20,
    sqsManagedSseEnabled: true,
    redrivePolicy: json({ deadLetterTargetArn: dead.arn, maxReceiveCount: MAX_RECEIVES }),
  });
  new SqsQueueRedriveAllowPolicy(stack, 'dead-letters-source', {
    queueUrl: dead.url,
    redriveAllowPolicy: json({ redrivePermission: 'byQueue', sourceQueueArns: [warm.arn] }),
  });
  return { name: warm.name, arn: warm.arn, url: warm.url, dead: { name: dead.name, arn: dead.arn } };
}

/** S3 asks for this permission when a notification is configured; the account stops a foreign bucket of that name. */
export function letBucketsSend(
  { stack, account }: Context,
  warm: Queue,
  bucketArns: readonly string[],
): SqsQueuePolicy {
  return new SqsQueuePolicy(stack, 'warm-policy', {
    queueUrl: warm.url,
    policy: document([
      {
        Effect: 'Allow',
        Principal: { Service: 's3.amazonaws.com' },
        Action: ['sqs:SendMessage'],
        Resource: [warm.arn],
        Condition: {
          ArnEquals: { 'aws:SourceArn': [...bucketArns] },
          StringEquals: { 'aws:SourceAccount': account },
        },
      },
      {
        Effect: 'Deny',
        Principal: '*',
        Action: ['sqs:*'],
        Resource: [warm.arn],
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      },
    ]),
  });
}
