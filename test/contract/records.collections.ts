import { randomUUID } from 'node:crypto';
import type { Collection, Refusal } from '../../server/stores/collections.ts';
import type { Records } from '../../server/stores/stores.ts';
import { type Case, each, newImage, present } from './suite.ts';

export function collectionCases(it: Case, records: Records): void {
  const collectionId = async (fields: Partial<Collection> = {}) => {
    const id = randomUUID();
    await records.collections.create({ id, name: 'Shoes', createdAt: new Date().toISOString(), ...fields });
    return fields.id ?? id;
  };
  const imageIds = async (count: number) => {
    const images = Array.from({ length: count }, () => newImage());
    await each(images, (image) => records.images.create(image));
    return images.map(({ id }) => id);
  };
  const countOf = async (id: string) => (await records.collections.get(id))?.count;
  const placesOf = async (ids: string[]) => {
    const images = await Promise.all(ids.map((id) => records.images.get(id)));
    return images.map((image) => image?.collection);
  };

  it('keeps a collection, whose id is taken once', async (t) => {
    const collection = {
      id: randomUUID(),
      name: 'Zürich',
      description: '写真',
      createdAt: new Date().toISOString(),
    };
    const results = await Promise.all([1, 2, 3].map(() => records.collections.create(collection)));
    t.same(results.filter(Boolean), [true]);
    t.same(await records.collections.get(collection.id), { ...collection, count: 0 });
    t.equal(await records.collections.get(randomUUID()), undefined);
  });

  it('changes name and description, and leaves the count', async (t) => {
    const id = await collectionId({ description: 'old' });
    await records.collections.relate(id, await imageIds(2));
    t.match(await records.collections.update(id, { name: 'New' }), {
      name: 'New',
      description: 'old',
      count: 2,
    });
    const updated = present(await records.collections.update(id, { description: undefined }));
    t.notOk('description' in updated);
    t.same(await records.collections.get(id), updated);
    t.same(await records.collections.update(id, {}), updated);
    t.equal(await records.collections.update(randomUUID(), { name: 'x' }), undefined);
  });

  it('lists collections newest first, through as many pages as it takes', async (t) => {
    const prefix = randomUUID();
    const mine = Array.from({ length: 120 }, (_, n) => ({
      id: `${prefix}-${n}`,
      createdAt: new Date(2e12 + Math.floor(n / 2)).toISOString(),
    }));
    await each(mine, (fields) => collectionId(fields));
    const listed: Collection[] = [];
    for (let cursor: string | undefined, more = true; more; more = cursor !== undefined) {
      const page = await records.collections.list({ limit: 25, ...(cursor !== undefined && { cursor }) });
      listed.push(...page.items);
      cursor = page.next;
    }
    const keys = listed.map(({ createdAt, id }) => createdAt + id);
    t.same(keys, [...keys].sort().reverse());
    t.equal(listed.filter(({ id }) => id.startsWith(prefix)).length, 120);
    t.same(new Set(keys).size, keys.length);
  });

  it('relates up to 50 images, and again without effect', async (t) => {
    const id = await collectionId();
    const ids = await imageIds(50);
    t.match(await records.collections.relate(id, ids.slice(0, 3)), { id, count: 3 });
    t.match(await records.collections.relate(id, ids), { id, name: 'Shoes', count: 50 });
    t.match(await records.collections.relate(id, ids), { id, count: 50 });
    t.same(new Set(await placesOf(ids)), new Set([id]));
    t.match(await records.collections.unrelate(id, ids), { id, count: 0 });
    t.same(new Set(await placesOf(ids)), new Set([undefined]));
  });

  it('neither relating nor unrelating moves the revision', async (t) => {
    const id = await collectionId();
    const [image = ''] = await imageIds(1);
    await records.collections.relate(id, [image]);
    t.match(await records.images.update(image, 1, { title: 'x' }), { revision: 2, collection: id });
    await records.collections.unrelate(id, [image]);
    t.match(await records.images.update(image, 2, { title: 'y' }), { revision: 3, collection: undefined });
  });

  it('refuses with the images concerned, and changes nothing', async (t) => {
    const [mine, other] = [await collectionId(), await collectionId()];
    const [free = '', placed = '', elsewhere = ''] = await imageIds(3);
    await records.collections.relate(mine, [placed]);
    await records.collections.relate(other, [elsewhere]);
    const absent = randomUUID();
    const refusals: [Promise<Collection | Refusal>, Refusal][] = [
      [records.collections.relate(randomUUID(), [free]), { refused: 'collection_absent' }],
      [records.collections.unrelate(randomUUID(), [placed]), { refused: 'collection_absent' }],
      [records.collections.relate(mine, [free, absent, placed]), { refused: 'image_absent', ids: [absent] }],
      [records.collections.unrelate(mine, [absent, placed]), { refused: 'image_absent', ids: [absent] }],
      [
        records.collections.relate(mine, [free, elsewhere]),
        { refused: 'in_another_collection', ids: [elsewhere] },
      ],
      [
        records.collections.unrelate(mine, [placed, free, elsewhere]),
        { refused: 'not_in_collection', ids: [free, elsewhere] },
      ],
    ];
    for (const [result, expected] of refusals) t.same(await result, expected);
    t.same(await placesOf([free, placed, elsewhere]), [undefined, mine, other]);
    t.equal(await countOf(mine), 1);
    t.equal(await countOf(other), 1);
  });

  it('an image goes to one of the collections that want it at once', async (t) => {
    const ids = await imageIds(6);
    const collections = await Promise.all([1, 2, 3].map(() => collectionId()));
    const results = await Promise.all(
      ids.map((image) =>
        Promise.all(collections.map((collection) => records.collections.relate(collection, [image]))),
      ),
    );
    for (const [at, image] of ids.entries()) {
      const won = (results[at] ?? []).filter((result) => 'id' in result);
      t.equal(won.length, 1);
      t.same(
        await placesOf([image]),
        won.map(({ id }) => id),
      );
    }
    const counts = await Promise.all(collections.map(countOf));
    t.equal(
      counts.reduce((sum, count) => (sum ?? 0) + (count ?? 0), 0),
      6,
    );
  });

  it('relations at once to one collection are all made, and all counted', async (t) => {
    const id = await collectionId();
    const ids = await imageIds(12);
    const results = await Promise.all(ids.map((image) => records.collections.relate(id, [image])));
    t.ok(results.every((result) => 'id' in result));
    t.equal(await countOf(id), 12);
    await Promise.all(ids.slice(0, 6).map((image) => records.collections.unrelate(id, [image])));
    t.equal(await countOf(id), 6);
  });

  it('removing an image at once with relating it keeps the count exact', async (t) => {
    const id = await collectionId();
    const ids = await imageIds(8);
    await each(ids, async (image) => {
      const [result, removed] = await Promise.all([
        records.collections.relate(id, [image]),
        records.images.remove(image),
      ]);
      t.ok(removed);
      t.ok('id' in result || result.refused === 'image_absent');
    });
    t.equal(await countOf(id), 0);
    t.equal(await records.collections.remove(id), 'removed');
  });

  it('removes a collection only while it is empty', async (t) => {
    const id = await collectionId();
    const [image = ''] = await imageIds(1);
    await records.collections.relate(id, [image]);
    t.equal(await records.collections.remove(id), 'not_empty');
    await records.images.remove(image);
    t.equal(await records.collections.remove(id), 'removed');
    t.equal(await records.collections.remove(id), 'absent');
    t.equal(await records.collections.get(id), undefined);
  });

  it('a removal at once with a relation has one winner', async (t) => {
    const ids = await imageIds(12);
    await each(ids, async (image) => {
      const id = await collectionId();
      const [result, removal] = await Promise.all([
        records.collections.relate(id, [image]),
        records.collections.remove(id),
      ]);
      const related = 'id' in result;
      t.equal(removal, related ? 'not_empty' : 'removed');
      if (!related) t.same(result, { refused: 'collection_absent' });
      t.same(await placesOf([image]), [related ? id : undefined]);
    });
  });

  it('a list by collection follows what is related, unrelated and removed', async (t) => {
    const id = await collectionId();
    const ids = await imageIds(5);
    await records.collections.relate(id, ids);
    await records.collections.unrelate(id, ids.slice(0, 1));
    await records.images.remove(ids[1] ?? '');
    const { items } = await records.images.list({ limit: 10, collection: id });
    t.same(items.map((image) => image.id).sort(), ids.slice(2).sort());
  });
}
