import { randomUUID } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import t from 'tap';
import { createTable } from '../../server/stores/dynamodb/schema.ts';
import { clients, createQueues, identity, storeSettings, useKeys } from '../support/emulators.ts';
import { startServer } from '../support/server.ts';
import { keysSuite } from './keys.ts';

// Not part of `npm test`: moto is Python. Another S3 than that of npm, with another reading of what stands in a path.
const { MOTO_ENDPOINT: endpoint } = process.env;
if (!endpoint) throw new Error('MOTO_ENDPOINT is not set, e.g. to http://127.0.0.1:5555');

t.setTimeout(1_800_000);
t.test('keys of real buckets over the stores of moto', async (t) => {
  const { s3, sqs } = clients(endpoint);
  const name = `k${randomUUID()}`;
  const names = { originals: `${name}-originals`, results: `${name}-results` };
  for (const Bucket of Object.values(names)) await s3.send(new CreateBucketCommand({ Bucket }));
  const queues = { queue: name, deadLetters: `${name}-dead` };
  await createQueues(sqs, queues, 3);
  await createTable(new DynamoDBClient({ ...identity, endpoint }), name);
  useKeys();
  const server = await startServer(
    storeSettings({ ...names, ...queues, endpoint, sqsEndpoint: endpoint }, { table: name, endpoint }),
  );
  t.teardown(() => server.close());
  await keysSuite(t, server);
});
