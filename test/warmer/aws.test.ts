import { readFile } from 'node:fs/promises';
import t, { type Test } from 'tap';
import { redrive } from '../../warmer/redrive.ts';
import { call, form, type UploadAnswer } from '../support/api.ts';
import { corpusPath } from '../support/corpus.ts';
import { startRecords } from '../support/emulators.dynamodb.ts';
import { emulated } from '../support/emulators.ts';
import { storedKey } from '../support/results.ts';
import { startServer } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';
import { createWarmer, spawnWarmer, type TestWarmer, withPut } from '../support/warmer.ts';
import { overwritten } from './overwrite.ts';

const small = await readFile(corpusPath('photos/kodim23.png'));
const large = await readFile(corpusPath('photos/snow-forest-20mp.jpg'));
const VARIANTS = ['fmt=webp&w=320', 'fmt=jpeg&w=320', 'fmt=webp&w=100'];

/** The emulators, and times short enough to wait for. */
async function hurried(t: Test, maxReceives = 5): Promise<Record<string, string> | undefined> {
  const env = await emulated(t, await startRecords(), { maxReceives });
  return env && { ...env, VISIBILITY_SECONDS: '2', SWEEP_SECONDS: '1' };
}

const statusOf = async ({ stores }: TestWarmer, id: string) => (await stores.records.images.get(id))?.status;

t.test('an upload is warm before anyone asks, and is served from its bucket', async (t) => {
  const env = await hurried(t);
  if (!env) return;
  const server = await startServer(env);
  t.teardown(() => server.close());
  const process = await spawnWarmer(env);
  t.teardown(() => process.end('SIGKILL'));
  const fields = form([
    ['variants', JSON.stringify(VARIANTS)],
    ['file', small],
  ]);
  const upload = await call<UploadAnswer>(server, 'POST', '/api/images', fields);
  t.equal(upload.status, 202);
  const { id, variants } = upload.body;
  await waitFor(async () => (await server.stores.records.images.get(id))?.status === 'completed');
  for (const { url, variant } of variants) {
    const answer = await fetch(url);
    t.equal(answer.headers.get('x-image-cache'), 'stored', variant);
    await answer.arrayBuffer();
  }
  t.match((await server.stores.records.images.get(id))?.original, { placeholder: String, color: /^#/ });
  t.equal(await process.end('SIGTERM'), 0);
});

// In its first write: needs conditional writes, which the emulator does not have.
t.test('a warmer that is late with an original that was overwritten', async (t) => {
  const env = await hurried(t);
  if (env) await overwritten(t, env, 'in its first render');
});

t.test('the job of a warmer that was killed is done by another one', async (t) => {
  const env = await hurried(t);
  if (!env) return;
  const testWarmer = await createWarmer(env);
  t.teardown(() => testWarmer.close());
  await testWarmer.ask('a', large, VARIANTS);
  const process = await spawnWarmer(env);
  await waitFor(async () => (await testWarmer.variants('a')).some(({ status }) => status === 'rendering'));
  await process.end('SIGKILL');
  await testWarmer.until(async () => (await statusOf(testWarmer, 'a')) === 'completed');
  // 3 where the long poll of the killed one was handed the message once more.
  const receives = Number(testWarmer.lines.find(({ msg }) => msg === 'job')?.['receives']);
  t.ok(receives === 2 || receives === 3, `${receives} receives`);
  for (const { status, variant } of await testWarmer.variants('a')) t.equal(status, 'ready', variant);
});

t.test('a job that is given up is a dead letter, and is sent again by redrive', async (t) => {
  const env = await hurried(t, 2);
  if (!env) return;
  let broken = true;
  const testWarmer = await createWarmer(env, (stores) => ({
    ...stores,
    results: withPut(stores.results, async (...given) => {
      if (broken) throw new Error('the network is down');
      return stores.results.put(...given);
    }),
  }));
  t.teardown(() => testWarmer.close());
  await testWarmer.ask('a', small, VARIANTS);
  const run = testWarmer.worker.run();
  await waitFor(async () => (await testWarmer.stores.jobs.depth()).dead === 1);
  await waitFor(async () => {
    await testWarmer.rounds.run();
    return (await statusOf(testWarmer, 'a')) === 'failed';
  });
  t.match(await testWarmer.variants('a'), [{ status: 'failed', error: /^gave_up: internal: / }, {}, {}]);
  broken = false;
  const { messages, variants } = await redrive(testWarmer.stores);
  // More than one where this machine was so slow that the sweep had sent the job once more.
  t.ok(messages >= 1, `${messages} messages`);
  t.equal(variants, messages * VARIANTS.length);
  await waitFor(async () => (await statusOf(testWarmer, 'a')) === 'completed');
  testWarmer.worker.stop();
  await run;
  t.match(await testWarmer.stores.jobs.depth(), { dead: 0 });
});

t.test('what a lifecycle removes is followed by its events, which may be late or come twice', async (t) => {
  const env = await hurried(t);
  if (!env) return;
  const testWarmer = await createWarmer({ ...env, REWARM_VARIANTS: '0' });
  t.teardown(() => testWarmer.close());
  const { records, results, jobs } = testWarmer.stores;
  const id = 'a/ü b';
  const [first = '', second = ''] = VARIANTS;
  await testWarmer.ask(id, small, [first, second]);
  await testWarmer.until(async () => (await statusOf(testWarmer, id)) === 'completed');
  const statusNow = async (form: string) =>
    (await records.variants.list(id)).find(({ variant }) => variant === form)?.status;
  const event = (form: string) => ({
    eventName: 'LifecycleExpiration:Delete',
    s3: {
      bucket: { name: env['RESULTS_BUCKET'] },
      object: { key: encodeURIComponent(storedKey(id, form)).replaceAll('%20', '+') },
    },
  });
  await results.remove([storedKey(id, first)]);
  await jobs.send([JSON.stringify({ Records: [event(first), event(first), event(second)] })]);
  const follower = await createWarmer({ ...env, REWARM_VARIANTS: '0' });
  t.teardown(() => follower.close());
  await follower.until(async () => (await statusNow(first)) === 'expired');
  t.equal(await statusNow(second), 'ready');
  t.match(await records.images.get(id), { status: 'completed' }, 'it is no original that has gone');
  t.match(await follower.management.rewarm.round({ variants: 10 }), { looked: 1, queued: 1, done: true });
  const last = await createWarmer(env);
  t.teardown(() => last.close());
  await last.until(async () => (await statusNow(first)) === 'ready');
  t.ok(await results.head(storedKey(id, first)));
});
