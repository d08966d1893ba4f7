import t from 'tap';
import { keysOf, noise } from '../support/api.ts';
import { storedKey } from '../support/results.ts';
import { startServer } from '../support/server.ts';
import { type TestWarmer, warmerOf } from '../support/warmer.ts';

const ABOVE = ['fmt=webp&w=81', 'fmt=webp&w=200', 'fmt=webp&w=800', 'fmt=webp&w=1600', 'fmt=webp&w=8192'];
const PLAIN = 'fmt=webp';

const isSettled = (warmer: TestWarmer) => async () =>
  (await warmer.stores.records.images.get('a'))?.status !== 'processing';

t.test('five warmed widths above that of the original are rendered once and stored once', async (t) => {
  const warmer = await warmerOf(t);
  await warmer.ask('a', await noise(80, 60), [...ABOVE, 'fmt=webp&w=40', 'fmt=webp&h=900&w=900']);
  await warmer.until(isSettled(warmer));
  t.same((await keysOf(warmer.stores.results)).sort(), [
    storedKey('a', PLAIN),
    storedKey('a', 'fmt=webp&w=40'),
  ]);
  const variants = await warmer.variants('a');
  t.same(
    variants.map(({ variant, status, attempts, sameAs }) => [variant, status, attempts, sameAs]),
    ['fmt=webp&h=900&w=900', ...ABOVE, 'fmt=webp&w=40']
      .toSorted()
      .map((name) => [name, 'ready', 1, name === 'fmt=webp&w=40' ? undefined : PLAIN]),
  );
  const stored = await warmer.stores.results.head(storedKey('a', PLAIN));
  for (const { sameAs, bytes } of variants) if (sameAs) t.equal(bytes, stored?.size);
  t.ok((await warmer.stores.records.images.get('a'))?.original?.placeholder, 'its placeholder as well');
  const server = await startServer({ DATA_DIR: warmer.config.dataDir });
  t.teardown(() => server.close());
  for (const name of ABOVE)
    t.match((await server.get(`/img/a/${name}`)).headers.get('x-image-cache'), /^(stored|memory)$/, name);
});

t.test('what is there is not made again, and what is gone is', async (t) => {
  const warmer = await warmerOf(t);
  await warmer.ask('a', await noise(80, 60), [PLAIN]);
  await warmer.until(isSettled(warmer));
  const before = await warmer.stores.results.head(storedKey('a', PLAIN));
  const second = await warmerOf(t, { DATA_DIR: warmer.config.dataDir });
  await second.management.intents.ask('a', { warm: ABOVE });
  await second.until(isSettled(second));
  t.same((await second.stores.results.head(storedKey('a', PLAIN)))?.lastModified, before?.lastModified);
  const named = (await second.variants('a')).filter(({ sameAs }) => sameAs === PLAIN);
  t.same(
    named.map(({ status }) => status),
    ABOVE.map(() => 'ready'),
  );
  await second.management.intents.ask('a', { warm: ABOVE });
  t.equal((await second.stores.jobs.depth()).ready, 0, 'looked for where it lies, nothing is asked');
  await second.stores.results.remove([storedKey('a', PLAIN)]);
  const third = await warmerOf(t, { DATA_DIR: warmer.config.dataDir });
  await third.management.intents.ask('a', { warm: ABOVE });
  t.equal((await third.stores.jobs.depth()).ready, 1);
  await third.until(isSettled(third));
  t.same(await keysOf(third.stores.results), [storedKey('a', PLAIN)]);
});

t.test('what cannot be made fails under each of its names', async (t) => {
  const warmer = await warmerOf(t);
  const whole = await noise(80, 60);
  await warmer.ask('a', whole.subarray(0, whole.length - 400), ABOVE);
  await warmer.until(isSettled(warmer));
  t.same(
    (await warmer.variants('a')).map(({ status, error }) => [status, error !== undefined]),
    ABOVE.map(() => ['failed', true]),
  );
});
