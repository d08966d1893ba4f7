import t from 'tap';
import { killedAtWork, MESSAGES } from './messages.ts';
import { onAws } from './on-aws.ts';

// What fetches from elsewhere; the other kinds of messages are killed over files and SQLite alone.
for (const [name, cause] of MESSAGES.filter(([name]) => name.startsWith('fetch'))) {
  t.test(`${name} over S3, DynamoDB and SQS, its warmer killed after each of its writes`, async (t) => {
    const killed = (k: number) => onAws(t, (stores) => killedAtWork(t, cause, k, stores));
    const whole = await killed(Number.POSITIVE_INFINITY);
    if (!whole) return;
    t.same(whole.faults, [], `whole: ${whole.writes} writes`);
    // Every other write: messages.long.ts has all of them, over files and SQLite.
    for (let k = 1; k <= whole.writes; k += 2)
      t.same((await killed(k))?.faults, [], `after write ${k} of ${whole.writes}`);
  });
}
