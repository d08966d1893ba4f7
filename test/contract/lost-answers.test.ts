import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import t from 'tap';
import { DynamoRecords } from '../../server/stores/dynamodb/records.ts';
import type { Objects } from '../../server/stores/objects.ts';
import { startRecords } from '../support/emulators.dynamodb.ts';
import { identity } from '../support/emulators.ts';
import { objectsBehindWire } from '../support/objects-behind-wire.ts';
import { startWire, type Wire } from '../support/wire.ts';
import { newImage, pieces, png, present } from './suite.ts';

/** Loses the answers of the first `times` writes that come. */
function loseFirst(wire: Wire, times: number, isWrite: (method: string, url: string) => boolean): void {
  let left = times;
  wire.fault = { kind: 'lose', hits: (method, url) => isWrite(method, url) && left-- > 0 };
}
const isPut = (method: string) => method === 'PUT';
const isCompletion = (method: string, url: string) => method === 'POST' && url.includes('uploadId=');

t.test('the answer of a write to S3 that got lost is found by looking', async (t) => {
  const { objects, wire } = await objectsBehindWire(t);
  const bytes = Buffer.from('some bytes');
  const large = () => pieces(Array.from({ length: 9 }, (_, n) => Buffer.alloc(2 ** 20, n)));
  await objects.put('from', bytes, { ...png, cacheControl: 'max-age=1', metadata: { a: 'é' } });
  const etag = present(await objects.head('from')).etag;

  // One answer is lost, and the client library sends it again; or all that it sends are.
  for (const times of [1, 3]) {
    const writes: Record<string, [key: string, () => ReturnType<Objects['put']>, typeof isCompletion]> = {
      'bytes, if absent': ['a', () => objects.put('a', bytes, { ...png, ifAbsent: true }), isPut],
      'a stream, if absent': [
        'b',
        () => objects.put('b', pieces(['some', 'bytes']), { ...png, ifAbsent: true }),
        isPut,
      ],
      'a stream': ['c', () => objects.put('c', pieces(['some', 'bytes']), png), isPut],
      'parts, if absent': ['d', () => objects.put('d', large(), { ...png, ifAbsent: true }), isCompletion],
      'bytes, if match': [
        'e',
        () => objects.put('e', Buffer.from('others'), { ...png, ifMatch: etag }),
        isPut,
      ],
      'a copy, if absent': ['f', () => objects.copy('from', 'f', { ifAbsent: true }), isPut],
      'a copy, if match': ['g', () => objects.copy('h', 'g', { ifMatch: etag }), isPut],
    };
    for (const [name, [key, write, isWrite]] of Object.entries(writes)) {
      await objects.remove([key]);
      if (name.endsWith('if match')) await objects.put(key, bytes, png);
      await objects.put('h', Buffer.from('replaced'), png);
      loseFirst(wire, times, isWrite);
      const written = await write();
      wire.fault = undefined;
      const there = present(await objects.head(key));
      t.match(written, { key, etag: there.etag, size: there.size }, `${name}, ${times} lost`);
    }
    const { items } = await objects.list({ prefix: '', limit: 100 });
    t.match(present(await objects.head('f')), { contentType: 'image/png', cacheControl: 'max-age=1' });
    t.same(present(await objects.head('f')).metadata, { a: 'é' }, 'no mark is seen');
    t.ok(items.length > 0);
  }

  for (const times of [0, 1, 3]) {
    loseFirst(wire, times, isPut);
    const write = objects.put('from', Buffer.from('others'), { ...png, ifAbsent: true });
    if (times < 3) t.equal(await write, undefined, `what others put is not taken for ours, ${times} lost`);
    else await t.rejects(write, { code: 'store_unavailable' });
    wire.fault = undefined;
    t.equal(present(await objects.head('from')).etag, etag);
  }
});

t.test('a write to DynamoDB whose answer got lost knows itself when it comes again', async (t) => {
  const database = await startRecords();
  if ('missing' in database) return void t.pass('needs DynamoDB', { skip: database.missing });
  t.teardown(() => database.stop());
  const wire = await startWire(database.endpoint);
  t.teardown(() => wire.stop());
  const client = new DynamoDBClient({ ...identity, endpoint: wire.endpoint });
  t.teardown(() => client.destroy());
  const { images, variants, collections, locks } = new DynamoRecords(client, database.table);
  const lose = (operation: RegExp) => {
    let left = 1;
    wire.fault = {
      kind: 'lose',
      hits: (_method, _url, headers) => operation.test(String(headers['x-amz-target'])) && left-- > 0,
    };
  };
  const write = /(PutItem|UpdateItem|DeleteItem|TransactWriteItems)$/;
  const { id, createdAt } = newImage();
  lose(write);
  t.equal(await images.create({ ...newImage(id), createdAt }), true);
  lose(write);
  t.match(await images.update(id, 1, { title: 'x' }), { title: 'x', revision: 2 });
  t.equal((await images.get(id))?.revision, 2, 'written once');
  t.notOk('written' in present(await images.get(id)));
  await variants.queue(id, 'v1', ['w=1']);
  lose(write);
  t.equal(await variants.update(id, 'w=1', 'v1', ['queued'], { status: 'rendering', attempt: true }), true);
  t.match(await variants.list(id), [{ status: 'rendering', attempts: 1 }]);
  lose(write);
  t.equal(await collections.create({ id, name: 'c', createdAt }), true);
  t.same(await collections.get(id), { id, name: 'c', createdAt, count: 0 });
  lose(write);
  t.match(await collections.update(id, { name: 'd' }), { name: 'd' });
  lose(write);
  t.equal(await locks.lease(id, 'a', 30), true);
  lose(write);
  t.equal(await collections.remove(id), 'removed');
  lose(write);
  t.match(await images.remove(id), { id });
  wire.fault = undefined;
  t.equal(await images.update(id, 2, { title: 'y' }), undefined);
});
