import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { AGAIN, untilWritten } from '../../../server/stores/until-written.ts';
import { updateWithRetry } from '../../../server/stores/update-record.ts';
import { startServer } from '../../support/server.ts';
import { altered } from '../../support/warmer.ts';

const WRITERS = 30;

t.test('of many writers of one record at once each is written, after two looks at most', async (t) => {
  const server = await startServer();
  t.teardown(() => server.close());
  const { images } = server.stores.records;
  await images.create({ id: 'a', status: 'uploading', createdAt: new Date().toISOString() });
  let looks = 0;
  // As on a busy machine: what was read is old by the time that it is written.
  const slow = altered(images, {
    get: async (id: string) => {
      looks += 1;
      const record = await images.get(id);
      await sleep(5);
      return record;
    },
  });
  const raise = () =>
    updateWithRetry({ images: slow }, 'a', ({ generation = 0 }) => ({ generation: generation + 1 }));
  await Promise.all(Array.from({ length: WRITERS }, raise));
  t.match(await images.get('a'), { generation: WRITERS });
  t.ok(looks <= 2 * WRITERS, `${looks} looks`);
});

t.test(
  'where nobody gets through, those who wait for a turn are refused with the first, not one after the other',
  async (t) => {
    const clock = { ms: 0 };
    t.intercept(performance, 'now', { value: () => clock.ms });
    t.intercept(Math, 'random', { value: () => 0 });
    const lose = async () => {
      clock.ms += 1000;
      return AGAIN;
    };
    const all = await Promise.allSettled(Array.from({ length: WRITERS }, () => untilWritten('b', lose)));
    for (const outcome of all)
      t.match(outcome, { status: 'rejected', reason: { code: 'store_unavailable' } });
    t.ok(clock.ms < 3 * WRITERS * 1000, `${clock.ms} ms`);
    const before = clock.ms;
    const late = () => lose().then((lost) => (clock.ms - before > 15_000 ? 'written' : lost));
    t.equal(await untilWritten('b', late), 'written', 'who comes later has patience of his own');
  },
);
