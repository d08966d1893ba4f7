import t from 'tap';
import { corpus } from '../support/corpus.ts';
import { startRecords } from '../support/emulators.dynamodb.ts';
import { identity, startStorage } from '../support/emulators.ts';
import { bytesOf, startServer } from '../support/server.ts';

process.env['AWS_REGION'] = identity.region;
process.env['AWS_ACCESS_KEY_ID'] = identity.credentials.accessKeyId;
process.env['AWS_SECRET_ACCESS_KEY'] = identity.credentials.secretAccessKey;

t.test('the same build reads from S3, DynamoDB and SQS when it is given their names', async (t) => {
  const storage = await startStorage();
  t.teardown(() => storage.stop());
  const dynamodb = await startRecords();
  if ('missing' in dynamodb) return void t.pass('needs DynamoDB', { skip: dynamodb.missing });
  t.teardown(() => dynamodb.stop());
  const env = {
    ORIGINALS_BUCKET: storage.originals,
    RESULTS_BUCKET: storage.results,
    S3_ENDPOINT: storage.endpoint,
    JOBS_QUEUE: storage.queue,
    JOBS_DEAD_LETTER_QUEUE: storage.deadLetters,
    SQS_ENDPOINT: storage.endpoint,
    RECORDS_TABLE: dynamodb.table,
    DYNAMODB_ENDPOINT: dynamodb.endpoint,
  };
  const first = await startServer(env);
  t.same(first.stores.kinds, { objects: 'S3', records: 'DynamoDB', jobs: 'SQS' });
  await first.put('products/shoe.jpg', await corpus('samples/ladybug.jpg'));
  t.match(await (await first.get('/readyz')).json(), { status: 'ok' });
  const url = '/img/products/shoe.jpg?w=200&fmt=webp';
  const made = await first.get(url);
  const bytes = await bytesOf(made);
  t.equal(made.headers.get('x-image-cache'), 'miss');
  await first.composed.images.settle();
  await first.close();
  const second = await startServer(env);
  t.teardown(() => second.close());
  const stored = await second.get(url);
  t.equal(stored.headers.get('x-image-cache'), 'stored');
  t.equal(stored.headers.get('etag'), made.headers.get('etag'), 'S3 and the server agree');
  t.same(await bytesOf(stored), bytes);
  t.equal((await second.get(url)).headers.get('x-image-cache'), 'memory');
  t.equal((await second.get('/img/none.jpg?w=9')).status, 404);
});
