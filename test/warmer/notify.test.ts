import { readFile } from 'node:fs/promises';
import t, { type Test } from 'tap';
import { corpusPath } from '../support/corpus.ts';
import { removeFolder, temporaryFolder } from '../support/folders.ts';
import { receiver } from '../support/receiver.ts';
import { waitFor } from '../support/wait.ts';
import { altered, createWarmer, isDrained, spawnWarmer, type TestWarmer } from '../support/warmer.ts';

const small = await readFile(corpusPath('photos/kodim23.png'));

/** A warmer that does not run, to ask with; and what others need to run beside it. */
async function asker(t: Test): Promise<{ one: TestWarmer; env: Record<string, string> }> {
  const DATA_DIR = await temporaryFolder();
  t.teardown(() => removeFolder(DATA_DIR));
  const env = {
    DATA_DIR,
    WEBHOOK_SECRET: 'a-secret',
    WEBHOOK_PRIVATE: '1',
    VISIBILITY_SECONDS: '1',
    SWEEP_SECONDS: '60',
  };
  const testWarmer = await createWarmer(env);
  t.teardown(() => testWarmer.close());
  return { one: testWarmer, env };
}

/** As `ask`, with a webhook. */
async function ask(testWarmer: TestWarmer, id: string, webhook: string): Promise<void> {
  const { originals, records } = testWarmer.stores;
  const createdAt = new Date().toISOString();
  const version = (await originals.put(id, small, { contentType: 'image/png' }))?.etag ?? '';
  await records.images.create({ id, status: 'uploaded', createdAt, version, webhook });
  await testWarmer.management.intents.ask(id, { warm: ['fmt=webp&w=100'] });
}

for (const [signal, how] of [
  ['SIGTERM', 'is stopped'],
  ['SIGKILL', 'is killed'],
] as const) {
  t.test(`a webhook is called by another warmer where the first ${how} between two tries`, async (t) => {
    const { one, env } = await asker(t);
    const { url, calls } = await receiver(t, [500]);
    await ask(one, 'a', url);
    const first = await spawnWarmer(env);
    await waitFor(() => calls.length >= 1);
    await first.end(signal);
    t.equal(calls.length, 1);
    const second = await createWarmer(env);
    t.teardown(() => second.close());
    // Beside load a job is visible again for a moment before its warmer has told of its end.
    await second.until(async () => calls.length >= 2 && (await isDrained(one.stores)));
    t.match(JSON.parse(calls[1]?.body ?? '{}'), { data: { id: 'a', status: 'completed' } });
    t.equal((await one.stores.jobs.depth()).dead, 0);
  });
}

t.test('a receiver that does not answer takes no slot', async (t) => {
  const { one, env } = await asker(t);
  const { url, calls } = await receiver(t, [0, 0, 0]);
  for (const id of ['a', 'b', 'c']) await ask(one, id, url);
  const warmer = await spawnWarmer({ ...env, WARM_SLOTS: '1' });
  t.teardown(() => warmer.end('SIGKILL'));
  // Each is given up after ten seconds, in which a busy machine renders the next image, or does not.
  await waitFor(() => calls.filter(({ isOpen }) => isOpen()).length > 1);
  t.pass('two wait for their answers at once, with one slot');
});

t.test('a warmer that cannot end in time gives its job back all the same', async (t) => {
  const { one, env } = await asker(t);
  const { url, calls } = await receiver(t, [0]);
  await ask(one, 'a', url);
  const warmer = await spawnWarmer({ ...env, VISIBILITY_SECONDS: '60', STOP_MS: '500' });
  await waitFor(() => calls.length >= 1);
  t.equal(await warmer.end('SIGTERM'), 'SIGTERM');
  t.same(await one.stores.jobs.depth(), { ready: 1, inFlight: 0, dead: 0 });
});

t.test('an image whose settling was the last thing that was written is told of as well', async (t) => {
  const { one, env } = await asker(t);
  const { url, calls } = await receiver(t);
  await ask(one, 'a', url);
  let lost = false;
  const other = await createWarmer({ ...env, SWEEP_SECONDS: '1' }, ({ jobs, records, ...stores }) => ({
    ...stores,
    // As with those of AWS: here a change would take its jobs along.
    records: altered(records, { takesJobs: false }),
    jobs: altered(jobs, {
      send: async (bodies) => {
        if (!lost) {
          lost = true;
          throw new Error('killed');
        }
        return jobs.send(bodies);
      },
    }),
  }));
  t.teardown(() => other.close());
  await other.until(async () => {
    // What could not be sent is owed, and the sweep sends it.
    await other.rounds.run();
    return calls.length > 0;
  });
  t.ok(lost);
  t.match(JSON.parse(calls[0]?.body ?? '{}'), { data: { id: 'a', status: 'completed' } });
});
