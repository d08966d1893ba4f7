export type Program = 'server' | 'warmer';
export type Target = 'originals' | 'results' | 'records' | 'queue' | 'deadLetters' | 'notifications' | 'cdn';

/** What the action is granted on: the thing itself, what is in it, or its index. */
export type Part = '' | '/*' | '/index/*';

export type Grant = readonly [target: Target, part: Part, actions: readonly string[]];

const RECORDS: readonly Grant[] = [
  [
    'records',
    '',
    [
      'dynamodb:BatchGetItem',
      'dynamodb:ConditionCheckItem',
      'dynamodb:DeleteItem',
      'dynamodb:GetItem',
      'dynamodb:PutItem',
      'dynamodb:Query',
      'dynamodb:UpdateItem',
    ],
  ],
  ['records', '/index/*', ['dynamodb:Query']],
];

/**
 * Every call that a program makes, by what it is made on; a test compares this with the calls in the code.
 * ListBucket beside GetObject makes a missing key a 404: without it S3 answers 403, which is no absence.
 */
export const PERMISSIONS: Readonly<Record<Program, readonly Grant[]>> = {
  server: [
    ['originals', '', ['s3:ListBucket']],
    ['originals', '/*', ['s3:AbortMultipartUpload', 's3:DeleteObject', 's3:GetObject', 's3:PutObject']],
    ['results', '', ['s3:ListBucket']],
    ['results', '/*', ['s3:AbortMultipartUpload', 's3:DeleteObject', 's3:GetObject', 's3:PutObject']],
    ...RECORDS,
    ['queue', '', ['sqs:GetQueueAttributes', 'sqs:GetQueueUrl', 'sqs:SendMessage']],
    ['deadLetters', '', ['sqs:GetQueueAttributes', 'sqs:GetQueueUrl']],
    ['cdn', '', ['cloudfront:CreateInvalidation']],
  ],
  warmer: [
    ['originals', '', ['s3:ListBucket']],
    ['originals', '/*', ['s3:AbortMultipartUpload', 's3:DeleteObject', 's3:GetObject', 's3:PutObject']],
    ['results', '', ['s3:ListBucket']],
    ['results', '/*', ['s3:AbortMultipartUpload', 's3:DeleteObject', 's3:GetObject', 's3:PutObject']],
    ...RECORDS,
    [
      'queue',
      '',
      [
        'sqs:ChangeMessageVisibility',
        'sqs:DeleteMessage',
        'sqs:GetQueueAttributes',
        'sqs:GetQueueUrl',
        'sqs:ReceiveMessage',
        'sqs:SendMessage',
      ],
    ],
    [
      'deadLetters',
      '',
      ['sqs:ChangeMessageVisibility', 'sqs:GetQueueAttributes', 'sqs:GetQueueUrl', 'sqs:ReceiveMessage'],
    ],
    ['notifications', '', ['sns:Publish']],
    ['cdn', '', ['cloudfront:CreateInvalidation']],
  ],
};

/** Of the server in a second region, which only reads what is copied there and keeps results of its own. */
export const READER: readonly (readonly ['originals' | 'results' | 'records', Part, readonly string[]])[] = [
  ['originals', '', ['s3:ListBucket']],
  ['originals', '/*', ['s3:GetObject']],
  ['results', '', ['s3:ListBucket']],
  ['results', '/*', ['s3:AbortMultipartUpload', 's3:DeleteObject', 's3:GetObject', 's3:PutObject']],
  ['records', '', ['dynamodb:BatchGetItem', 'dynamodb:GetItem', 'dynamodb:Query']],
  ['records', '/index/*', ['dynamodb:Query']],
];
