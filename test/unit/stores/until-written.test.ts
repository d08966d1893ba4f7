import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
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
