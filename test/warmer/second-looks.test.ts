import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pino from 'pino';
import t from 'tap';
import { resultOf } from '../../server/reading/result.ts';
import { Results } from '../../server/reading/results.ts';
import type { Jobs } from '../../server/stores/jobs.ts';
import type { Objects } from '../../server/stores/objects.ts';
import { openSqlite } from '../../server/stores/sqlite/open.ts';
import type { Records, Stores } from '../../server/stores/stores.ts';
import { Scheduler } from '../../warmer/scheduler.ts';
import { Worker } from '../../warmer/worker.ts';
import { corpusPath } from '../support/corpus.ts';
import { removeFolder, temporaryFolder } from '../support/folders.ts';
import { waitFor } from '../support/wait.ts';
import { altered, type TestWarmer, warmerOf as warmer, withPut } from '../support/warmer.ts';

// What a warmer looks at again, because others write meanwhile.
const photograph = await readFile(corpusPath('photos/kodim23.png'));
const other = await readFile(corpusPath('photos/harvesters.jpeg'));
const FIRST = 'fmt=webp&w=100';
const SECOND = 'fmt=webp&w=50';

const jobIsDone = (testWarmer: TestWarmer) => async () => testWarmer.lines.some(({ msg }) => msg === 'job');
const imageOf = ({ stores }: TestWarmer) => stores.records.images.get('a');

/** Another version of the same bytes, as after a purge. */
async function moveOn(testWarmer: TestWarmer): Promise<string> {
  const { revision = 0, version = '' } = (await imageOf(testWarmer)) ?? {};
  await testWarmer.stores.records.images.update('a', revision, { generation: 1 });
  return version;
}

t.test('an image is not completed with a variant that was asked for as its status was written', async (t) => {
  const alter = (stores: Stores): Stores => {
    const { images, variants } = stores.records;
    let isFirst = true;
    const update: Records['images']['update'] = async (id, revision, change) => {
      if (change.status === 'completed' && isFirst) {
        isFirst = false;
        await variants.queue(id, (await images.get(id))?.version ?? '', [SECOND]);
      }
      return images.update(id, revision, change);
    };
    return { ...stores, records: altered(stores.records, { images: altered(images, { update }) }) };
  };
  const testWarmer = await warmer(t, {}, alter);
  await testWarmer.ask('a', photograph, [FIRST]);
  await testWarmer.until(jobIsDone(testWarmer));
  t.match(await imageOf(testWarmer), { status: 'processing' });
  t.match(await testWarmer.variants('a'), [{ status: 'ready' }, { status: 'queued' }]);
});

t.test('a job ends with the version that it is of, and makes known what nobody has told of', async (t) => {
  let etag: string | undefined;
  const alter = (stores: Stores): Stores => {
    const put: Objects['put'] = async (...given) => {
      etag ??= (await stores.originals.put('a', other, { contentType: 'image/jpeg' }))?.etag;
      return stores.results.put(...given);
    };
    return { ...stores, results: withPut(stores.results, put) };
  };
  const testWarmer = await warmer(t, { WARM_SLOTS: '1' }, alter);
  await testWarmer.ask('a', photograph, [FIRST, SECOND]);
  await testWarmer.until(jobIsDone(testWarmer));
  t.ok(etag);
  t.match(await imageOf(testWarmer), { version: etag, original: { format: 'jpeg' } });
  for (const variant of await testWarmer.variants('a')) t.equal(variant.version, etag, variant.variant);
});

t.test('what a killed warmer stored for a version that has passed is removed', async (t) => {
  const testWarmer = await warmer(t);
  const { records, results } = testWarmer.stores;
  await testWarmer.ask('a', photograph, [FIRST]);
  const version = await moveOn(testWarmer);
  const rendered = { bytes: Buffer.from('old'), contentType: 'image/webp', size: undefined, warnings: [] };
  const timings = { decode: 0, transform: 0, encode: 0 };
  const late = resultOf('a', FIRST, { version, lastModified: new Date() }, { ...rendered, timings });
  await new Results(results, '').keep(late, async () => true);
  // Nobody asks for it any more, so no newer result will take its place.
  await records.variants.update('a', FIRST, version, ['queued'], { status: 'failed', error: 'x' });
  await testWarmer.until(jobIsDone(testWarmer));
  t.equal(await results.head(`img/a/${FIRST}`), undefined);
});

