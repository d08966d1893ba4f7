import { randomUUID } from 'node:crypto';
import type { Test } from 'tap';
import type { ImageQuery, ImageRecord } from '../../server/stores/images.ts';
import type { Jobs } from '../../server/stores/jobs.ts';
import type { Records } from '../../server/stores/stores.ts';
import { waitFor } from '../support/wait.ts';
import { answerCases } from './records.answers.ts';
import { collectionCases } from './records.collections.ts';
import { owedCases } from './records.owed.ts';
import { searchCases } from './records.search.ts';
import { toldCases } from './records.told.ts';
import { variantCases } from './records.variants.ts';
import { type Case, each, type Gaps, newImage, present, rejection, suite } from './suite.ts';

export interface RecordsUnderTest {
  records: Records;
  /** Where the records take jobs along: the queue that they go to. */
  jobs?: Jobs;
  unreachable: Records;
  gaps: Gaps;
  /** Cases that may run at a time; 4 when not given. */
  atOnce?: number;
}

/** Cases share one store and have ids of their own. */
export function recordsSuite(t: Test, title: string, under: RecordsUnderTest): Promise<unknown> {
  return suite(t, title, { gaps: under.gaps, atOnce: under.atOnce ?? 4 }, (it) => {
    imageCases(it, under.records);
    listCases(it, under.records);
    searchCases(it, under.records);
    owedCases(it, under.records);
    toldCases(it, under);
    variantCases(it, under.records);
    collectionCases(it, under.records);
    leaseCases(it, under.records);
    answerCases(it, under.records);

    it('answers a ping', async (t) => {
      await t.resolves(under.records.ping());
    });

    it('an unreachable backend is a Problem with a cause', async (t) => {
      for (const call of callsOf(under.unreachable)) {
        const error = await rejection(call());
        t.match(error, { code: 'store_unavailable' });
        t.ok(error instanceof Error && error.cause instanceof Error);
      }
    });
  });
}

