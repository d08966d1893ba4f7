import t from 'tap';
import { startServer } from '../support/server.ts';
import { flows } from './api-flows.ts';

t.test('the management API over files and SQLite', async (t) => {
  const server = await startServer();
  t.teardown(() => server.close());
  await flows(t, server);
});
