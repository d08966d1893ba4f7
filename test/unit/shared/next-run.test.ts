import t from 'tap';
import { NextRun } from '../../../server/shared/next-run.ts';

t.test('who asks during a run shares the one after it, which sees what was written before', async (t) => {
  const runs = new NextRun<number>();
  const written: number[] = [];
  let begun = 0;
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const work = async () => {
    const seen = written.length;
    await gates[begun++]?.promise;
    return seen;
  };
  const first = runs.join('a', work);
  written.push(1);
  const during = [runs.join('a', work), runs.join('a', work)];
  written.push(2);
  during.push(runs.join('a', work));
  t.equal(await runs.join('b', async () => 7), 7, 'another key waits for nobody');
  t.equal(begun, 1);
  gates[0]?.resolve();
  t.equal(await first, 0);
  gates[1]?.resolve();
  t.same(await Promise.all(during), [2, 2, 2]);
  t.equal(begun, 2);
  t.equal(await runs.join('a', work), 2, 'and then anew');
});

t.test('a run that fails is the failure of those who share it, and of nobody after them', async (t) => {
  const runs = new NextRun<number>();
  const fails = async () => {
    throw new Error('away');
  };
  const first = runs.join('a', fails);
  const second = runs.join('a', async () => 2);
  await t.rejects(first, { message: 'away' });
  t.equal(await second, 2);
  t.equal(await runs.join('a', async () => 3), 3);
});
