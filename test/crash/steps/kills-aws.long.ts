import t, { type Test } from 'tap';
import { STEPS, type Step } from './calls.ts';
import { type After, type KillOutcome, killed, row } from './kills.ts';
import { onAws } from './on-aws.ts';

const killedOnAws = (t: Test, step: Step, k: number, after: After): Promise<KillOutcome | undefined> =>
  onAws(t, async (stores) => ({ ...(await killed(step, k, after, stores)), after }));

for (const step of STEPS) {
  t.test(`${step.call} over S3, DynamoDB and SQS, killed after each of its writes`, async (t) => {
    const whole = await killedOnAws(t, step, Number.POSITIVE_INFINITY, 'only the sweep');
    if (!whole) return;
    t.same(whole.faults, [], `whole: ${whole.writes} writes`);
    const outcomes: KillOutcome[] = [];
    for (let k = 1; k <= whole.writes; k++) {
      // Both ends of a kill are in kills.long.ts; here one of them, the other with the next write.
      const after = k % 2 ? 'only the sweep' : 'repeat';
      const outcome = await killedOnAws(t, step, k, after);
      if (outcome) outcomes.push(outcome);
      t.same(outcome?.faults, [], `${after} after write ${k} of ${whole.writes}`);
    }
    t.comment(row(step.call, whole.writes, outcomes));
  });
}
