import t from 'tap';
import { startRecords } from '../support/emulators.dynamodb.ts';
import { emulated } from '../support/emulators.ts';
import { startServer } from '../support/server.ts';
import { flows, MAX_UPLOAD_BYTES } from './api-flows.ts';
import { repeats } from './api-repeats.ts';

t.test('the management API over S3, DynamoDB and SQS', async (t) => {
  const env = await emulated(t, await startRecords());
  if (!env) return;
  const server = await startServer({ ...env, MAX_UPLOAD_BYTES: String(MAX_UPLOAD_BYTES) });
  t.teardown(() => server.close());
  await flows(t, server);
  await repeats(t, server);
});
