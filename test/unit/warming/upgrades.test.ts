import t from 'tap';
import type { Jobs, OutgoingJob } from '../../../server/stores/jobs.ts';
import { readJob } from '../../../server/warming/jobs.ts';
import { Upgrades } from '../../../server/warming/upgrades.ts';

/** A queue as long as it says, which notes what it is sent. */
function told({ ready = 0, fails = false } = {}) {
  const sent: (string | OutgoingJob)[] = [];
  const failures: unknown[] = [];
  const state = { ready, fails };
  const jobs: Pick<Jobs, 'send' | 'depth'> = {
    depth: async () => ({ ready: state.ready, inFlight: 0, dead: 0 }),
    send: async (outgoing) => {
      if (state.fails) throw new Error('away');
      sent.push(...outgoing);
    },
  };
  const upgrades = new Upgrades({ jobs, onFailure: (error) => failures.push(error) });
  const read = () => sent.splice(0).map((job) => readJob(typeof job === 'string' ? job : job.body));
  return { upgrades, state, failures, read };
}

const result = (id: string, canonical: string, isStored = true) => ({
  id,
  canonical,
  version: 'v+marks',
  isStored,
});

t.test('one message for an image, each result once, and of the original alone', async (t) => {
  const { upgrades, read } = told();
  for (const name of ['w=1', 'w=2', 'w=1']) upgrades.note(result('a', name));
  upgrades.note(result('a', 'w=3', false));
  upgrades.note(result('b', 'w=1'));
  await upgrades.flush();
  t.same(read(), [
    { kind: 'upgrade', id: 'a', version: 'v', stored: ['w=1', 'w=2'], missing: ['w=3'] },
    { kind: 'upgrade', id: 'b', version: 'v', stored: ['w=1'], missing: [] },
  ]);
  upgrades.note(result('a', 'w=1'));
  await upgrades.flush();
  t.same(read(), [], 'once');
  upgrades.note(result('a', 'w=3', false));
  await upgrades.stop();
  t.match(read(), [{ missing: ['w=3'] }], 'what was made in haste again is told again');
});

t.test('long lists are split', async (t) => {
  const { upgrades, read } = told();
  for (let w = 1; w <= 120; w++) upgrades.note(result('a', `w=${w}`, w % 2 === 0));
  await upgrades.flush();
  const jobs = read();
  t.equal(jobs.length, 3);
  const names = jobs.flatMap((job) => (job.kind === 'upgrade' ? [...job.stored, ...job.missing] : []));
  t.equal(new Set(names).size, 120);
});

t.test(
  'a long queue gets nothing that nobody waits for, nor does one that is away; it is told later',
  async (t) => {
    const { upgrades, state, failures, read } = told({ ready: 10_000 });
    upgrades.note(result('a', 'w=1'));
    await upgrades.flush();
    t.same(read(), []);
    Object.assign(state, { ready: 0, fails: true });
    upgrades.note(result('a', 'w=1'));
    await upgrades.flush();
    t.match(failures, [{ message: 'away' }]);
    state.fails = false;
    upgrades.note(result('a', 'w=1'));
    await upgrades.flush();
    t.match(read(), [{ stored: ['w=1'] }]);
  },
);

t.test('a message without its parts is none', async (t) => {
  const whole = { kind: 'upgrade', id: 'a', version: 'v', stored: ['w=1'], missing: [] };
  t.same(readJob(JSON.stringify(whole)), whole);
  for (const change of [
    { id: '' },
    { version: 1 },
    { stored: 'w=1' },
    { missing: [1] },
    { missing: undefined },
  ])
    t.match(readJob(JSON.stringify({ ...whole, ...change })), { kind: 'unknown', reason: /upgrade/ });
});
