import t from 'tap';
import { STEPS } from './calls.ts';
import { type After, type KillOutcome, killed, row } from './kills.ts';

for (const step of STEPS) {
  t.test(`${step.call}, killed after each of its writes`, async (t) => {
    const { writes, faults } = await killed(step, Number.POSITIVE_INFINITY, 'only the sweep', {});
    t.same(faults, [], `whole: ${writes} writes`);
    const outcomes: KillOutcome[] = [];
    for (let k = 1; k <= writes; k++)
      for (const after of ['repeat', 'only the sweep'] satisfies After[]) {
        const outcome = await killed(step, k, after, {});
        outcomes.push({ ...outcome, after });
        t.same(outcome.faults, [], `${after} after write ${k} of ${writes}`);
        const { status = 200 } = outcome;
        // Done already: a collection that is gone, an image that is out of it, an upload whose bytes are there.
        const others = step.isLeased ? [404, 409, 503] : [404, 409];
        t.ok(status < 300 || others.includes(status), `the repeated call is answered ${status}`);
      }
    t.comment(row(step.call, writes, outcomes));
  });
}
