import { randomUUID } from 'node:crypto';
import t, { type Test } from 'tap';
import { removeStaged } from '../../../server/writing/staging.ts';
import { call, form, noise } from '../../support/api.ts';
import { setClock } from '../../support/clock.ts';
import { temporaryFolder } from '../../support/folders.ts';
import { receiver } from '../../support/receiver.ts';
import { startServer } from '../../support/server.ts';
import { waitFor } from '../../support/wait.ts';
import { createWarmer, withPut } from '../../support/warmer.ts';
import { prepare, STEPS, type Step } from './calls.ts';
import { ENV, killed, settled, type Time } from './kills.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const clock = setClock();
t.teardown(() => clock.restore());

/** From then on it goes by: whatever waits for a minute, or for the hour of a form, is over after a few rounds. */
const PASS_MS = HOUR_MS / 4;

/** @returns  hours that went by after it */
function jump(ms: number): Time & { hours: () => number } {
  let passed = 0;
  return {
    afterKill: () => clock.move(ms),
    pass: async ({ originals }) => {
      clock.move(PASS_MS);
      passed += PASS_MS;
      // Files have the time of the machine, which goes on as it was.
      await removeStaged(originals, new Date(Date.now() + 2 * DAY_MS));
    },
    hours: () => passed / HOUR_MS,
  };
}

const JUMPS = { 'a day forwards': DAY_MS, 'a day back': -DAY_MS };

/** Back after each; forwards, where less can go wrong, after some. */
async function jumpsAt(t: Test, step: Step, k: number): Promise<void> {
  for (const [name, ms] of Object.entries(JUMPS)) {
    if (ms > 0 && k !== 2) continue;
    const time = jump(ms);
    const { faults } = await killed(step, k, k % 2 ? 'only the sweep' : 'repeat', {}, time);
    clock.move(-ms - time.hours() * HOUR_MS);
    t.same(faults, [], `${name}, after write ${k}: ${time.hours()} h`);
    t.ok(time.hours() < 6, 'nothing waits for a day');
  }
}

for (const [index, step] of STEPS.entries())
  t.test(`the clock jumps after ${step.call} was killed`, (t) => jumpsAt(t, step, 1 + (index % 4)));

for (const [name, ms] of Object.entries(JUMPS)) {
  t.test(`work that is under way while the clock jumps ${name} goes on`, async (t) => {
    const own = await temporaryFolder();
    const env = { ...ENV, VISIBILITY_SECONDS: '2', DATA_DIR: own };
    const server = await startServer(env);
    let [isMoved, answered] = [false, 0];
    // In the middle of a job: a look from outside may miss all of it.
    const warmer = await createWarmer(env, ({ results, ...stores }) => ({
      ...stores,
      results: withPut(results, async (...given) => {
        if (!isMoved) {
          isMoved = true;
          clock.move(ms);
          answered = (await upload('e', 54)).status;
        }
        return results.put(...given);
      }),
    }));
    t.teardown(async () => {
      await server.close();
      await warmer.close();
    });
    await prepare(server);
    const hook = await receiver(t);
    const upload = async (id: string, seed: number) =>
      call(
        server,
        'POST',
        '/api/images',
        form([
          ['id', id],
          ['webhook', hook.url],
          ['variants', '["w=9&fmt=png","w=400&fmt=avif"]'],
          ['file', await noise(700, 500, seed)],
        ]),
      );
    for (const [seed, id] of ['b', 'c', 'd'].entries()) t.equal((await upload(id, seed + 50)).status, 202);
    const isDone = async (id: string) => (await server.stores.records.images.get(id))?.status === 'completed';
    await warmer.until(async () => (await Promise.all(['a', 'b', 'c', 'd', 'e'].map(isDone))).every(Boolean));
    t.ok(isMoved);
    t.equal(answered, 202);
    const time = jump(0);
    t.same(await settled(warmer, [], time.pass), []);
    t.ok(time.hours() < 6);
    const told = hook.calls.map(({ body }) => JSON.parse(body).data?.id);
    t.same(
      ['b', 'c', 'd', 'e'].filter((id) => !told.includes(id)),
      [],
      'everybody was told',
    );
    clock.move(-ms - time.hours() * HOUR_MS);
  });

  t.test(`a key that was sent before the clock jumps ${name} is good after it`, async (t) => {
    const own = await temporaryFolder();
    const server = await startServer({ ...ENV, DATA_DIR: own });
    t.teardown(() => server.close());
    const headers = { 'idempotency-key': randomUUID() };
    const file = await noise(20, 20, 60);
    const send = async () => {
      const response = await fetch(`${server.base}/api/images`, {
        method: 'POST',
        headers,
        body: form([['file', file]]),
      });
      return { status: response.status, body: await response.json() };
    };
    const { answers } = server.stores.records;
    const first = await send();
    t.equal(first.status, 202);
    clock.move(ms);
    const again = await send();
    t.equal(again.status, 202);
    // A day is what a key is kept for.
    if (ms < 0) t.same(again.body, first.body);
    const attempt = { owner: 'one that died', seed: 's', holdSeconds: 60, keepSeconds: 86_400 };
    await answers.take('held', attempt);
    clock.move(ms);
    t.match(await answers.take('held', { ...attempt, owner: 'another' }), { state: 'taken' });
    clock.move(-2 * ms);
  });

  t.test(
    `whoever holds the rounds and dies, and the clock jumps ${name}: another one has them`,
    async (t) => {
      const own = await temporaryFolder();
      const warmer = await createWarmer({ ...ENV, DATA_DIR: own });
      t.teardown(() => warmer.close());
      const { locks } = warmer.stores.records;
      t.equal(await locks.lease('sweep', 'one that died', 2), true);
      clock.move(ms);
      await waitFor(() => locks.lease('sweep', 'another', 2));
      clock.move(-ms);
    },
  );
}