function imageCases(it: Case, records: Records): void {
  it('keeps all that is known of an image', async (t) => {
    const original = { contentType: 'image/jpeg', format: 'jpeg', bytes: 1, width: 4, height: 3, frames: 1 };
    const image = {
      ...newImage(),
      title: 'Zürich "写真"',
      description: '',
      focal: { x: 0.25, y: 1 / 3 },
      original: { ...original, placeholder: 'aGk=', color: '#aabbcc' },
      webhook: 'https://example.com/hook?a=b',
      error: 'none',
      generation: 2,
    };
    const before = Date.now();
    t.equal(await records.images.create(image), true);
    const { revision, updatedAt, ...rest } = present(await records.images.get(image.id));
    t.same(rest, image);
    t.equal(revision, 1);
    t.ok(Date.parse(updatedAt) >= before && Date.parse(updatedAt) <= Date.now());
    t.equal(new Date(updatedAt).toISOString(), updatedAt);
  });

  it('an image that is not there is undefined', async (t) => {
    t.equal(await records.images.get(randomUUID()), undefined);
    t.equal(await records.images.remove(randomUUID()), undefined);
    t.equal(await records.images.update(randomUUID(), 1, { title: 'x' }), undefined);
  });

  it('of 20 creators of an id at once, one is told true, and its image stays', async (t) => {
    const id = randomUUID();
    const titles = Array.from({ length: 20 }, (_, n) => `${n}`);
    const created = await Promise.all(
      titles.map((title) => records.images.create({ ...newImage(id), title })),
    );
    t.equal(created.filter(Boolean).length, 1);
    t.equal((await records.images.get(id))?.title, titles[created.indexOf(true)]);
  });

  it('an update sets fields, removes those that are undefined, and leaves the rest', async (t) => {
    const { id } = await created(records, { title: 'old', description: 'kept', error: 'gone soon' });
    const change = { status: 'completed', title: 'new', error: undefined, focal: { x: 0, y: 1 } } as const;
    const updated = present(await records.images.update(id, 1, change));
    t.match(updated, { title: 'new', description: 'kept', status: 'completed', revision: 2, version: 'v1' });
    t.notOk('error' in updated);
    t.same(await records.images.get(id), updated);
    const again = present(await records.images.update(id, 2, { status: undefined, focal: undefined }));
    t.equal(again.status, 'completed', 'there is always a status');
    t.notOk('focal' in again);
    t.ok(again.updatedAt >= updated.updatedAt);
  });

  it('that results became smaller is no update of the image', async (t) => {
    const { id } = await created(records);
    const { updatedAt } = present(await records.images.get(id));
    await waitFor(() => Date.now() > Date.parse(updatedAt));
    const smaller = present(await records.images.update(id, 1, { upgraded: 1 }));
    t.match(smaller, { upgraded: 1, revision: 2, updatedAt });
    t.same(await records.images.get(id), smaller);
    const renamed = present(await records.images.update(id, 2, { upgraded: 2, title: 'x' }));
    t.ok(renamed.updatedAt > updatedAt);
  });

  it('an update for a revision that has passed writes nothing', async (t) => {
    const { id } = await created(records, { title: 'one' });
    await records.images.update(id, 1, { title: 'two' });
    for (const revision of [0, 1, 3])
      t.equal(await records.images.update(id, revision, { title: 'x' }), undefined);
    t.match(await records.images.get(id), { title: 'two', revision: 2 });
  });

  it('of 20 updates of one revision at once, one is applied', async (t) => {
    const { id } = await created(records);
    const titles = Array.from({ length: 20 }, (_, n) => `${n}`);
    const results = await Promise.all(titles.map((title) => records.images.update(id, 1, { title })));
    const applied = results.filter((result) => result !== undefined);
    t.equal(applied.length, 1);
    t.same(await records.images.get(id), applied[0]);
  });

  it('removing an image gives it back as it was, once', async (t) => {
    const image = await created(records, { title: 'mine' });
    const removed = await Promise.all([1, 2, 3].map(() => records.images.remove(image.id)));
    t.same(removed.filter(Boolean), [image]);
    t.equal(await records.images.get(image.id), undefined);
    t.equal(await records.images.update(image.id, 1, { title: 'x' }), undefined);
  });

  it('removing an image as it was read leaves one that was written since, or is another one', async (t) => {
    const read = await created(records, { title: 'mine' });
    const written = present(await records.images.update(read.id, 1, { title: 'theirs' }));
    t.equal(await records.images.remove(read.id, read), undefined);
    const later = new Date(Date.parse(read.createdAt) + 1).toISOString();
    t.equal(await records.images.remove(read.id, { ...written, createdAt: later }), undefined);
    t.same(await records.images.get(read.id), written);
    const removed = await Promise.all([1, 2, 3].map(() => records.images.remove(read.id, written)));
    t.same(removed.filter(Boolean), [written]);
    t.equal(await records.images.get(read.id), undefined);
    t.equal(await records.images.remove(read.id, written), undefined);
  });

  it('stalled finds unfinished images not written to since, and only those', async (t) => {
    const statuses = ['uploading', 'uploaded', 'processing', 'completed', 'partial', 'failed'] as const;
    const ids = new Map<string, string>();
    for (const status of statuses) {
      const { id } = await created(records, { status: 'uploading' });
      await records.images.update(id, 1, { status });
      ids.set(id, status);
    }
    const ours = async (before: Date) => {
      const found = await allStalled(records, before);
      return found.flatMap(({ id, status }) => (ids.get(id) === status ? status : [])).sort();
    };
    t.same(await ours(new Date(Date.now() - 3_600_000)), []);
    t.same(await ours(new Date(Date.now() + 3_600_000)), ['processing', 'uploaded', 'uploading']);
    const hence = new Date(Date.now() + 3_600_000);
    const page = await records.images.stalled({ before: hence, ahead: hence, limit: 2 });
    t.ok(page.items.length <= 2 && page.next !== undefined);
  });

  it('stalled leaves an announced upload out until its form is closed', async (t) => {
    const openUntil = new Date(Date.now() + 3_600_000).toISOString();
    const { id } = await created(records, { status: 'uploading', openUntil });
    const isThere = async (ms: number) =>
      (await allStalled(records, new Date(Date.parse(openUntil) + ms))).some((image) => image.id === id);
    t.equal(await isThere(-1_000), false);
    t.equal(await isThere(1_000), true);
    await records.images.update(id, 1, { status: 'uploaded' });
    t.equal(await isThere(-1_000), true, 'the bytes have come: nobody waits for the form any more');
  });

  it('stalled has each image once, and many of one status hide none of another', async (t) => {
    const ids = new Set<string>();
    const make = async (status: 'uploading' | 'uploaded' | 'processing', createdAt?: string) =>
      ids.add((await created(records, { status, ...(createdAt && { createdAt }) })).id);
    await make('processing', '2020-01-01T00:00:00.000Z');
    await each(Array.from({ length: 25 }), () => make('uploading'));
    await make('uploaded');
    const found = await allStalled(records, new Date(Date.now() + 3_600_000), 10);
    t.same(found.flatMap(({ id }) => (ids.has(id) ? id : [])).sort(), [...ids].sort());
  });
}

