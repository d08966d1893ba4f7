import t from 'tap';
import { learnedFigures } from '../../bench/learned.ts';

t.test('a replayed log: the forms that make up 90 % are found, and warmed', async (t) => {
  const { wanted, learned, different, bytes, hits, firstVisits, foretold } = await learnedFigures();
  t.ok(different > 5000);
  t.same(
    wanted.filter((one) => !learned.includes(one)),
    [],
  );
  t.ok(learned.length <= 32 && bytes < 16_000);
  t.ok(hits / firstVisits > 0.9, `${hits} of ${firstVisits}`);
  t.ok(Math.abs(hits / firstVisits - foretold) < 0.05);
});
