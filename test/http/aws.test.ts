import t from 'tap';
import { corpus } from '../support/corpus.ts';
import { startRecords } from '../support/emulators.dynamodb.ts';
import { emulated } from '../support/emulators.ts';
import { bytesOf, startServer } from '../support/server.ts';
import { purgedAtOnce } from './purges.ts';

t.test('the same build reads from S3, DynamoDB and SQS when it is given their names', async (t) => {
  const env = await emulated(t, await startRecords());
  if (!env) return;
  const first = await startServer(env);
  t.equal(first.stores.summary, 'objects in S3, records in DynamoDB, jobs in SQS');
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

t.test('lives on when a client leaves, or its time is over, before the version is known', async (t) => {
  const env = await emulated(t, await startRecords());
  if (!env) return;
  const url = '/img/shoe.jpg?w=200&fmt=webp';
  const first = await startServer(env);
  await first.put('shoe.jpg', await corpus('samples/ladybug.jpg'));
  await bytesOf(await first.get(url));
  await first.close();
  const server = await startServer(env);
  t.teardown(() => server.close());
  const hurried = await startServer({ ...env, DEADLINE_MS: '1000' });
  t.teardown(() => hurried.close());
  const { results } = server.stores;
  const read = results.get.bind(results);
  const isRead = Promise.withResolvers<void>();
  results.get = async (...given) => {
    const result = await read(...given);
    isRead.resolve();
    return result;
  };
  for (const { stores } of [server, hurried]) stores.records.images.get = () => new Promise(() => {});
  const client = new AbortController();
  const leaving = server.get(url, { signal: client.signal });
  // Now the stored result waits for the version that it must be of.
  await isRead.promise;
  client.abort();
  await t.rejects(leaving);
  t.equal((await hurried.get(url)).status, 504);
  for (const { get } of [server, hurried]) t.equal((await get('/healthz')).status, 200);
});

// Sixty of them, each against all others, are in purges.long.ts.
t.test('purges of one image at once are all done', (t) => purgedAtOnce(t, 12));