function listCases(it: Case, records: Records): void {
  it('lists newest first, then by id, through as many pages as it takes', async (t) => {
    const prefix = randomUUID();
    const times = Array.from({ length: 130 }, (_, n) =>
      new Date(2e12 + 1000 * Math.floor(n / 3)).toISOString(),
    );
    const mine = times.map((path, n) => newImage(`${prefix}-${(n * 7) % 130}`, path));
    await each(mine, (image) => records.images.create(image));
    await each(mine.slice(0, 65), ({ id }) => records.images.update(id, 1, { status: 'completed' }));
    const listed = await all(records, { limit: 20 });
    t.same(ours(listed, prefix), byTime(mine));
    const keys = listed.map(({ createdAt, id }) => createdAt + id);
    t.same(keys, [...keys].sort().reverse(), 'all of the list is in order');
    t.same(ours(await all(records, { limit: 100 }), prefix), byTime(mine), 'whatever the size of the page');
  });

  it('filters by collection and status, alone and together', async (t) => {
    const prefix = randomUUID();
    await records.collections.create({ id: prefix, name: 'x', createdAt: new Date().toISOString() });
    const mine = Array.from({ length: 120 }, (_, n) =>
      newImage(`${prefix}-${n}`, new Date(1e12 + n).toISOString()),
    );
    await each(mine, (image) => records.images.create(image));
    const failed = mine.filter((_, n) => n % 3 === 0);
    const related = mine.filter((_, n) => n % 4 === 0);
    await each(failed, ({ id }) => records.images.update(id, 1, { status: 'failed' }));
    await records.collections.relate(
      prefix,
      related.map(({ id }) => id),
    );
    const found = async (query: { collection?: string; status?: 'failed' | 'uploaded' }) =>
      ours(await all(records, { limit: 7, ...query }), prefix);
    t.same(await found({ status: 'failed' }), byTime(failed));
    t.same(await found({ collection: prefix }), byTime(related));
    const both = related.filter((image) => failed.includes(image));
    t.same(await found({ collection: prefix, status: 'failed' }), byTime(both));
    t.same(await found({ collection: randomUUID() }), []);
    const page = await records.images.list({ limit: 5, collection: prefix });
    t.ok(
      page.items.every(({ collection }) => collection === prefix),
      'records are whole',
    );
  });

  it('a cursor goes on behind its place though images come, change and go', async (t) => {
    const collection = randomUUID();
    await records.collections.create({ id: collection, name: 'x', createdAt: new Date().toISOString() });
    const mine = Array.from({ length: 8 }, (_, n) =>
      newImage(`${collection}-${n}`, new Date(1e12 + n * 10).toISOString()),
    );
    await each(mine, (image) => records.images.create(image));
    const ids = byTime(mine);
    await records.collections.relate(collection, ids);
    const first = await records.images.list({ limit: 3, collection });
    t.same(
      first.items.map(({ id }) => id),
      ids.slice(0, 3),
    );
    await records.images.remove(ids[2] ?? '');
    await records.images.update(ids[4] ?? '', 1, { status: 'partial' });
    const late = newImage(`${collection}-late`, new Date(1e12 + 15).toISOString());
    await records.images.create(late);
    await records.collections.relate(collection, [late.id]);
    const rest = await records.images.list({ limit: 100, collection, cursor: present(first.next) });
    t.same(
      rest.items.map(({ id }) => id),
      [...ids.slice(3, 6), late.id, ...ids.slice(6)],
    );
    t.equal(rest.next, undefined);
  });

  it('a cursor that is not ours is refused by name', async (t) => {
    for (const cursor of ['', 'x', 'e30', Buffer.from('{"at":1,"id":"a"}').toString('base64url')]) {
      const expected = { code: 'invalid_parameter', facts: { param: 'cursor' } };
      t.match(await rejection(records.images.list({ limit: 1, cursor })), expected);
      t.match(await rejection(records.images.list({ limit: 1, cursor, collection: 'c' })), expected);
      t.match(await rejection(records.collections.list({ limit: 1, cursor })), expected);
    }
  });
}

