import t, { type Test } from 'tap';
import { startRecords } from '../../support/emulators.dynamodb.ts';
import { startStorage, storeSettings, useKeys } from '../../support/emulators.ts';
import { STEPS, type Step } from './calls.ts';
import { type After, type KillOutcome, killed, row } from './kills.ts';

/** A message that the sweep sends again may have been received by several of these short-lived warmers. */
const RECEIVES = 100;

/** One kill over stores that nobody else uses; undefined, and told, where there is no DynamoDB. */
async function killedOnAws(t: Test, step: Step, k: number, after: After): Promise<KillOutcome | undefined> {
  const records = await startRecords();
  if ('missing' in records) return void t.pass('needs DynamoDB', { skip: records.missing });
  const storage = await startStorage({ maxReceives: RECEIVES });
  useKeys();
  try {
    return { ...(await killed(step, k, after, storeSettings(storage, records))), after };
  } finally {
    await storage.stop();
    await records.stop();
  }
}

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
