import { readFile } from 'node:fs/promises';
import t, { type Test } from 'tap';
import { PIPELINE } from '../../server/core/version.ts';
import { asOfNow, readyAs } from '../../server/warming/lifetime.ts';
import { call, noise } from '../support/api.ts';
import { corpusPath } from '../support/corpus.ts';
import { receiver } from '../support/receiver.ts';
import { storedKey } from '../support/results.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { type TestWarmer, warmerOf } from '../support/warmer.ts';

const photograph = await readFile(corpusPath('photos/kodim23.png'));
const FORMS = ['fmt=webp&w=20', 'fmt=webp&w=30'];

const isReady = (warmer: TestWarmer, id: string) => async () =>
  (await warmer.variants(id)).every(({ status }) => status === 'ready') &&
  (await warmer.stores.records.images.get(id))?.status === 'completed';

/** A warmer over a folder with images that are finished, and one of a later deployment over the same. */
async function deployed(t: Test, ids: readonly string[], env: Record<string, string> = {}) {
  const before = await warmerOf(t);
  for (const id of ids) await before.ask(id, await noise(40, 30, id.charCodeAt(0)), FORMS);
  const isAll = async () => (await Promise.all(ids.map((id) => isReady(before, id)()))).every(Boolean);
  await before.until(isAll);
  const after = await warmerOf(t, { DATA_DIR: before.config.dataDir, REVISION: 'next', ...env });
  return { before, after };
}

const statusesOf = async ({ base }: TestServer, id: string) => {
  const { body } = await call<{ variants: { status: string }[] }>(
    { base },
    'GET',
    `/api/images/${id}/status`,
  );
  return body.variants.map(({ status }) => status);
};

t.test(
  'after a new pipeline no status claims what cannot be had, and what was asked for is made again',
  async (t) => {
    const { before, after } = await deployed(t, ['a', 'b']);
    const env = { DATA_DIR: before.config.dataDir, REVISION: 'next' };
    const server = await startServer(env);
    t.teardown(() => server.close());
    t.same(await statusesOf(server, 'a'), ['expired', 'expired']);
    const old = await startServer({ DATA_DIR: before.config.dataDir });
    t.teardown(() => old.close());
    t.same(await statusesOf(old, 'a'), ['ready', 'ready'], 'to a server of the former one all is as it was');
    await after.rounds.run();
    t.same(await statusesOf(server, 'b'), ['queued', 'queued']);
    await after.until(async () => (await isReady(after, 'a')()) && isReady(after, 'b')());
    t.same(await statusesOf(server, 'a'), ['ready', 'ready']);
    for (const form of FORMS) {
      t.ok(await after.stores.results.head(storedKey('a', form, { revision: 'next' })), form);
      t.equal((await server.get(`/img/b?${form}`)).headers.get('x-image-cache'), 'stored');
    }
    await after.rounds.run();
    t.same(await after.stores.jobs.depth(), { ready: 0, inFlight: 0, dead: 0 }, 'and then no more');
  },
);

t.test('asking for a variant of a former pipeline ends with a result that can be served', async (t) => {
  const { after } = await deployed(t, ['a'], { REWARM_VARIANTS: '0' });
  await after.rounds.run();
  t.equal((await after.stores.jobs.depth()).ready, 0, 'nothing by itself where that is switched off');
  await after.management.library.warm('a', { forms: [FORMS[0] ?? ''], requested: {} });
  await after.until(async () => (await after.stores.records.images.get('a'))?.status === 'completed');
  t.ok(await after.stores.results.head(storedKey('a', FORMS[0] ?? '', { revision: 'next' })));
  t.match(await after.variants('a'), [{ epoch: `${PIPELINE}-next` }, { epoch: PIPELINE }]);
});

t.test('rounds are bounded, go on where the one before ended, and are one at a time', async (t) => {
  const ids = Array.from({ length: 9 }, (_, n) => `image-${n}`);
  const { after } = await deployed(t, ids);
  const { rewarm, intents } = after.management;
  const asked: string[] = [];
  const ask = intents.ask.bind(intents);
  intents.ask = (id, ...more) => {
    asked.push(id);
    return ask(id, ...more);
  };
  t.same(await rewarm.round({ variants: 3 }), { looked: 2, queued: 4, done: false });
  t.same(await rewarm.round({ variants: 5 }), { looked: 5, queued: 6, done: false });
  const { locks } = after.stores.records;
  t.ok(await locks.lease('rewarm round', 'another', 60));
  t.equal(await rewarm.round({ variants: 5 }), undefined);
  await locks.release('rewarm round', 'another');
  let looks = 0;
  t.match(await rewarm.round({ variants: 100, isStopping: () => ++looks > 3 }), { done: false });
  t.match(await rewarm.round({ variants: 100 }), { done: true });
  t.same([...asked].sort(), ids, 'each image once');
  t.match(await rewarm.round({ variants: 100, rests: true }), { looked: 0, done: true });
  t.match(await rewarm.round({ variants: 100 }), { looked: 9, queued: 0, done: true });
});

