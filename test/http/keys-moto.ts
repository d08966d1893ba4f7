import { randomUUID } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import t from 'tap';
import { createTable } from '../../server/stores/dynamodb/schema.ts';
import { clients, createQueues, identity } from '../support/emulators.ts';
import { startServer } from '../support/server.ts';
import { keysSuite } from './keys.ts';

// Not part of `npm test`: moto is Python. Another S3 than that of npm, with another reading of what stands in a path.
const { MOTO_ENDPOINT: endpoint } = process.env;
if (!endpoint) throw new Error('MOTO_ENDPOINT is not set, e.g. to http://127.0.0.1:5555');

t.setTimeout(300_000);
t.test('keys of real buckets over the stores of moto', async (t) => {
  const { s3, sqs } = clients(endpoint);
  const name = `k${randomUUID()}`;
  const [originals, results] = [`${name}-originals`, `${name}-results`];
  for (const Bucket of [originals, results]) await s3.send(new CreateBucketCommand({ Bucket }));
  await createQueues(sqs, { queue: name, deadLetters: `${name}-dead` }, 3);
  await createTable(new DynamoDBClient({ ...identity, endpoint }), name);
  process.env['AWS_REGION'] = identity.region;
  process.env['AWS_ACCESS_KEY_ID'] = identity.credentials.accessKeyId;
  process.env['AWS_SECRET_ACCESS_KEY'] = identity.credentials.secretAccessKey;
  const server = await startServer({
    ORIGINALS_BUCKET: originals,
    RESULTS_BUCKET: results,
    S3_ENDPOINT: endpoint,
    JOBS_QUEUE: name,
    JOBS_DEAD_LETTER_QUEUE: `${name}-dead`,
    SQS_ENDPOINT: endpoint,
    RECORDS_TABLE: name,
    DYNAMODB_ENDPOINT: endpoint,
  });
  t.teardown(() => server.close());
  await keysSuite(t, server);
});
