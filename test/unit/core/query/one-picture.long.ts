import t from 'tap';
import { seeded, seedOfRun } from '../../../support/seeded.ts';
import { lookForTwins } from '../../../support/twins.ts';

t.setTimeout(3_600_000);

const QUERIES = 10_000;

t.test(`${QUERIES} random queries: no two keys for one picture, no two pictures for one key`, async (t) => {
  const seed = seedOfRun();
  const twins = await lookForTwins(QUERIES, seeded(seed));
  t.comment(`seed ${seed}, ${twins.count} queries, ${twins.findings.length} findings`);
  t.same(twins.findings.slice(0, 5), []);
});