t.test('results that somebody has removed from the disk are made again', async (t) => {
  const before = await warmerOf(t);
  await before.ask('a', await noise(40, 30, 5), FORMS);
  await before.until(isReady(before, 'a'));
  const [key = ''] = FORMS.map((form) => storedKey('a', form));
  await before.stores.results.remove([key]);
  const { rewarm } = before.management;
  t.match(await rewarm.round({ variants: 10, rests: true }), { looked: 1, queued: 1, done: true });
  const after = await warmerOf(t, { DATA_DIR: before.config.dataDir });
  await after.until(isReady(after, 'a'));
  t.ok(await after.stores.results.head(key));
  t.match(await rewarm.round({ variants: 10 }), { looked: 1, queued: 0, done: true });
});

t.test('a cursor that the store cannot read begins the way anew', async (t) => {
  const { after } = await deployed(t, ['a']);
  const epoch = `${PIPELINE}-next`;
  await after.stores.records.progress.put('rewarm', JSON.stringify({ epoch, cursor: 'of another store' }));
  await t.rejects(after.management.rewarm.round({ variants: 10 }), { code: 'invalid_parameter' });
  t.match(await after.management.rewarm.round({ variants: 10 }), { queued: 2, done: true });
});

t.test(
  'nobody is told of an image that we make again by ourselves, until somebody asks for more',
  async (t) => {
    const told = await receiver(t);
    const env = { WEBHOOK_SECRET: 'a-secret', WEBHOOK_PRIVATE: '1' };
    const { before, after } = await deployed(t, ['a'], env);
    const { records } = after.stores;
    const record = await records.images.get('a');
    await records.images.update('a', record?.revision ?? 0, { webhook: told.url });
    await after.management.rewarm.round({ variants: 10 });
    await after.until(isReady(after, 'a'));
    t.same(await after.stores.jobs.depth(), { ready: 0, inFlight: 0, dead: 0 });
    t.same(told.calls, []);
    await after.management.library.warm('a', { forms: ['fmt=png&w=9'], requested: {} });
    const last = await warmerOf(t, { ...env, DATA_DIR: before.config.dataDir, REVISION: 'next' });
    await last.until(async () => told.calls.length > 0);
    t.match(JSON.parse(told.calls[0]?.body ?? ''), { data: { id: 'a', status: 'completed', next: null } });
  },
);

t.test('results expire with their days: the record says when, as S3 counts them', async (t) => {
  const life = { epoch: '4', days: 3 };
  const stored = (time: string) => readyAs({ size: 1, storedAt: new Date(time) }, life).expires;
  // The example of the documentation.
  t.equal(stored('2014-01-15T10:30:00.000Z'), '2014-01-19T00:00:00.000Z');
  t.equal(stored('2014-01-15T23:59:59.999Z'), '2014-01-19T00:00:00.000Z');
  t.equal(stored('2014-01-16T00:00:00.000Z'), '2014-01-20T00:00:00.000Z');
  t.equal(readyAs({ size: 1, storedAt: new Date(0) }, { epoch: '4', days: 0 }).expires, undefined);
  const record = { id: 'a', variant: 'w=1', version: 'v', attempts: 1, queuedAt: '', updatedAt: '' };
  const ready = { ...record, status: 'ready', epoch: '4', expires: '2014-01-19T00:00:00.000Z' } as const;
  const at = (time: string) => asOfNow(ready, life, new Date(time)).status;
  t.equal(at('2014-01-18T23:59:59.999Z'), 'ready');
  t.equal(at('2014-01-19T00:00:00.000Z'), 'expired');
  t.equal(asOfNow({ ...record, status: 'ready' }, life, new Date()).status, 'ready', 'of an older program');
});

t.test('what its store may remove at any moment is made anew, with all of its days before it', async (t) => {
  const warmer = await warmerOf(t, { RESULT_DAYS: '30' });
  const { records, results } = warmer.stores;
  await warmer.ask('a', photograph, FORMS);
  await warmer.until(isReady(warmer, 'a'));
  const inThirtyDays = new Date(Date.now() + 30 * 86_400_000).toISOString();
  for (const { expires = '' } of await warmer.variants('a')) t.ok(expires > inThirtyDays);
  const [first = ''] = FORMS;
  const variantNow = async () => (await warmer.variants('a')).find(({ variant }) => variant === first);
  const version = (await records.images.get('a'))?.version ?? '';
  const past = { status: 'ready', bytes: 1, epoch: PIPELINE, expires: '2020-01-01T00:00:00.000Z' } as const;
  await records.variants.update('a', first, version, ['ready'], past);
  await warmer.rounds.run();
  t.match(await variantNow(), { status: 'ready' }, 'the result says otherwise than its record');
  t.ok(((await variantNow())?.expires ?? '') > inThirtyDays);
  await results.remove([storedKey('a', first)]);
  await records.variants.update('a', first, version, ['ready'], past);
  await records.progress.put('rewarm', JSON.stringify({ epoch: '' }));
  await warmer.rounds.run();
  t.match(await variantNow(), { status: 'queued' });
  const other = await warmerOf(t, { DATA_DIR: warmer.config.dataDir, RESULT_DAYS: '30' });
  await other.until(isReady(other, 'a'));
  t.ok(await results.head(storedKey('a', first)));
});
