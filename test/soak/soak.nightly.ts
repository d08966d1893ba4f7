import t from 'tap';
import { seedOfDay } from '../support/seeded.ts';
import { soak } from './soak.ts';

t.test(
  'mixed load for a minute and a half, programs restarted and render processes killed: nobody is let down',
  async (t) => {
    const seed = seedOfDay();
    t.comment(`seed ${seed}`);
    const { faults, answers, restarts, crashes, accepted } = await soak({
      minutes: 1.5,
      seed,
      restartSeconds: 20,
    });
    t.comment([...answers].map(([status, count]) => `${count} x ${status}`).join(', '));
    t.same(faults, []);
    t.ok(accepted > 0);
    t.ok(restarts > 2, `${restarts} restarts`);
    t.ok(crashes > 2, `${crashes} crashes`);
  },
);
