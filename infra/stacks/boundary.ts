import type { Statement } from './policy.ts';
import { type ReadBucket, sourceRights } from './source-rights.ts';

export const BOUNDARY = 'rendition-boundary';
export const boundaryArn = (account: string): string => `arn:aws:iam::${account}:policy/${BOUNDARY}`;

/** What stages use that is not named after the project. */
interface Allowed {
  /** Existing buckets that stages read and write. */
  readonly buckets?: readonly string[];
  readonly secrets?: readonly string[];
  /** Buckets of others that stages read. */
  readonly sources?: readonly ReadBucket[];
  readonly more?: readonly Statement[];
}

/**
 * The most that a role of a stage can ever do, whoever writes its policy: what programs do with their stores, on what
 * is named after the project. A workflow that makes roles can therefore not make itself one that does more.
 */
export function boundary(
  account: string,
  { buckets = [], secrets = [], sources = [], more = [] }: Allowed,
): Statement[] {
  const own = (service: string, path: string): string => `arn:aws:${service}:*:${account}:${path}`;
  const named = ['rendition-*', ...buckets].flatMap((name) => [
    `arn:aws:s3:::${name}`,
    `arn:aws:s3:::${name}/*`,
  ]);
  const rows: readonly (readonly [actions: readonly string[], resources: readonly string[]])[] = [
    [
      [
        's3:AbortMultipartUpload',
        's3:DeleteObject',
        's3:GetObject',
        's3:GetObjectVersion*',
        's3:GetReplicationConfiguration',
        's3:ListBucket',
        's3:PutObject',
        's3:ReplicateDelete',
        's3:ReplicateObject',
        's3:ReplicateTags',
      ],
      named,
    ],
    [
      [
        'dynamodb:BatchGetItem',
        'dynamodb:ConditionCheckItem',
        'dynamodb:DeleteItem',
        'dynamodb:GetItem',
        'dynamodb:PutItem',
        'dynamodb:Query',
        'dynamodb:UpdateItem',
      ],
      [own('dynamodb', 'table/rendition-*')],
    ],
    [
      [
        'sqs:ChangeMessageVisibility',
        'sqs:DeleteMessage',
        'sqs:GetQueueAttributes',
        'sqs:GetQueueUrl',
        'sqs:ReceiveMessage',
        'sqs:SendMessage',
      ],
      [own('sqs', 'rendition-*')],
    ],
    [['sns:Publish'], [own('sns', 'rendition-*')]],
    [['cloudfront:CreateInvalidation'], [`arn:aws:cloudfront::${account}:distribution/*`]],
    [['logs:CreateLogStream', 'logs:PutLogEvents'], [own('logs', 'log-group:/rendition-*')]],
    [['secretsmanager:GetSecretValue'], [own('secretsmanager', 'secret:rendition-*'), ...secrets]],
    [
      ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'],
      ['arn:aws:ecr:*:*:repository/*'],
    ],
    [['ecr:GetAuthorizationToken'], ['*']],
  ];
  const statements = rows.map(([Action, Resource]): Statement => ({ Effect: 'Allow', Action, Resource }));
  return [...statements, ...sourceRights(sources), ...more];
}
