import { readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { sendWarm } from '../../server/warming/jobs.ts';
import { readDeadLetters } from '../../warmer/dead-letters.ts';
import { redrive } from '../../warmer/redrive.ts';
import { Scheduler } from '../../warmer/scheduler.ts';
import { corpusPath } from '../support/corpus.ts';
import { waitFor } from '../support/wait.ts';
import { isDrained, type TestWarmer, warmerOf } from '../support/warmer.ts';

// What one of all warmers does now and then: sweep, burial, leftovers.
const small = await readFile(corpusPath('photos/kodim23.png'));

const warmer = (t: Test, env: Record<string, string> = {}): Promise<TestWarmer> =>
  warmerOf(t, { VISIBILITY_SECONDS: '1', SWEEP_SECONDS: '1', ...env });

/**
 * One whose sweep is not due: on a machine that is busy it may come between a message that has died and its burial, and
 * ask for the variant anew.
 */
const undertaker = (t: Test): Promise<TestWarmer> => warmer(t, { SWEEP_SECONDS: '3600', WARM_ATTEMPTS: '1' });

const statusOf = async ({ stores }: TestWarmer, id: string) => (await stores.records.images.get(id))?.status;

/** Receives what is on the queue until all of it is dead letters. */
async function bury({ stores: { jobs } }: TestWarmer): Promise<void> {
  await waitFor(async () => {
    await jobs.receive({ max: 10, waitSeconds: 0, visibilitySeconds: 0 });
    // Hidden for no time at all it is in flight for a millisecond all the same.
    return isDrained({ jobs });
  });
}

/** Until the sweep takes for lost what is open now: SWEEP_SECONDS, VISIBILITY_SECONDS and 2 s between two clocks. */
async function stalled(): Promise<void> {
  const begun = Date.now();
  await waitFor(() => Date.now() > begun + 4_500);
}

/** Until the last message of `a` has died, whenever it comes, and a round has seen it. */
const failed = (testWarmer: TestWarmer): Promise<void> =>
  waitFor(async () => {
    await bury(testWarmer);
    await testWarmer.rounds.run();
    return (await statusOf(testWarmer, 'a')) === 'failed';
  });

/** An S3 event whose key is not form-encoded. */
const UNREADABLE = JSON.stringify({
  Records: [{ eventName: 'ObjectCreated:Put', s3: { object: { key: 'a%zz.jpg' } } }],
});

t.test('a message that cannot be read keeps no other one from burial and redrive', async (t) => {
  const testWarmer = await undertaker(t);
  const { jobs } = testWarmer.stores;
  await jobs.send([UNREADABLE, JSON.stringify({ kind: 'warm', id: 'é', version: 'v', variants: ['w=1'] })]);
  await testWarmer.ask('a', small, ['fmt=webp&w=320']);
  await failed(testWarmer);
  t.same(await redrive(testWarmer.stores), { messages: 3, variants: 1 });
  // One with more than a single attempt of a second: a render that is late would be the end of it.
  const { dataDir } = testWarmer.config;
  const patient = await warmerOf(t, { DATA_DIR: dataDir });
  await patient.until(async () => (await statusOf(testWarmer, 'a')) === 'completed');
  t.match(await testWarmer.variants('a'), [{ status: 'ready' }]);
});

t.test('whose message has died is failed, not sent again, however late the round is', async (t) => {
  const testWarmer = await warmer(t, { WARM_ATTEMPTS: '1' });
  await testWarmer.ask('a', small, ['fmt=webp&w=320']);
  await bury(testWarmer);
  await stalled();
  await testWarmer.rounds.run();
  t.equal(await statusOf(testWarmer, 'a'), 'failed');
  t.equal((await testWarmer.stores.jobs.depth()).ready, 0);
});

t.test('a dead letter that cannot be dealt with keeps no other one waiting', async (t) => {
  const testWarmer = await undertaker(t);
  const { jobs } = testWarmer.stores;
  for (const id of ['a', 'b', 'c']) await sendWarm(jobs, id, 'v', ['w=1']);
  await bury(testWarmer);
  const seen: string[] = [];
  const failed: string[] = [];
  const look = async ({ id }: { id: string }) => {
    if (id === 'a') throw new Error('the table does not answer');
    seen.push(id);
  };
  t.equal(await readDeadLetters({ jobs, look, onFailure: (_error, id) => failed.push(id) }), 3);
  t.same([seen, failed], [['b', 'c'], ['a']]);
});

t.test('an old dead letter leaves a variant alone that was asked for anew', async (t) => {
  const testWarmer = await undertaker(t);
  const VARIANT = 'fmt=webp&w=320';
  await testWarmer.ask('a', small, [VARIANT]);
  await failed(testWarmer);
  await testWarmer.management.intents.ask('a', { warm: [VARIANT] });
  // Longer than the quiet time: only the time of the letter tells it from one that has died just now.
  const asked = Date.now();
  await waitFor(() => Date.now() > asked + 1200);
  await testWarmer.rounds.run();
  t.equal(await statusOf(testWarmer, 'a'), 'processing', 'its new message waits');
  t.match(await testWarmer.variants('a'), [{ status: 'queued' }]);
  await failed(testWarmer);
  t.match(await redrive(testWarmer.stores), { messages: 2 });
  await failed(testWarmer);
  t.match(await testWarmer.variants('a'), [{ status: 'failed', error: /^gave_up: / }]);
});

t.test('the sweep gets behind any number of uploads that are under way', async (t) => {
  const testWarmer = await warmer(t);
  const { records, originals } = testWarmer.stores;
  const createdAt = new Date().toISOString();
  for (let index = 0; index < 105; index++) {
    await records.images.create({ id: `upload-${index}`, status: 'uploading', createdAt, claim: 'a server' });
  }
  const version = (await originals.put('a', small, { contentType: 'image/png' }))?.etag ?? '';
  await records.images.create({ id: 'a', status: 'processing', createdAt, version });
  await records.variants.queue('a', version, ['fmt=webp&w=320']);
  await stalled();
  await waitFor(async () => {
    await testWarmer.rounds.run();
    return (await testWarmer.stores.jobs.depth()).ready === 1;
  });
  t.equal(await statusOf(testWarmer, 'upload-104'), 'uploading');
});

t.test('the rounds clear what a killed server left of an upload', async (t) => {
  const testWarmer = await warmer(t);
  const { records } = testWarmer.stores;
  const createdAt = new Date().toISOString();
  const openUntil = new Date(Date.now() + 3_600_000).toISOString();
  const claim = 'a server';
  await records.images.create({ id: 'killed', status: 'uploading', createdAt, openUntil, claim });
  await records.images.create({ id: 'announced', status: 'uploading', createdAt, openUntil });
  const half = join(testWarmer.config.dataDir, 'originals', '.tmp', 'half');
  await writeFile(half, 'half');
  const longAgo = new Date(Date.now() - 2 * 3_600_000);
  await utimes(half, longAgo, longAgo);
  await testWarmer.rounds.run();
  t.same(await readdir(join(half, '..')), []);
  t.equal(await statusOf(testWarmer, 'killed'), 'uploading', 'while its server holds it');
  await records.images.update('killed', 1, { openUntil: new Date(Date.now() - 1).toISOString() });
  await waitFor(async () => {
    await testWarmer.rounds.run();
    return (await statusOf(testWarmer, 'killed')) === undefined;
  });
  t.equal(await statusOf(testWarmer, 'announced'), 'uploading', 'its form is open');
});

t.test('rounds that take longer than the time between them do not pile up, and end when told', async (t) => {
  let [under, most, begun, later, looks] = [0, 0, 0, 0, 0];
  const gate: (() => void)[] = [];
  const scheduler = new Scheduler({
    records: { locks: { lease: async () => true, release: async () => {} } },
    owner: 'a',
    seconds: 0.001,
    tasks: {
      long: async () => {
        begun += 1;
        under += 1;
        most = Math.max(most, under);
        await new Promise<void>((resolve) => gate.push(resolve));
        under -= 1;
      },
      later: async () => {
        later += 1;
      },
    },
    onFailure: (error) => t.fail(String(error)),
  });
  scheduler.start();
  for (let round = 1; round <= 4; round++) {
    await waitFor(() => gate.length > 0);
    t.same([begun, later, most], [round, round - 1, 1], 'one at a time, each to its end');
    if (round < 4) gate.shift()?.();
  }
  const stopped = scheduler.stop();
  gate.shift()?.();
  await stopped;
  // Some tens of times the time between two rounds.
  await waitFor(() => ++looks > 4);
  t.same([begun, later], [4, 3], 'neither another round nor the rest of this one');
});
