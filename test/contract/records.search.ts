import { randomUUID } from 'node:crypto';
import type { ImageQuery } from '../../server/stores/images.ts';
import type { Records } from '../../server/stores/stores.ts';
import { type Case, each, newImage, present, rejection } from './suite.ts';

/** All pages of a search, by the ids of their images. */
async function found(records: Records, query: Omit<ImageQuery, 'limit'>, limit = 4): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await records.images.list({ ...query, limit, ...(cursor !== undefined && { cursor }) });
    ids.push(...page.items.map(({ id }) => id));
    cursor = page.next;
  } while (cursor !== undefined);
  return ids;
}

/** By their bytes, as RFC 3629 lets UTF-8 be ordered; by its UTF-16 `😀` would stand before `ﬀ`. */
const bytewise = (ids: readonly string[]): string[] =>
  [...ids].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));

export function searchCases(it: Case, records: Records): void {
  it('finds the images whose id begins with a prefix, in the order of ids', async (t) => {
    const folder = randomUUID();
    const names = ['', '/', '/a', '/a/b', '/A', '/ﬀ.jpg', '/😀.jpg', '/50%_off', '/z', '0'];
    const mine = names.map((name) => `${folder}${name}`);
    // Each of another time: by time, lists of other cases are compared as JavaScript sorts.
    const images = mine.map((id, n) => newImage(id, new Date(1.1e12 + n).toISOString()));
    await each(images, (image) => records.images.create(image));
    t.same(await found(records, { prefix: folder }), bytewise(mine));
    t.same(
      await found(records, { prefix: `${folder}/` }),
      bytewise(mine.filter((id) => id.startsWith(`${folder}/`))),
    );
    t.same(await found(records, { prefix: `${folder}/50%_` }), [`${folder}/50%_off`]);
    t.same(await found(records, { prefix: `${folder}/nothing` }), []);
    for (const limit of [1, 3, 10, 100])
      t.same(await found(records, { prefix: folder }, limit), bytewise(mine), `pages of ${limit}`);
  });

  it('finds a text in ids and titles, in either case, newest first', async (t) => {
    const mark = randomUUID();
    const titles = [`Café ${mark}`, `CAFE\u0301 ${mark}`, undefined, `tea ${mark}`];
    const mine = titles.map((title, n) => ({
      ...newImage(`${mark}-${n}-Photo`, new Date(1e12 + n).toISOString()),
      ...(title !== undefined && { title }),
    }));
    await each(mine, (image) => records.images.create(image));
    const of = (...numbers: number[]) => numbers.map((n) => `${mark}-${n}-Photo`);
    t.same(await found(records, { text: mark.toUpperCase() }, 3), of(3, 2, 1, 0));
    t.same(await found(records, { text: `café ${mark}` }), of(1, 0));
    t.same(await found(records, { text: `${mark}-2-pHOTO` }), of(2));
    t.same(await found(records, { text: `%${mark}` }), [], 'no letter has a meaning');
  });

  it('combines prefix, text, collection and status', async (t) => {
    const folder = randomUUID();
    await records.collections.create({ id: folder, name: 'x', createdAt: new Date().toISOString() });
    const mine = Array.from({ length: 12 }, (_, n) => `${folder}/${n % 2 ? 'odd' : 'even'}-${n}`);
    await each(mine, (id) => records.images.create(newImage(id)));
    await each(mine.slice(0, 6), (id) => records.images.update(id, 1, { status: 'failed' }));
    await records.collections.relate(folder, mine.slice(3, 9));
    const wanted = mine.slice(3, 6).filter((id) => id.includes('odd'));
    const query = { collection: folder, status: 'failed', text: 'ODD' } as const;
    t.same((await found(records, query)).sort(), wanted);
    t.same(await found(records, { ...query, prefix: `${folder}/` }), bytewise(wanted));
    const [shown] = (await records.images.list({ limit: 1, prefix: `${folder}/`, collection: folder })).items;
    t.equal(shown?.collection, folder, 'records are whole');
  });

  it('does not find what is being deleted, and goes on behind what has gone', async (t) => {
    const folder = randomUUID();
    const mine = Array.from({ length: 6 }, (_, n) => `${folder}/${n}`);
    await each(mine, (id) => records.images.create(newImage(id)));
    await records.images.bury(`${folder}/1`, { token: 'x', delete: 'all' });
    const first = await records.images.list({ limit: 2, prefix: folder });
    t.same(
      first.items.map(({ id }) => id),
      [`${folder}/0`, `${folder}/2`],
    );
    await records.images.remove(`${folder}/2`);
    const rest = await records.images.list({ limit: 9, prefix: folder, cursor: present(first.next) });
    t.same(
      rest.items.map(({ id }) => id),
      [`${folder}/3`, `${folder}/4`, `${folder}/5`],
    );
  });

  it('a cursor of another list is refused by name', async (t) => {
    const cursor = Buffer.from('{"at":"2020","id":"a"}').toString('base64url');
    t.match(await rejection(records.images.list({ limit: 1, prefix: 'a', cursor })), {
      code: 'invalid_parameter',
      facts: { param: 'cursor' },
    });
  });

  it('a cursor that is longer than anything here is refused by name, or finds nothing', async (t) => {
    const cursorOf = (position: object) => Buffer.from(JSON.stringify(position)).toString('base64url');
    const long = `${randomUUID()}${'é'.repeat(1100)}`;
    const cursors = [cursorOf({ after: long }), cursorOf({ before: long }), cursorOf({ at: long, id: long })];
    const { images, variants, collections } = records;
    const id = randomUUID();
    await images.create(newImage(id));
    const lists = cursors.flatMap((cursor) => [
      () => images.list({ limit: 1, prefix: id, cursor }),
      () => images.list({ limit: 1, cursor }),
      () => images.list({ limit: 1, collection: id, cursor }),
      () => variants.page(id, { limit: 1, cursor }),
      () => collections.list({ limit: 1, cursor }),
    ]);
    for (const list of lists) {
      const error = await list().then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      if (error) t.match(error, { code: 'invalid_parameter', facts: { param: 'cursor' } });
    }
  });
}