function leaseCases(it: Case, records: Records): void {
  it('keeps how far work has come, each name for itself, as it was written last', async (t) => {
    const [name, other] = [randomUUID(), randomUUID()];
    t.equal(await records.progress.get(name), undefined);
    await records.progress.put(name, '{"cursor":"a\u0000ü"}');
    await records.progress.put(other, '');
    t.equal(await records.progress.get(name), '{"cursor":"a\u0000ü"}');
    await records.progress.put(name, 'b');
    t.equal(await records.progress.get(name), 'b');
    t.equal(await records.progress.get(other), '');
  });

  it('of 10 writers at once, each changes what the one before has written', async (t) => {
    const name = randomUUID();
    const add = (n: number) => (before?: string) => JSON.stringify([...JSON.parse(before ?? '[]'), n]);
    t.equal(await records.progress.update(name, add(-1)), '[-1]');
    const written = await Promise.all(
      Array.from({ length: 10 }, (_, n) => records.progress.update(name, add(n))),
    );
    const last: number[] = JSON.parse((await records.progress.get(name)) ?? '');
    t.same([...last].sort(), [-1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 'none is lost, none counts twice');
    t.same(new Set(written.map((value) => JSON.parse(value).length)).size, 10);
  });

  it('of 50 owners at once, one gets the lease', async (t) => {
    const name = randomUUID();
    const owners = Array.from({ length: 50 }, (_, n) => `owner ${n}`);
    const got = await Promise.all(owners.map((owner) => records.locks.lease(name, owner, 30)));
    t.equal(got.filter(Boolean).length, 1);
    t.equal(await records.locks.lease(name, owners[got.indexOf(true)] ?? '', 30), true, 'and may renew it');
  });

  it('a lease ends with its time, which a renewal moves', async (t) => {
    const name = randomUUID();
    const other = randomUUID();
    t.equal(await records.locks.lease(name, 'a', 1), true);
    t.equal(await records.locks.lease(name, 'a', 300), true);
    t.equal(await records.locks.lease(other, 'a', 1), true);
    await waitFor(() => records.locks.lease(other, 'b', 300));
    t.equal(await records.locks.lease(other, 'a', 1), false, 'the first owner has lost it');
    t.equal(await records.locks.lease(name, 'b', 1), false, 'the renewed one holds');
  });

  it('only its owner can release a lease', async (t) => {
    const name = randomUUID();
    await records.locks.lease(name, 'a', 30);
    await records.locks.release(name, 'b');
    t.equal(await records.locks.lease(name, 'b', 30), false);
    await records.locks.release(name, 'a');
    t.equal(await records.locks.lease(name, 'b', 30), true);
    await records.locks.release(randomUUID(), 'a');
  });
}

async function created(records: Records, fields: Partial<ReturnType<typeof newImage>> | object = {}) {
  const image = { ...newImage(), ...fields };
  await records.images.create(image);
  return present(await records.images.get(image.id));
}

async function all(records: Records, query: ImageQuery): Promise<ImageRecord[]> {
  const page = await records.images.list(query);
  const cursor = page.next;
  return cursor === undefined ? page.items : [...page.items, ...(await all(records, { ...query, cursor }))];
}

function ours(images: { id: string }[], prefix: string): string[] {
  return images.map(({ id }) => id).filter((id) => id.startsWith(prefix));
}

/** Ids in the order of a list. */
function byTime(images: { createdAt: string; id: string }[]): string[] {
  const newestFirst = [...images].sort((a, b) => (a.createdAt + a.id < b.createdAt + b.id ? 1 : -1));
  return newestFirst.map(({ id }) => id);
}

function callsOf(records: Records): (() => Promise<unknown>)[] {
  return [
    () => records.images.create(newImage('a')),
    () => records.images.get('a'),
    () => records.images.update('a', 1, {}),
    () => records.images.remove('a'),
    () => records.images.bury('a', { token: 'a', delete: 'all' }),
    () => records.images.tombstone('a'),
    () => records.images.list({ limit: 1 }),
    () => records.images.stalled({ before: new Date(), ahead: new Date(), limit: 1 }),
    () => records.variants.list('a'),
    () => records.variants.queue('a', 'v1', ['w=1']),
    () => records.variants.update('a', 'w=1', 'v1', ['queued'], { status: 'ready' }),
    () => records.variants.page('a', { limit: 1 }),
    () =>
      records.variants.updateAll('a', [
        { variant: 'w=1', version: 'v1', from: ['queued'], change: { status: 'ready' } },
      ]),
    () => records.variants.remove('a', ['w=1']),
    () => records.collections.create({ id: 'c', name: 'c', createdAt: '' }),
    () => records.collections.get('c'),
    () => records.collections.list({ limit: 1 }),
    () => records.collections.update('c', {}),
    () => records.collections.remove('c'),
    () => records.collections.relate('c', ['a']),
    () => records.collections.unrelate('c', ['a']),
    () => records.locks.lease('l', 'a', 1),
    () => records.locks.release('l', 'a'),
    () => records.progress.get('p'),
    () => records.progress.put('p', 'x'),
    () => records.progress.update('p', () => 'x'),
    () => records.answers.take('k', { owner: 'a', seed: 's', holdSeconds: 1, keepSeconds: 1 }),
    () => records.answers.keep('k', 'a', { request: '', status: 200, headers: {}, body: '' }, 1),
    () => records.answers.release('k', 'a'),
    () => records.ping(),
  ];
}

async function allStalled(records: Records, before: Date, limit = 100): Promise<ImageRecord[]> {
  const found: ImageRecord[] = [];
  for (let cursor: string | undefined, more = true; more; more = cursor !== undefined) {
    const page = await records.images.stalled({
      before,
      ahead: new Date(Date.now() + 3_600_000),
      limit,
      ...(cursor !== undefined && { cursor }),
    });
    found.push(...page.items);
    cursor = page.next;
  }
  return found;
}
