import t from 'tap';
import { startServer } from '../support/server.ts';
import { keysSuite } from './keys.ts';

t.test('keys of real buckets over files and SQLite', async (t) => {
  const server = await startServer();
  t.teardown(() => server.close());
  await keysSuite(t, server);
});
