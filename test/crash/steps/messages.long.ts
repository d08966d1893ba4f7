import t from 'tap';
import { killedAtWork, MESSAGES } from './messages.ts';

for (const [name, cause] of MESSAGES) {
  t.test(`${name}, its warmer killed after each of its writes`, async (t) => {
    const { writes, faults } = await killedAtWork(t, cause, Number.POSITIVE_INFINITY);
    t.same(faults, [], `whole: ${writes} writes`);
    for (let k = 1; k <= writes; k++)
      t.same((await killedAtWork(t, cause, k)).faults, [], `after write ${k} of ${writes}`);
  });
}
