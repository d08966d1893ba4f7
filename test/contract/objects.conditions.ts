import { createHash, randomBytes } from 'node:crypto';
import type { Objects } from '../../server/stores/objects.ts';
import { bytesOf, type Case, pieces, png, present } from './suite.ts';

/** Writes on condition, and copies. */
export function conditionCases(it: Case, objects: Objects, fresh: () => string): void {
  const textOf = async (key: string) =>
    (await bytesOf((await objects.get(key))?.body ?? pieces([]))).toString();

  it('ifMatch replaces the object that has this ETag, and no other', async (t) => {
    const key = `${fresh()}/a`;
    const first = present(await objects.put(key, Buffer.from('one'), png));
    const second = await objects.put(key, Buffer.from('two'), { ...png, ifMatch: first.etag });
    t.equal(await textOf(key), 'two');
    for (const body of [Buffer.from('three'), pieces(['three'])])
      t.equal(await objects.put(key, body, { ...png, ifMatch: first.etag }), undefined);
    t.equal((await objects.head(key))?.etag, second?.etag, 'what was there stays');
    await objects.remove([key]);
    t.equal(await objects.put(key, Buffer.from('four'), { ...png, ifMatch: first.etag }), undefined);
    t.equal(await objects.head(key), undefined, 'nor does it make one');
  });

  it('of 20 writers with ifMatch at once, one wins', async (t) => {
    const key = `${fresh()}/a`;
    const { etag: ifMatch } = present(await objects.put(key, Buffer.from('start'), png));
    const bodies = Array.from({ length: 20 }, (_, n) => Buffer.from(`writer ${n}`));
    const written = await Promise.all(bodies.map((body) => objects.put(key, body, { ...png, ifMatch })));
    const winners = written.flatMap((facts, n) => (facts ? [n] : []));
    t.equal(winners.length, 1);
    t.equal(await textOf(key), `writer ${winners[0]}`);
  });

  it('copies bytes, type, cache control and metadata', async (t) => {
    const [from, to] = [`${fresh()}/a b+é.png`, `${fresh()}/to`];
    const bytes = randomBytes(300_000);
    const metadata = { version: 'abc', umlaut: 'Zürich' };
    await objects.put(from, bytes, { ...png, cacheControl: 'max-age=60', metadata });
    const copied = present(await objects.copy(from, to));
    t.match(copied, { key: to, etag: createHash('md5').update(bytes).digest('hex'), size: bytes.length });
    const found = present(await objects.get(to));
    t.match(found, { contentType: 'image/png', cacheControl: 'max-age=60', metadata });
    t.ok(bytes.equals(await bytesOf(found.body)));
    t.ok(await objects.head(from), 'the source stays');
  });

  it('copies nothing from a key that is not there', async (t) => {
    const to = `${fresh()}/to`;
    t.equal(await objects.copy(`${fresh()}/none`, to), undefined);
    t.equal(await objects.head(to), undefined);
  });

  it('copies on condition of what lies at the other end', async (t) => {
    const [from, to] = [`${fresh()}/from`, `${fresh()}/to`];
    await objects.put(from, Buffer.from('new'), png);
    const old = present(await objects.put(to, Buffer.from('old'), png));
    t.equal(await objects.copy(from, to, { ifAbsent: true }), undefined);
    t.equal(await textOf(to), 'old');
    t.ok(await objects.copy(from, to, { ifMatch: old.etag }));
    t.equal(await textOf(to), 'new');
    t.equal(await objects.copy(from, to, { ifMatch: old.etag }), undefined);
    await objects.remove([to]);
    t.ok(await objects.copy(from, to, { ifAbsent: true }));
  });
}
