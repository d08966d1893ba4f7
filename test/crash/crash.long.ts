import t from 'tap';
import { crash } from './scenario.ts';

t.test('200 images, 40 kills of a warmer, 8 of the server: nothing is lost or made twice', async (t) => {
  const seed = Date.now() % 1_000_000;
  t.comment(`seed ${seed}`);
  const { accepted, faults } = await crash({ images: 200, warmers: 2, kills: 40, serverKills: 8, seed });
  t.equal(accepted, 200);
  t.same(faults, []);
});
