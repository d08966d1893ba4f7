import {
  type BatchGetItemCommandInput,
  DynamoDBClient,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import t from 'tap';
import { DynamoRecords } from '../../server/stores/dynamodb/records.ts';
import { type RecordsEmulator, startRecords } from '../support/emulators.dynamodb.ts';
import { identity } from '../support/emulators.ts';
import { each, newImage, rejection } from './suite.ts';

// What DynamoDB does under load and an emulator does not, made to happen on the way to the emulator.
const database = await startRecords();
if ('missing' in database) {
  t.test('DynamoDB under load', { skip: database.missing }, async () => {});
} else {
  t.teardown(() => database.stop());
  conflictCases(database);
  momentCases(database);
  pageCases(database);
  formerCases(database);
  throttleCases(database);
  countCases(database);
}

/** Records whose requests first go through `meet`, which may fail them. */
function met(database: RecordsEmulator, meet: (command: string) => unknown): DynamoRecords {
  const client = new DynamoDBClient({ ...identity, endpoint: database.endpoint });
  t.teardown(() => client.destroy());
  client.middlewareStack.add((next, context) => async (args) => {
    await meet(context.commandName ?? '');
    return next(args);
  });
  return new DynamoRecords(client, database.table);
}

function conflictCases(database: RecordsEmulator): void {
  const conflicting = (times: number) => {
    let left = times;
    return met(database, (command) => {
      const isWrite = ['TransactWriteItemsCommand', 'UpdateItemCommand'].includes(command);
      if (!isWrite || left-- <= 0) return;
      if (command === 'UpdateItemCommand') throw named('TransactionConflictException');
      const code = ['TransactionConflict', 'ThrottlingError', 'ProvisionedThroughputExceeded'][left % 3];
      const CancellationReasons = [{ Code: 'None' }, { Code: code }];
      throw Object.assign(named('TransactionCanceledException'), { CancellationReasons });
    });
  };

  t.test('writes that meet a transaction are repeated', async (t) => {
    const image = newImage();
    t.equal(await conflicting(3).images.create(image), true);
    t.equal(await conflicting(3).images.create(image), false, 'and the condition still counts');
    t.match(await conflicting(3).images.update(image.id, 1, { title: 'x' }), { title: 'x', revision: 2 });
  });

  t.test('writes that meet a transaction all the time are store_unavailable', async (t) => {
    t.match(await rejection(conflicting(1_000).images.create(newImage())), { code: 'store_unavailable' });
  });
}

function momentCases(database: RecordsEmulator): void {
  const records = new DynamoRecords(database.dynamodb, database.table);

  t.test('variants left by a removal that was cut short belong to no later image', async (t) => {
    const image = newImage();
    await records.images.create(image);
    await records.variants.queue(image.id, 'v1', ['w=1', 'w=2']);
    const cut = met(database, (command) => {
      if (command === 'DeleteItemCommand') throw new Error('killed');
    });
    await rejection(cut.images.remove(image.id));
    t.equal(await records.images.get(image.id), undefined);
    t.same(await records.variants.list(image.id), []);
    await records.images.create(image);
    t.same(await records.variants.list(image.id), []);
    const queued = await records.variants.queue(image.id, 'v1', ['w=1']);
    t.same(await records.variants.list(image.id), queued);
  });

  t.test('a removal that was cut short is ended by the next one, with or without an image', async (t) => {
    const image = newImage();
    const cut = met(database, (command) => {
      if (command === 'DeleteItemCommand') throw new Error('killed');
    });
    for (const variant of ['w=1', 'w=2']) {
      await records.images.create(image);
      await records.variants.queue(image.id, 'v1', [variant]);
      await rejection(cut.images.remove(image.id));
    }
    t.same(await itemsOf(database, image.id), ['variant#w=1', 'variant#w=2']);
    t.equal(await records.images.remove(image.id), undefined);
    t.same(await itemsOf(database, image.id), []);

    await records.images.create(image);
    await records.variants.queue(image.id, 'v1', ['w=1']);
    await rejection(cut.images.remove(image.id));
    await records.images.create(image);
    await records.variants.queue(image.id, 'v1', ['w=2']);
    t.ok(await records.images.remove(image.id));
    t.same(await itemsOf(database, image.id), []);
  });

  t.test('what ends a removal leaves alone what was made anew meanwhile', async (t) => {
    const image = newImage();
    await records.images.create(image);
    await records.variants.queue(image.id, 'v1', ['w=1', 'w=2']);
    let queries = 0;
    const late = met(database, async (command) => {
      if (command !== 'QueryCommand' || ++queries !== 3) return;
      await records.images.create(image);
      await records.variants.queue(image.id, 'v1', ['w=2']);
    });
    t.ok(await late.images.remove(image.id));
    t.match(await records.variants.list(image.id), [{ variant: 'w=2', status: 'queued' }]);
    t.same(await itemsOf(database, image.id), ['image', 'place', 'variant#w=2']);
  });

  t.test(
    'a removal leaves the variants of an image that was made anew before it looked for them',
    async (t) => {
      const image = newImage();
      await records.images.create(image);
      await records.variants.queue(image.id, 'v1', ['w=1']);
      let isGone = false;
      const late = met(database, async (command) => {
        if (command === 'TransactWriteItemsCommand') isGone = true;
        if (command !== 'QueryCommand' || !isGone) return;
        isGone = false;
        await records.images.create(image);
        await records.variants.queue(image.id, 'v1', ['w=1', 'w=2']);
      });
      t.ok(await late.images.remove(image.id));
      t.match(await records.variants.list(image.id), [{ variant: 'w=1' }, { variant: 'w=2' }]);
    },
  );

  t.test('variants are not queued for an image that goes just before they are written', async (t) => {
    const image = newImage();
    await records.images.create(image);
    const late = met(database, async (command) => {
      if (command === 'TransactWriteItemsCommand') await records.images.remove(image.id);
    });
    t.same(await late.variants.queue(image.id, 'v1', ['w=1']), []);
  });

  t.test('a related image that is removed meanwhile is refused, and not counted', async (t) => {
    const image = newImage();
    await records.images.create(image);
    await records.collections.create({ id: image.id, name: 'x', createdAt: image.createdAt });
    const late = met(database, async (command) => {
      if (command === 'TransactWriteItemsCommand') await records.images.remove(image.id);
    });
    t.same(await late.collections.relate(image.id, [image.id]), { refused: 'image_absent', ids: [image.id] });
    t.match(await records.collections.get(image.id), { count: 0 });
  });
}

function pageCases(database: RecordsEmulator): void {
  const records = new DynamoRecords(database.dynamodb, database.table);

  t.test('a list that DynamoDB cuts at 1 MB leaves nothing out', async (t) => {
    const images = Array.from({ length: 160 }, (_, n) =>
      newImage(`big-${n}`, new Date(2e12 + n).toISOString()),
    );
    const description = 'x'.repeat(15_000);
    await each(images, (image) =>
      records.images.create(image.id.endsWith('0') ? image : { ...image, status: 'failed', description }),
    );
    const seen: string[] = [];
    for (let cursor: string | undefined, more = true; more; more = cursor !== undefined) {
      const page = await records.images.list({ limit: 100, ...(cursor !== undefined && { cursor }) });
      t.ok(page.items.length <= 100);
      seen.push(...page.items.map(({ id }) => id).filter((id) => id.startsWith('big-')));
      cursor = page.next;
    }
    t.same(seen, images.map(({ id }) => id).reverse());
  });
}

function formerCases(database: RecordsEmulator): void {
  const records = new DynamoRecords(database.dynamodb, database.table);

  t.test(
    'images of a former program are found by prefix after a round, and looked for until there are none',
    async (t) => {
      const statuses = ['completed', 'failed', 'uploading'] as const;
      const images = statuses.map((status, n) => ({ ...newImage(`former/${n}`), status }));
      await each([...images, newImage('former/gone'), newImage('former/owing')], (image) =>
        records.images.create(image),
      );
      await records.images.update('former/owing', 1, { owed: { token: 'x', purge: true } });
      await records.images.bury('former/gone', { token: 'x', delete: 'all' });
      const ids = [...images.map(({ id }) => id), 'former/owing'];
      for (const id of ids)
        await database.dynamodb.send(
          new UpdateItemCommand({
            TableName: database.table,
            Key: { pk: { S: `image#${id}` }, sk: { S: 'image' } },
            UpdateExpression: 'REMOVE gsi2pk',
          }),
        );
      const found = async () =>
        (await records.images.list({ limit: 9, prefix: 'former/' })).items.map(({ id }) => id);
      const before = await records.images.get('former/owing');
      t.same(await found(), []);
      t.equal(await records.images.indexFormer(records.progress), ids.length);
      t.same(await found(), ids);
      t.same(await records.images.get('former/owing'), before, 'nothing else of it changes');
      t.equal(await records.images.indexFormer(records.progress), 0);
      let queries = 0;
      const later = met(database, (command) => command === 'QueryCommand' && queries++);
      t.equal(await later.images.indexFormer(later.progress), 0);
      t.equal(queries, 0, 'never again');
    },
  );
}

function throttleCases(database: RecordsEmulator): void {
  const records = new DynamoRecords(database.dynamodb, database.table);

  t.test('keys that a throttled table leaves out of a batch are asked for again', async (t) => {
    const images = Array.from({ length: 7 }, () => newImage());
    for (const image of images) await records.images.create(image);
    const ids = images.map(({ id }) => id);
    await records.collections.create({ id: 'throttled', name: 'x', createdAt: new Date().toISOString() });
    const { client, batches } = throttled(database);
    const slow = new DynamoRecords(client, database.table);
    t.same(
      await slow.collections.relate('throttled', ids),
      await records.collections.relate('throttled', ids),
    );
    const { items } = await slow.images.list({ limit: 10, collection: 'throttled' });
    t.same(items.map(({ id }) => id).sort(), [...ids].sort());
    t.ok(batches() > 7, 'it was throttled');
  });
}

function countCases(database: RecordsEmulator): void {
  t.test('counts of a list are read for half the units, and those of one image as they stand', async (t) => {
    const client = new DynamoDBClient({ ...identity, endpoint: database.endpoint });
    t.teardown(() => client.destroy());
    const queries: unknown[] = [];
    client.middlewareStack.add((next, context) => async (args) => {
      if (context.commandName === 'QueryCommand') queries.push(args.input);
      return next(args);
    });
    const { images, variants } = new DynamoRecords(client, database.table);
    const ids = [newImage(), newImage()].map(({ id }) => id);
    for (const id of ids) {
      await images.create(newImage(id));
      await variants.queue(id, 'v1', ['w=1', 'w=2'], { 'w=1': ['a long text'] });
    }
    queries.length = 0;
    const counts = { done: 0, total: 2 };
    t.same(await variants.counts(ids), [counts, counts]);
    t.same(await variants.counts(ids.slice(0, 1)), [counts]);
    const isConsistent = queries.map((query) => Reflect.get(Object(query), 'ConsistentRead'));
    t.same(isConsistent, [false, false, true]);
    for (const query of queries) t.ok(Reflect.get(Object(query), 'ProjectionExpression'));
  });
}

/** Of each batch only the first key is looked at. */
function throttled({ endpoint, table }: RecordsEmulator): { client: DynamoDBClient; batches: () => number } {
  const client = new DynamoDBClient({ ...identity, endpoint });
  t.teardown(() => client.destroy());
  let count = 0;
  client.middlewareStack.add((next, context) => async (args) => {
    if (context.commandName !== 'BatchGetItemCommand') return next(args);
    count += 1;
    const { input } = args as { input: BatchGetItemCommandInput };
    const [first, ...rest] = input.RequestItems?.[table]?.Keys ?? [];
    const RequestItems = { [table]: { ...input.RequestItems?.[table], Keys: first ? [first] : [] } };
    const answer = await next({ ...args, input: { ...input, RequestItems } });
    if (rest.length) Object.assign(answer.output, { UnprocessedKeys: { [table]: { Keys: rest } } });
    return answer;
  });
  return { client, batches: () => count };
}

/** Sort keys of all that is stored of an image. */
async function itemsOf({ dynamodb, table }: RecordsEmulator, id: string): Promise<(string | undefined)[]> {
  const query = new QueryCommand({
    TableName: table,
    KeyConditionExpression: 'pk = :pk',
    ExpressionAttributeValues: { ':pk': { S: `image#${id}` } },
  });
  return ((await dynamodb.send(query)).Items ?? []).map(({ sk }) => sk?.S);
}

function named(name: string): Error {
  return Object.assign(new Error(name), { name });
}
