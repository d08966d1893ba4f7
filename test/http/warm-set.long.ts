import t from 'tap';
import { learnedFigures } from '../../bench/learned.ts';
import { call, form, noise } from '../support/api.ts';
import { removeFolder, temporaryFolder } from '../support/folders.ts';
import { startServer } from '../support/server.ts';
import { createWarmer } from '../support/warmer.ts';

t.test('a replayed log: the forms that make up 90 % are found, and warmed', async (t) => {
  const { wanted, learned, different, bytes, hits, firstVisits, foretold } = await learnedFigures();
  t.ok(different > 5000);
  t.same(
    wanted.filter((one) => !learned.includes(one)),
    [],
  );
  t.ok(learned.length <= 32 && bytes < 16_000);
  t.ok(hits / firstVisits > 0.9, `${hits} of ${firstVisits}`);
  t.ok(Math.abs(hits / firstVisits - foretold) < 0.05);
});

t.test('whoever asks first for a picture of today finds the sizes that pages asked for before', async (t) => {
  const DATA_DIR = await temporaryFolder();
  t.teardown(() => removeFolder(DATA_DIR));
  const env = { DATA_DIR, WARM_DEFAULTS: 'learned' };
  const server = await startServer(env);
  t.teardown(() => server.close());
  const queries = ['w=20&fmt=webp', 'w=30&fmt=webp', 'w=30&fmt=jpeg'];
  for (let n = 0; n < 20; n++) {
    await server.put(`old-${n}.jpg`, await noise(40, 30, n + 1));
    for (const query of queries) await server.get(`/img/old-${n}.jpg?${query}`);
  }
  // As each minute.
  await server.composed.demand.flush();
  await call(
    server,
    'POST',
    '/api/images',
    form([
      ['id', 'new.jpg'],
      ['file', await noise(40, 30, 99)],
    ]),
  );
  const warmer = await createWarmer(env);
  await warmer.until(async () => (await warmer.stores.records.images.get('new.jpg'))?.status === 'completed');
  await warmer.close();
  for (const query of queries)
    t.equal((await server.get(`/img/new.jpg?${query}`)).headers.get('x-image-cache'), 'stored', query);
  t.equal((await server.get('/img/new.jpg?w=31&fmt=webp')).headers.get('x-image-cache'), 'miss');
});