t.test('a job of a version that has passed asks anew for its own variants alone', async (t) => {
  const testWarmer = await warmer(t);
  await testWarmer.ask('a', photograph, [FIRST]);
  const version = (await imageOf(testWarmer))?.version ?? '';
  await testWarmer.stores.records.variants.queue('a', version, [SECOND]);
  await moveOn(testWarmer);
  await testWarmer.until(jobIsDone(testWarmer));
  const variants = new Map((await testWarmer.variants('a')).map((entry) => [entry.variant, entry]));
  t.equal(variants.get(FIRST)?.version, `${version}.1`);
  t.equal(variants.get(SECOND)?.version, version, 'it has a message of its own');
});

t.test('no beat hides a message again that was given back', async (t) => {
  const folder = await temporaryFolder();
  const { jobs, close } = openSqlite(join(folder, 'jobs.db'), { maxReceives: 5 });
  t.teardown(async () => {
    close();
    await removeFolder(folder);
  });
  const extensions: number[] = [];
  const extend: Jobs['extend'] = async (receipt, seconds) => {
    extensions.push(seconds);
    const isHeld = await jobs.extend(receipt, seconds);
    const until = Date.now() + 1500;
    // As long as three beats: an answer that is late.
    if (seconds === 0) await waitFor(() => Date.now() > until);
    return isHeld;
  };
  const worker = new Worker({
    jobs: altered(jobs, { extend }),
    slots: 1,
    visibilitySeconds: 1,
    now: () => 0,
    handle: (_message, signal) => new Promise((_resolve, reject) => signal.addEventListener('abort', reject)),
    isAside: () => false,
    onEnd: () => undefined,
    log: pino({ level: 'silent' }),
  });
  await jobs.send(['a']);
  const run = worker.run();
  await waitFor(() => extensions.length > 1);
  worker.stop();
  await run;
  t.same(extensions.slice(extensions.indexOf(0)), [0]);
  t.match(await jobs.receive({ max: 1, waitSeconds: 0, visibilitySeconds: 60 }), [{ body: 'a' }]);
});

t.test('the sweep sends nothing again that may still wait in the queue', async (t) => {
  const testWarmer = await warmer(t, { VISIBILITY_SECONDS: '1', SWEEP_SECONDS: '1' });
  await testWarmer.ask('a', photograph, [FIRST]);
  const asked = Date.now();
  // Stale after two seconds; with messages waiting a job is lost after twenty.
  await waitFor(() => Date.now() > asked + 2500);
  await testWarmer.rounds.run();
  const seconds = (Date.now() - asked) / 1000;
  if (seconds > 19) return t.comment(`the sweep was not asked in time: ${seconds} s`);
  t.same(await testWarmer.stores.jobs.depth(), { ready: 1, inFlight: 0, dead: 0 });
});

t.test('of several warmers one does the rounds, and another one when that one has stopped', async (t) => {
  const folder = await temporaryFolder();
  const { records, close } = openSqlite(join(folder, 'leases.db'), { maxReceives: 5 });
  t.teardown(async () => {
    close();
    await removeFolder(folder);
  });
  const done: string[] = [];
  const scheduler = (owner: string) =>
    new Scheduler({
      records,
      owner,
      seconds: 300,
      tasks: { sweep: async () => void done.push(owner) },
      onFailure: (error) => t.fail(String(error)),
    });
  const [one, two] = [scheduler('one'), scheduler('two')];
  for (const each of [one, two, one, two]) await each.run();
  t.same(done, ['one', 'one']);
  await one.stop();
  await two.run();
  t.same(done, ['one', 'one', 'two']);
});
