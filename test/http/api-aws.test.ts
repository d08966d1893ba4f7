import t from 'tap';
import { startRecords } from '../support/emulators.dynamodb.ts';
import { identity, startStorage } from '../support/emulators.ts';
import { startServer } from '../support/server.ts';
import { flows, MAX_UPLOAD_BYTES } from './api-flows.ts';

process.env['AWS_REGION'] = identity.region;
process.env['AWS_ACCESS_KEY_ID'] = identity.credentials.accessKeyId;
process.env['AWS_SECRET_ACCESS_KEY'] = identity.credentials.secretAccessKey;

t.test('the management API over S3, DynamoDB and SQS', async (t) => {
  const storage = await startStorage();
  t.teardown(() => storage.stop());
  const dynamodb = await startRecords();
  if ('missing' in dynamodb) return void t.pass('needs DynamoDB', { skip: dynamodb.missing });
  t.teardown(() => dynamodb.stop());
  const server = await startServer({
    MAX_UPLOAD_BYTES: String(MAX_UPLOAD_BYTES),
    ORIGINALS_BUCKET: storage.originals,
    RESULTS_BUCKET: storage.results,
    S3_ENDPOINT: storage.endpoint,
    JOBS_QUEUE: storage.queue,
    JOBS_DEAD_LETTER_QUEUE: storage.deadLetters,
    SQS_ENDPOINT: storage.endpoint,
    RECORDS_TABLE: dynamodb.table,
    DYNAMODB_ENDPOINT: dynamodb.endpoint,
  });
  t.teardown(() => server.close());
  await flows(t, server);
});
