import fc from 'fast-check';
import t from 'tap';
import { Admission, type Permit } from '../../../server/shared/admission.ts';

const SLOTS = 2;

const settled = <T>(value: T) => new Promise<T>((resolve) => setImmediate(() => resolve(value)));

/** Time that the patient let pass right before this one, which would be lost without them. */
function passedBefore(list: readonly { isPatient: boolean; pass: number }[], index: number): number {
  let sum = 0;
  for (let place = index - 1; list[place]?.isPatient; place--) sum += list[place]?.pass ?? 0;
  return sum;
}

/** Renders of 100 ms each on two slots, on a clock of the test's own. */
function queue({ paceOf = 1 }: { paceOf?: number } = {}) {
  let time = 0;
  const limits = { slots: SLOTS, bytes: 1e9, maxWaitMs: 1000, burstWaitMs: 10_000, name: 'renders' };
  const admission = new Admission(limits, () => time);
  const under = new Map<Permit, number>();
  const waits: number[] = [];
  const refused: number[] = [];
  const come = () => {
    const since = time;
    admission.acquire({ ms: 100, bytes: 1, kind: 'jpeg' }).then(
      (permit) => {
        waits.push(permit.waitedMs);
        under.set(permit, time + 100 * paceOf);
      },
      () => refused.push(time - since),
    );
  };
  /** One step of 10 ms. */
  const step = async () => {
    time += 10;
    for (const [permit, end] of under) {
      if (end > time) continue;
      under.delete(permit);
      permit.release();
    }
    await new Promise((resolve) => setImmediate(resolve));
  };
  const run = async (seconds: number, perSecond = 0) => {
    const steps = seconds * 100;
    for (let lap = 0, due = 0; lap < steps; lap++) {
      for (due += perSecond / 100; due >= 1; due--) come();
      await step();
    }
  };
  return { admission, come, run, waits, refused };
}

t.test('all pictures of a page are let in at once, and served', async (t) => {
  const { come, run, waits, refused } = queue();
  for (let picture = 0; picture < 60; picture++) come();
  await run(4);
  t.same([waits.length, refused.length], [60, 0]);
});

t.test('page after page is served, as long as there is time between them', async (t) => {
  const { come, run, waits, refused } = queue();
  for (let page = 0; page < 10; page++) {
    for (let picture = 0; picture < 60; picture++) come();
    await run(4);
  }
  t.same([waits.length, refused.length], [600, 0]);
});

t.test('four times too many: after a while nobody waits long, and no slot is idle', async (t) => {
  const { admission, run, waits, refused } = queue();
  await run(30, 80);
  const begun = waits.length;
  await run(30, 80);
  const later = waits.slice(begun);
  t.ok(later.length >= 0.97 * 30 * 10 * SLOTS, `${later.length} renders in 30 s`);
  t.ok(Math.max(...later) <= 2000, `${Math.max(...later)} ms at most`);
  t.ok(refused.length > 1000);
  t.equal(admission.refused, refused.length);
  await run(1.3);
  t.match(admission.load, { holders: 0, waiting: 0 }, 'all is done within a second and a render');
});

t.test('a page is let in again once the queue has been empty', async (t) => {
  const { come, run, waits, refused } = queue();
  await run(30, 80);
  await run(3);
  const [before, already] = [waits.length, refused.length];
  for (let picture = 0; picture < 60; picture++) come();
  await run(4);
  t.same([waits.length - before, refused.length - already], [60, 0]);
});

t.test(
  'where renders take longer than they are priced at, who has waited for too long is refused',
  async (t) => {
    const { run, waits, refused } = queue({ paceOf: 8 });
    await run(60, 10);
    t.ok(
      refused.some((ms) => ms > 0),
      'after having been let in',
    );
    t.ok(Math.max(...waits) <= 10_000, 'but none after more than it is worth');
    t.ok(waits.length >= (0.9 * 60 * SLOTS) / 0.8, `${waits.length} renders`);
  },
);

t.test('what nobody waits for is not refused for having waited', async (t) => {
  let time = 0;
  const limits = { slots: 1, bytes: 1e9, maxWaitMs: 100, name: 'renders' };
  const admission = new Admission(limits, () => time);
  const holder = await admission.acquire({ ms: 10, bytes: 1 });
  const patient = admission.acquire({ ms: 10, bytes: 1, isPatient: true });
  time = 60_000;
  holder.release();
  t.equal((await patient).waitedMs, 60_000);
});

t.test('nobody waits where there is room, whatever those who are in cost', async (t) => {
  const admission = new Admission({ slots: 2, bytes: 1e9, maxWaitMs: 1000, name: 'renders' }, () => 0);
  await admission.acquire({ ms: 60_000, bytes: 1 });
  t.equal(admission.pressureMs(), 0);
  t.equal(admission.refusal(), undefined);
  await admission.acquire({ ms: 60_000, bytes: 1 });
  t.ok(admission.pressureMs() > 10_000);
  t.equal(admission.refusal(), admission.refusal(), 'made once');
  t.match(admission.refusal(), { code: 'overloaded', facts: { retryAfterSeconds: 30 } });
});

t.test('whoever is patient takes nothing from those who are not: property over arrivals', async (t) => {
  const acts = fc.array(
    fc.record({ isPatient: fc.boolean(), ms: fc.integer({ min: 1, max: 900 }), pass: fc.nat(400) }),
    { maxLength: 40 },
  );
  const play = async (list: readonly { isPatient: boolean; ms: number; pass: number }[]) => {
    let time = 0;
    const limits = { slots: 1, bytes: 1e9, maxWaitMs: 1000, burstWaitMs: 3000, name: 'renders' };
    const admission = new Admission(limits, () => time);
    // One who is in all the time: what is in counts for everybody, whoever it is.
    await admission.acquire({ ms: 100, bytes: 1 });
    const seen: unknown[] = [];
    for (const { isPatient, ms, pass } of list) {
      time += pass;
      const entered = admission.acquire({ ms, bytes: 1, isPatient });
      const outcome = Promise.race([
        entered.then(
          () => 'in',
          () => 'refused',
        ),
        settled('waits'),
      ]);
      if (!isPatient) seen.push([await outcome, admission.pressureMs(), admission.refusal()?.code]);
      else entered.catch(() => undefined);
    }
    return seen;
  };
  const property = fc.asyncProperty(acts, async (list) => {
    const alone = list.map((act, index) => ({
      ...act,
      pass: act.pass + passedBefore(list, index),
    }));
    t.same(await play(list), await play(alone.filter(({ isPatient }) => !isPatient)));
  });
  await fc.assert(property, { numRuns: 200 });
});

t.test('a queue of the patient alone neither lasts nor keeps one lasting', async (t) => {
  let time = 0;
  const limits = { slots: 1, bytes: 1e9, maxWaitMs: 1000, burstWaitMs: 3000, name: 'renders' };
  const admission = new Admission(limits, () => time);
  const holder = await admission.acquire({ ms: 100, bytes: 1 });
  const patient = Array.from({ length: 5 }, () => admission.acquire({ ms: 500, bytes: 1, isPatient: true }));
  t.equal(admission.load.waiting, 5);
  t.equal(admission.pressureMs(), 50, 'half of what is in');
  time = 60_000;
  const live = Array.from({ length: 20 }, () => admission.acquire({ ms: 100, bytes: 1 }));
  t.equal(admission.refusal(), undefined, 'a burst waits longer than a second');
  t.equal(admission.load.waiting, 25, 'nobody is refused');
  holder.release();
  for (const permit of [...live, ...patient]) (await permit).release();
});
