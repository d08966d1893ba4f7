import t from 'tap';
import { crash } from './scenario.ts';

t.test('what is killed loses nothing that was accepted, and makes each variant once', async (t) => {
  const { accepted, faults, kills } = await crash({
    images: 12,
    warmers: 2,
    kills: 4,
    serverKills: 2,
    seed: 7,
  });
  t.equal(accepted, 12);
  t.same(faults, [], `${JSON.stringify(kills)}`);
});
