import { createHash, randomUUID } from 'node:crypto';
import type { Objects } from '../../server/stores/objects.ts';
import { type Case, each, png, rejection } from './suite.ts';

/**
 * The part of the objects suite that speaks of many keys.
 *
 * @param keyCount  of the listing that is paged through, a multiple of 6
 */
export function listingCases(it: Case, objects: Objects, keyCount: number): void {
  const fresh = () => `t/${randomUUID()}`;

  it('remove takes keys that are there and keys that are not, thousands at once', async (t) => {
    const root = fresh();
    const keys = Array.from({ length: 2_100 }, (_, n) => `${root}/${n}`);
    const present = keys.filter((_, n) => n % 300 === 0);
    await each([...present, `${root}/kept`], (key) => objects.put(key, Buffer.from('x'), png));
    await objects.remove(keys);
    const { items } = await objects.list({ prefix: `${root}/`, limit: 10 });
    t.same(
      items.map(({ key }) => key),
      [`${root}/kept`],
    );
    await objects.remove([]);
  });

  it('removeAll clears the results of an image and leaves those of images below it', async (t) => {
    const root = fresh();
    const cleared = ['img/a/w_100', 'img/a/w_200', 'img/a/.x'].map((name) => `${root}/${name}`);
    const kept = ['img/a', 'img/a/b/w_100', 'img/ab/w_100', 'img/b'].map((name) => `${root}/${name}`);
    await each([...cleared, ...kept], (key) => objects.put(key, Buffer.from('x'), png));
    t.equal(await objects.removeAll(`${root}/img/a/`), 3);
    const { items } = await objects.list({ prefix: `${root}/`, limit: 10 });
    t.same(
      items.map(({ key }) => key),
      kept.sort(bytewise),
    );
    t.equal(await objects.removeAll(`${root}/img/a/`), 0);
    t.equal(await objects.removeAll(`${root}/img/a`), 1, 'a prefix may end inside a name');
  });

  it(`pages through ${keyCount} keys in bytewise order and removes them all`, async (t) => {
    const root = fresh();
    const keys = Array.from({ length: keyCount }, (_, n) => `${root}/${n % 2 ? 'k/' : 'k-'}${n}`);
    await each(keys, (key) => objects.put(key, Buffer.from('x'), png));
    const { seen, pages } = await collect(objects, `${root}/`, keyCount / 3);
    t.same(seen, [...keys].sort(bytewise));
    t.equal(pages, 3, 'the last page says that it is the last');
    t.equal(await objects.removeAll(`${root}/k/`), keyCount / 2);
    t.equal(await objects.removeAll(`${root}/`), keyCount / 2);
    t.same(await collect(objects, `${root}/`, 1_000), { seen: [], pages: 1 });
  });

  it('lists size and etag, and keys that start with the prefix only', async (t) => {
    const root = fresh();
    for (const name of ['aa', 'ab/c', 'b']) await objects.put(`${root}/${name}`, Buffer.from('four'), png);
    const { items, next } = await objects.list({ prefix: `${root}/a`, limit: 10 });
    t.same(
      items.map(({ key }) => key),
      [`${root}/aa`, `${root}/ab/c`],
    );
    const etag = createHash('md5').update('four').digest('hex');
    t.ok(items.every((item) => item.size === 4 && item.etag === etag && item.lastModified instanceof Date));
    t.equal(next, undefined);
  });

  it('a cursor goes on behind its place though keys before it come and go', async (t) => {
    const root = fresh();
    for (const name of ['b', 'd', 'f', 'h']) await objects.put(`${root}/${name}`, Buffer.from('x'), png);
    const first = await objects.list({ prefix: `${root}/`, limit: 2 });
    await objects.remove([`${root}/b`, `${root}/d`]);
    for (const name of ['a', 'c', 'g']) await objects.put(`${root}/${name}`, Buffer.from('x'), png);
    const rest = await objects.list({ prefix: `${root}/`, limit: 10, cursor: first.next ?? '' });
    t.same(
      rest.items.map(({ key }) => key.slice(-1)),
      ['f', 'g', 'h'],
    );
  });

  it('a cursor that is not ours is refused by name', async (t) => {
    for (const cursor of ['', '!', 'e30', Buffer.from('{"after":1}').toString('base64url')]) {
      const error = await rejection(objects.list({ prefix: '', limit: 1, cursor }));
      t.match(error, { code: 'invalid_parameter', facts: { param: 'cursor' } });
    }
  });

  it('lists keys in bytewise order, whatever they contain', async (t) => {
    const root = fresh();
    const long = 'x'.repeat(238);
    const names = [
      'a',
      'a!',
      'a-',
      'a/b',
      'a/c',
      'a0',
      'A',
      '.a',
      '~',
      '+',
      '%',
      'é',
      'z',
      '(',
      long,
      `${long}/`,
    ];
    const keys = names.map((name) => `${root}/${name}${name.endsWith('/') ? 'y' : ''}`).sort(bytewise);
    await each(keys, (key) => objects.put(key, Buffer.from('x'), png));
    const { items } = await objects.list({ prefix: `${root}/`, limit: 100 });
    t.same(
      items.map(({ key }) => key),
      keys,
    );
  });
}

async function collect(objects: Objects, prefix: string, limit: number) {
  const seen: string[] = [];
  let pages = 0;
  let cursor: string | undefined;
  do {
    const page = await objects.list({ prefix, limit, ...(cursor !== undefined && { cursor }) });
    seen.push(...page.items.map(({ key }) => key));
    pages++;
    cursor = page.next;
  } while (cursor !== undefined);
  return { seen, pages };
}

function bytewise(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
