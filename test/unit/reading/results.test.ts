import { setImmediate } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { PIPELINE } from '../../../server/core/version.ts';
import { Results } from '../../../server/reading/results.ts';
import { Problem } from '../../../server/shared/errors.ts';
import { FileObjects } from '../../../server/stores/files/objects.ts';
import type { Objects } from '../../../server/stores/objects.ts';
import { removeFolder, temporaryFolder } from '../../support/folders.ts';
import { result, storedKey } from '../../support/results.ts';
import { altered } from '../../support/warmer.ts';

const KEY = storedKey('a', 'fmt=webp&w=1');

async function opened(t: Test) {
  const folder = await temporaryFolder();
  t.teardown(() => removeFolder(folder));
  const objects = await FileObjects.open(folder);
  return { folder, objects, results: new Results(objects, 'max-age=1') };
}

/** Says one after the other, and the last for good. */
function answers(...given: boolean[]): () => Promise<boolean> {
  let last = given[0] ?? true;
  return async () => {
    last = given.shift() ?? last;
    return last;
  };
}

t.test('what was kept is found with all that is said of it, by its version alone', async (t) => {
  const { results } = await opened(t);
  t.match(await results.keep(result('v1'), answers(true)), { size: 2 });
  const facts = {
    lastModified: new Date(1000),
    width: 1,
    height: 2,
    warnings: ['rect-clamped'],
    version: 'v1',
  };
  t.match(await results.get('a', 'fmt=webp&w=1', 'v1'), { ...facts, bytes: Buffer.from('v1') });
  t.match(await results.head('a', 'fmt=webp&w=1', 'v1'), { ...facts, size: 2 });
  t.equal(await results.get('a', 'fmt=webp&w=1', 'v2'), undefined);
  t.equal(await results.head('a', 'fmt=webp&w=1', 'v2'), undefined);
});

t.test('a result whose version passes while it is written is taken back', async (t) => {
  const { objects, results } = await opened(t);
  t.equal(await results.keep(result('v1'), answers(true, false)), undefined);
  t.equal(await objects.head(KEY), undefined);
});

t.test('what has passed already is not written at all', async (t) => {
  const { objects, results } = await opened(t);
  t.equal(await results.keep(result('v1'), answers(false)), undefined);
  t.equal(await objects.head(KEY), undefined);
});

t.test('one of the same version stays, one of an older version or pipeline is replaced', async (t) => {
  const { objects, results } = await opened(t);
  await results.keep(result('v1', 'first'), answers(true));
  t.match(await results.keep(result('v1', 'second'), answers(true)), { size: 5 });
  t.equal(String((await results.get('a', 'fmt=webp&w=1', 'v1'))?.bytes), 'first');
  await results.keep(result('v2'), answers(true));
  t.equal(String((await results.get('a', 'fmt=webp&w=1', 'v2'))?.bytes), 'v2');
  const metadata = { 'original-version': 'v2', pipeline: `${PIPELINE}-old` };
  await objects.put(KEY, Buffer.from('old pipeline'), { contentType: 'image/webp', metadata });
  t.equal(await results.get('a', 'fmt=webp&w=1', 'v2'), undefined);
  t.match(await results.keep(result('v2'), answers(true)), { size: 2 });
});

t.test(
  'a result of a picture that had none is one write and no look, which S3 would have paid for',
  async (t) => {
    const { objects } = await opened(t);
    const calls: string[] = [];
    const watched = new Proxy(objects, {
      get(target, name) {
        const member = Reflect.get(target, name);
        if (typeof member !== 'function') return member;
        return (...args: unknown[]) => {
          calls.push(String(name));
          return Reflect.apply(member, target, args);
        };
      },
    });
    const results = new Results(watched, 'max-age=1');
    await results.keep(result('v1'), answers(true));
    t.same(calls, ['put']);
    calls.length = 0;
    t.match(await results.keep(result('v1', 'second'), answers(true)), { size: 2 });
    t.same(calls, ['put', 'head'], 'refused, and so looked at');
  },
);

t.test('what somebody else wrote meanwhile is not removed with what is old', async (t) => {
  const { objects, results } = await opened(t);
  let looks = 0;
  const isCurrent = async () => {
    looks += 1;
    if (looks === 2) await results.keep(result('v2'), answers(true));
    return looks === 1;
  };
  t.equal(await results.keep(result('v1'), isCurrent), undefined);
  t.match(await objects.head(KEY), { metadata: { 'original-version': 'v2' } });
  await results.removeOld('a', 'fmt=webp&w=1', 'v1');
  t.ok(await objects.head(KEY));
  await results.removeOld('a', 'fmt=webp&w=1', 'v2');
  t.equal(await objects.head(KEY), undefined);
});

t.test('what is there already is told of where nothing can be written', async (t) => {
  const { objects, folder, results } = await opened(t);
  await results.keep(result('v1', 'first'), answers(true));
  const full = await FileObjects.open(folder, { minFreeBytes: 2 ** 60 });
  const refusing: Objects = altered(objects, {
    put: () => Promise.reject(new Problem('store_unavailable', 'No writes at the moment.')),
  });
  for (const [bucket, code] of [
    [full, 'storage_full'],
    [refusing, 'store_unavailable'],
  ] as const) {
    const there = new Results(bucket, 'max-age=1');
    t.match(await there.keep(result('v1', 'another'), answers(true)), { size: 5 }, code);
    await t.rejects(there.keep(result('v2', 'newer'), answers(true)), { code }, 'of no other version');
  }
});

t.test('of two who replace one of an older version at once, the second is told of the first', async (t) => {
  const { results } = await opened(t);
  await results.keep(result('v1', 'old'), answers(true));
  let looks = 0;
  const gate = Promise.withResolvers<boolean>();
  // The second looks before the first writes, and writes behind it.
  const second = results.keep(result('v2', 'second'), async () => {
    looks += 1;
    return looks === 2 ? gate.promise : true;
  });
  while (looks < 2) await setImmediate();
  t.match(await results.keep(result('v2', 'first'), answers(true)), { size: 5 });
  gate.resolve(true);
  t.match(await second, { size: 5 });
  t.equal(String((await results.get('a', 'fmt=webp&w=1', 'v2'))?.bytes), 'first');
});
