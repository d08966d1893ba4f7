import t from 'tap';
import { corpus } from '../support/corpus.ts';
import { startRecords } from '../support/emulators.dynamodb.ts';
import { emulated } from '../support/emulators.ts';
import { bytesOf, startServer } from '../support/server.ts';

t.test('the same build reads from S3, DynamoDB and SQS when it is given their names', async (t) => {
  const env = await emulated(t, await startRecords());
  if (!env) return;
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
