import t from 'tap';
import { crash } from './scenario.ts';

// All steps, and as many kills as a deployment sees in a year, are in the long form.
t.test('what is killed loses nothing that was accepted, and makes each variant once', async (t) => {
  const { accepted, faults, kills } = await crash({
    images: 3,
    warmers: 1,
    kills: 1,
    serverKills: 1,
    seed: 7,
  });
  t.equal(accepted, 3);
  t.same(faults, [], `${JSON.stringify(kills)}`);
});
