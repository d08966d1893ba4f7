import t from 'tap';
import { startRecords } from '../support/emulators.dynamodb.ts';
import { emulated } from '../support/emulators.ts';
import { startServer } from '../support/server.ts';
import { keysSuite } from './keys.ts';

t.test('keys of real buckets over S3, DynamoDB and SQS', async (t) => {
  const env = await emulated(t, await startRecords());
  if (!env) return;
  const server = await startServer(env);
  t.teardown(() => server.close());
  await keysSuite(t, server);
});
