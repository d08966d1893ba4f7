import t from 'tap';
import { resultKey, resultPrefix } from '../../../server/core/query/id.ts';
import type { Result } from '../../../server/reading/result.ts';
import { ResultCache } from '../../../server/reading/result-cache.ts';

function result(bytes: number, version = 'v1'): Result {
  return {
    id: 'a',
    canonical: 'w=1',
    version,
    etag: version,
    contentType: 'image/webp',
    bytes: Buffer.alloc(bytes),
    lastModified: new Date(0),
    width: 1,
    height: 1,
    warnings: [],
  };
}

t.test('keeps what was asked for last, within its bytes', async (t) => {
  const cache = new ResultCache(100_000);
  for (const key of ['a', 'b', 'c', 'd']) cache.set(key, result(20_000));
  cache.get('a', 'v1');
  cache.set('e', result(20_000));
  t.same(
    ['a', 'b', 'c', 'd', 'e'].filter((key) => cache.has(key)),
    ['a', 'c', 'd', 'e'],
  );
  t.match(cache.load, { results: 4, bytes: 88_000 });
});

t.test('one result takes a quarter of it at most', async (t) => {
  const cache = new ResultCache(100_000);
  for (const key of ['a', 'b', 'c']) cache.set(key, result(20_000));
  cache.set('large', result(25_000));
  t.notOk(cache.has('large'), 'with what is beside its bytes it is more than a quarter');
  t.equal(cache.load.results, 3, 'and pushes no other out');
});

t.test('a result of another version is forgotten by who asks for it, not by who only looks', async (t) => {
  const cache = new ResultCache(100_000);
  cache.set('a', result(10, 'v1'));
  t.equal(cache.versionAt('a'), 'v1');
  cache.drop('a', 'v2');
  t.equal(cache.get('a', 'v1')?.version, 'v1', 'nor by who drops another one');
  t.equal(cache.get('a', 'v2'), undefined);
  t.notOk(cache.has('a'));
  cache.set('a', result(10, 'v2'));
  cache.drop('a', 'v2');
  t.notOk(cache.has('a'));
});

t.test('forgets the results of an image, and none of those whose ids begin with its own', async (t) => {
  const cache = new ResultCache(100_000);
  const ids = ['a/b', 'a/b/c', 'a/bc', 'a', 'b'];
  for (const id of ids) for (const query of ['w=1', 'w=2']) cache.set(resultKey(id, query), result(10));
  t.equal(cache.forget(resultPrefix('a/b')), 2);
  t.same(
    ids.filter((id) => cache.has(resultKey(id, 'w=1')) || cache.has(resultKey(id, 'w=2'))),
    ['a/b/c', 'a/bc', 'a', 'b'],
  );
});
