import t from 'tap';
import { startServer } from '../support/server.ts';
import { flows, MAX_UPLOAD_BYTES } from './api-flows.ts';
import { repeats } from './api-repeats.ts';

t.test('the management API over files and SQLite', async (t) => {
  const server = await startServer({ MAX_UPLOAD_BYTES: String(MAX_UPLOAD_BYTES) });
  t.teardown(() => server.close());
  await flows(t, server);
  await repeats(t, server);
});
