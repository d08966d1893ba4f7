import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import t from 'tap';
import { resultPrefix } from '../../server/core/query/id.ts';
import type { Objects } from '../../server/stores/objects.ts';
import type { Stores } from '../../server/stores/stores.ts';
import { corpusPath } from '../support/corpus.ts';
import { LONG_FORM } from '../support/keys.ts';
import { storedKey } from '../support/results.ts';
import { type TestWarmer, warmerOf as warmer, withPut } from '../support/warmer.ts';
import { overwritten } from './overwrite.ts';

const photograph = await readFile(corpusPath('photos/kodim23.png'));
const other = await readFile(corpusPath('photos/harvesters.jpeg'));

const statusOf = async ({ stores }: TestWarmer, id: string) => (await stores.records.images.get(id))?.status;
const isSettled = (entry: TestWarmer, id: string) => async () =>
  ['completed', 'partial', 'failed'].includes((await statusOf(entry, id)) ?? '');
const keys = async (objects: Objects, id: string) =>
  (await objects.list({ prefix: resultPrefix(id), limit: 1000 })).items.map(({ key }) => key);

t.test(
  'every variant becomes ready, with bytes, time and one attempt; the image has a placeholder',
  async (t) => {
    const testWarmer = await warmer(t);
    await testWarmer.ask('a', photograph, [
      'fmt=webp&w=320',
      'fmt=jpeg&w=320',
      'fmt=webp&w=100',
      'ph=blurhash',
    ]);
    t.equal(await statusOf(testWarmer, 'a'), 'processing');
    await testWarmer.until(isSettled(testWarmer, 'a'));
    const record = await testWarmer.stores.records.images.get('a');
    t.equal(record?.status, 'completed');
    t.match(record?.original, { format: 'png', width: 768, height: 512 });
    t.match(record?.original?.placeholder, /^[A-Za-z0-9+/]+=*$/);
    t.match(record?.original?.color, /^#[0-9a-f]{6}$/);
    for (const variant of await testWarmer.variants('a')) {
      t.match(variant, { status: 'ready', attempts: 1, bytes: Number, ms: Number }, variant.variant);
      const stored = await testWarmer.stores.results.head(storedKey('a', variant.variant));
      t.equal(stored?.size, variant.bytes, variant.variant);
    }
    t.same(await testWarmer.stores.jobs.depth(), { ready: 0, inFlight: 0, dead: 0 });
    t.match(
      testWarmer.lines.find(({ msg }) => msg === 'job'),
      { kind: 'warm', id: 'a', ready: 4, failed: 0, receives: 1, ms: Number, renderMs: Number },
    );
  },
);

t.test(
  'a variant whose key would be longer than S3 takes is skipped, and says why; the others are made',
  async (t) => {
    const testWarmer = await warmer(t);
    const id = 'a'.repeat(700);
    await testWarmer.ask(id, photograph, ['fmt=webp&w=20', LONG_FORM]);
    await testWarmer.until(isSettled(testWarmer, id));
    const told = new Map((await testWarmer.variants(id)).map((variant) => [variant.variant, variant]));
    t.match(told.get('fmt=webp&w=20'), { status: 'ready' });
    t.match(told.get(LONG_FORM), { status: 'skipped', error: /longer than S3 takes/ });
    t.equal((await keys(testWarmer.stores.results, id)).length, 1);
    t.equal(await statusOf(testWarmer, id), 'completed');
  },
);

t.test('what is there for this version is not made again', async (t) => {
  const testWarmer = await warmer(t);
  await testWarmer.ask('a', photograph, ['fmt=webp&w=320']);
  await testWarmer.until(isSettled(testWarmer, 'a'));
  const before = await testWarmer.stores.results.head(storedKey('a', 'fmt=webp&w=320'));
  const two = await warmer(t, { DATA_DIR: testWarmer.config.dataDir });
  const version = (await testWarmer.stores.records.images.get('a'))?.version ?? '';
  // Its variant is lost, its result is not.
  await two.stores.records.variants.update('a', 'fmt=webp&w=320', version, ['ready'], { status: 'queued' });
  await two.management.intents.ask('a', { warm: ['fmt=webp&w=320', 'fmt=webp&w=50'] });
  await two.until(isSettled(two, 'a'));
  t.match(
    two.lines.find(({ msg }) => msg === 'job'),
    { current: 1, ready: 1 },
  );
  const after = await testWarmer.stores.results.head(storedKey('a', 'fmt=webp&w=320'));
  t.same(after?.lastModified, before?.lastModified);
});

t.test('a damaged original fails its variants at once, with the reason', async (t) => {
  const testWarmer = await warmer(t);
  const whole = await sharp(other).resize(600).jpeg().toBuffer();
  await testWarmer.ask('a', whole.subarray(0, whole.length / 2), ['fmt=webp&w=320', 'fmt=webp&w=100']);
  await testWarmer.until(isSettled(testWarmer, 'a'));
  const record = await testWarmer.stores.records.images.get('a');
  t.match(record, { status: 'failed', error: /^damaged_source: / });
  for (const variant of await testWarmer.variants('a')) {
    t.match(variant, { status: 'failed', error: /^damaged_source: /, attempts: 1 });
  }
  t.same(await testWarmer.stores.jobs.depth(), { ready: 0, inFlight: 0, dead: 0 });
});

t.test(
  'a drawing that takes more than its processor time has failed, and is made when it may take more',
  async (t) => {
    const drawing = await readFile(corpusPath('samples/drop-shadow.svg'));
    const patient = await warmer(t, { SVG_MS: '60000' });
    const hurried = await warmer(t, { DATA_DIR: patient.config.dataDir, SVG_MS: '100' });
    await hurried.ask('a', drawing, ['fmt=webp&w=2400']);
    await hurried.until(isSettled(hurried, 'a'));
    t.match(await hurried.variants('a'), [{ status: 'failed', error: /^unrenderable: / }]);
    await patient.management.intents.ask('a', { warm: ['fmt=webp&w=2400'] });
    await patient.until(isSettled(patient, 'a'));
    t.match(await patient.variants('a'), [{ status: 'ready' }]);
  },
);

t.test('a variant that cannot be made fails alone', async (t) => {
  const testWarmer = await warmer(t);
  await testWarmer.ask('a', photograph, [
    'fmt=webp&w=320',
    'fmt=webp&page=9&w=320',
    'fmt=webp&w=320&wm=none',
  ]);
  await testWarmer.until(isSettled(testWarmer, 'a'));
  t.equal(await statusOf(testWarmer, 'a'), 'partial');
  t.match(await testWarmer.variants('a'), [
    { variant: 'fmt=webp&page=9&w=320', status: 'failed', error: /^invalid_parameter: .*page=9/ },
    { variant: 'fmt=webp&w=320', status: 'ready' },
    { variant: 'fmt=webp&w=320&wm=none', status: 'failed', error: /^invalid_parameter: / },
  ]);
});

/** Calls `then` once, when a result has been put and before anyone hears of it. */
function afterPut(then: () => Promise<void>): (stores: Stores) => Stores {
  let once: (() => Promise<void>) | undefined = then;
  return (stores) => {
    const put: Objects['put'] = async (...given) => {
      const facts = await stores.results.put(...given);
      const act = once;
      once = undefined;
      await act?.();
      return facts;
    };
    return { ...stores, results: withPut(stores.results, put) };
  };
}

t.test('a delete during a render leaves nothing behind', async (t) => {
  const testWarmer: TestWarmer = await warmer(
    t,
    {},
    afterPut(() => testWarmer.management.library.remove('a')),
  );
  await testWarmer.ask('a', photograph, ['fmt=webp&w=320', 'fmt=jpeg&w=320', 'fmt=webp&w=100']);
  await testWarmer.until(async () => testWarmer.lines.some(({ msg }) => msg === 'job'));
  t.same(await keys(testWarmer.stores.results, 'a'), []);
  t.same(await testWarmer.stores.records.images.get('a'), undefined);
  t.same(await testWarmer.variants('a'), []);
});

t.test('a result that a late purge takes along as it is stored is made again', async (t) => {
  const testWarmer: TestWarmer = await warmer(
    t,
    {},
    afterPut(async () => {
      await testWarmer.stores.results.removeAll(resultPrefix('a'));
    }),
  );
  await testWarmer.ask('a', photograph, ['fmt=webp&w=320']);
  await testWarmer.until(isSettled(testWarmer, 'a'));
  t.match(await testWarmer.variants('a'), [{ status: 'ready' }]);
  t.same(await keys(testWarmer.stores.results, 'a'), [storedKey('a', 'fmt=webp&w=320')]);
});

t.test('an overwrite during a render leaves only results of the new original', async (t) => {
  const testWarmer: TestWarmer = await warmer(
    t,
    {},
    afterPut(async () => {
      await testWarmer.stores.originals.put('a', other, { contentType: 'image/jpeg' });
      await testWarmer.management.reconciler.reconcile('a');
    }),
  );
  await testWarmer.ask('a', photograph, ['fmt=webp&w=320', 'fmt=jpeg&w=320', 'fmt=webp&w=100']);
  const version = async () => (await testWarmer.stores.records.images.get('a'))?.version;
  const before = await version();
  await testWarmer.until(async () => (await version()) !== before && (await isSettled(testWarmer, 'a')()));
  t.equal(await statusOf(testWarmer, 'a'), 'completed');
  const now = await version();
  for (const { status, version, variant } of await testWarmer.variants('a')) {
    t.same([status, version], ['ready', now], variant);
    t.ok(await testWarmer.stores.results.head(storedKey('a', variant)), variant);
  }
  for (const key of await keys(testWarmer.stores.results, 'a')) {
    t.equal((await testWarmer.stores.results.head(key))?.metadata['original-version'], now, key);
  }
});

for (const pause of ['in its first render', 'in its first write'] as const) {
  t.test(`a warmer that is late with an original that was overwritten, ${pause}`, async (t) => {
    await overwritten(t, {}, pause);
  });
}

t.test('a job of an older version asks for its open variants under the new one', async (t) => {
  const testWarmer = await warmer(t);
  await testWarmer.ask('a', photograph, ['fmt=webp&w=320', 'fmt=webp&w=100']);
  const record = await testWarmer.stores.records.images.get('a');
  await testWarmer.stores.records.images.update('a', record?.revision ?? 0, { generation: 1 });
  await testWarmer.until(isSettled(testWarmer, 'a'));
  t.match(await testWarmer.variants('a'), [
    { status: 'ready', version: `${record?.version}.1` },
    { status: 'ready', version: `${record?.version}.1` },
  ]);
});

t.test(
  'a job that finds other bytes than the record tells of brings both in line, and all is warmed',
  async (t) => {
    const testWarmer = await warmer(t);
    await testWarmer.ask('a', photograph, ['fmt=webp&w=320', 'fmt=webp&w=100']);
    const { etag } = (await testWarmer.stores.originals.put('a', other, { contentType: 'image/jpeg' })) ?? {};
    await testWarmer.until(isSettled(testWarmer, 'a'));
    t.match(await testWarmer.stores.records.images.get('a'), { status: 'completed', version: etag });
    const ready = { status: 'ready', version: etag };
    t.match(await testWarmer.variants('a'), [ready, ready]);
  },
);

t.test('a job of an image that is gone ends quietly', async (t) => {
  const testWarmer = await warmer(t);
  await testWarmer.ask('a', photograph, ['fmt=webp&w=320']);
  await testWarmer.stores.originals.remove(['a']);
  await testWarmer.until(async () => testWarmer.lines.some(({ msg }) => msg === 'job'));
  t.match(await testWarmer.variants('a'), [{ status: 'skipped' }]);
  t.same(await testWarmer.stores.jobs.depth(), { ready: 0, inFlight: 0, dead: 0 });
});

t.test('drawings, moving pictures and smart crops are warmed as well', async (t) => {
  const testWarmer = await warmer(t);
  const drawing = await readFile(corpusPath('samples/drop-shadow.svg'));
  const moving = await readFile(corpusPath('samples/cat-trotting.gif'));
  await testWarmer.ask('drawing', drawing, ['fmt=webp&w=320', 'fmt=webp&w=100']);
  await testWarmer.ask('moving', moving, ['fmt=webp&w=100', 'anim=0&fmt=jpeg&w=100']);
  await testWarmer.ask('crop', photograph, ['fit=cover&fmt=webp&g=attention&h=100&w=100', 'fmt=webp&w=100']);
  const ids = ['drawing', 'moving', 'crop'];
  await testWarmer.until(async () => {
    const settled = await Promise.all(ids.map((id) => isSettled(testWarmer, id)()));
    return settled.every((is) => is);
  });
  for (const id of ids) {
    t.equal(await statusOf(testWarmer, id), 'completed', id);
    for (const { status, variant } of await testWarmer.variants(id)) t.equal(status, 'ready', variant);
  }
});
