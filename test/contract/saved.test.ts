import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { createWarmer } from '../support/warmer.ts';

// Written by commit a4170a7: an upload whose message waits, one that is done, and one whose server was killed after it
// had written `uploaded`.
t.test(
  'a data folder that an older program wrote goes on working, with all that was under way in it',
  async (t) => {
    const folder = t.testdir();
    await cp(join(import.meta.dirname, 'saved/a4170a7'), folder, { recursive: true });
    const warmer = await createWarmer({ DATA_DIR: folder, SWEEP_SECONDS: '1', VISIBILITY_SECONDS: '1' });
    t.teardown(() => warmer.close());
    const { records } = warmer.stores;
    t.match(await records.images.get('queued'), { title: 'Old', status: 'processing' });
    t.match((await records.collections.list({ limit: 10 })).items, [{ name: 'old', count: 0 }]);
    await warmer.until(async () => {
      await warmer.rounds.run();
      const { items } = await records.images.list({ limit: 10 });
      return items.length === 3 && items.every(({ status }) => status === 'completed');
    });
    for (const [id, count] of [
      ['queued', 2],
      ['plain', 0],
      ['stuck', 1],
    ] as const) {
      const variants = await warmer.variants(id);
      t.same(
        variants.map(({ status }) => status),
        Array.from({ length: count }, () => 'ready'),
        id,
      );
      t.notOk((await records.images.get(id))?.owed, 'nothing is owed');
    }
    await warmer.management.library.remove('queued');
    t.equal(await records.images.get('queued'), undefined);
  },
);
