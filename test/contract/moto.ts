import { randomUUID } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import t from 'tap';
import { DynamoRecords } from '../../server/stores/dynamodb/records.ts';
import { createTable } from '../../server/stores/dynamodb/schema.ts';
import { S3Objects } from '../../server/stores/s3/objects.ts';
import { SqsJobs } from '../../server/stores/sqs/jobs.ts';
import { clients, deafClients, identity } from '../support/emulators.ts';
import { freshJobs, unfinishedUploads } from './aws.ts';
import { jobsSuite } from './jobs.suite.ts';
import { objectsSuite } from './objects.suite.ts';
import { recordsSuite } from './records.suite.ts';

// Not part of `npm test`: moto is Python. Its S3 knows what the one of npm does not (If-None-Match, parts).
const { MOTO_ENDPOINT: endpoint } = process.env;
if (!endpoint) throw new Error('MOTO_ENDPOINT is not set, e.g. to http://127.0.0.1:5555');

const { s3, sqs } = clients(endpoint);
// One request at a time: moto copies the table for each transaction and puts the copy back where a condition
// fails, whatever was written since. Calls still meet each other between their requests.
const requestHandler = { httpAgent: { maxSockets: 1 } };
const dynamodb = new DynamoDBClient({ ...identity, endpoint, requestHandler });
const deaf = deafClients();
t.setTimeout(1_800_000);
const name = `t${randomUUID()}`;
await s3.send(new CreateBucketCommand({ Bucket: name }));
await createTable(dynamodb, name);

await objectsSuite(t, 'objects in S3', {
  objects: new S3Objects(s3, name),
  unreachable: new S3Objects(deaf.s3, name),
  leftovers: () => unfinishedUploads(s3, name),
  gaps: { 'copies on condition of what lies at the other end': 'moto 5 copies whatever the conditions say' },
});

await jobsSuite(t, 'jobs in SQS', {
  fresh: (options) => freshJobs(sqs, options.maxReceives),
  unreachable: new SqsJobs(deaf.sqs, { queue: 'q', deadLetterQueue: 'd' }),
  dropsTwins: false,
  gaps: {
    'a receipt is stale once somebody else received the message': 'moto 5 takes every receipt of a message',
    'receivers at once never hold the same message': 'moto 5 hands messages out without a lock',
  },
});

await recordsSuite(t, 'records in DynamoDB', {
  records: new DynamoRecords(dynamodb, name),
  unreachable: new DynamoRecords(deaf.dynamodb, name),
  atOnce: 1,
  gaps: {},
});
