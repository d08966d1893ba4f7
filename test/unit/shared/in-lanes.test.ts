import t from 'tap';
import { inLanes } from '../../../server/shared/in-lanes.ts';

const ITEMS = Array.from({ length: 35 }, (_, n) => n);

t.test('ten are under way at a time, and results have the order of their items', async (t) => {
  let running = 0;
  let most = 0;
  const work = async (n: number) => {
    running += 1;
    most = Math.max(most, running);
    for (let turn = 0; turn < 40 - n; turn++) await undefined;
    running -= 1;
    return n * 2;
  };
  t.same(
    await inLanes(ITEMS, work),
    ITEMS.map((n) => n * 2),
  );
  t.equal(most, 10);
  t.same(await inLanes([], work), []);
});

t.test('one that fails holds no others back', async (t) => {
  const begun: number[] = [];
  const work = async (n: number) => {
    begun.push(n);
    if (n === 3) throw new Error('three');
  };
  await t.rejects(inLanes(ITEMS, work), /three/);
  await new Promise(setImmediate);
  t.same(begun, ITEMS);
});
