import { once } from 'node:events';
import { connect } from 'node:net';
import t from 'tap';
import { call, form, noise } from '../support/api.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';
import { altered, warmerOf } from '../support/warmer.ts';

const HEAD =
  'POST /api/images HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 100000\r\n\r\n';
const PART = '--b\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n';

const dial = ({ app }: TestServer) => connect(Number(new URL(app.listeningOrigin).port), '127.0.0.1');

t.test('who sends a head and nothing more holds no slot', async (t) => {
  const server = await startServer({ MAX_UPLOADS: '1' });
  t.teardown(() => server.close());
  const silent = Array.from({ length: 20 }, () => dial(server));
  for (const socket of silent) socket.on('error', () => {}).write(HEAD);
  const upload = () =>
    noise(9, 9).then((file) => call(server, 'POST', '/api/images', form([['file', file]])));
  t.equal((await upload()).status, 202);
  t.equal((await upload()).status, 202);
  for (const socket of silent) socket.destroy();
});

t.test('who sends too little a second is told so, and the slot is free again', async (t) => {
  const server = await startServer({ MAX_UPLOADS: '1', MIN_UPLOAD_RATE: '1k' });
  t.teardown(() => server.close());
  const socket = dial(server).on('error', () => {});
  socket.write(HEAD + PART);
  const trickle = setInterval(() => socket.write('.'), 500);
  t.teardown(() => clearInterval(trickle));
  const [answer] = await once(socket, 'data');
  t.match(String(answer), /^HTTP\/1.1 408 [\s\S]*"code":"request_timeout"/);
  clearInterval(trickle);
  await once(socket, 'close');
  await waitFor(() => server.composed.management?.uploads.inFlight === 0);
  const next = form([['file', await noise(9, 9)]]);
  t.equal((await call(server, 'POST', '/api/images', next)).status, 202);
  t.same(
    (await server.stores.originals.list({ prefix: '', limit: 9 })).items.length,
    1,
    'nothing of it stays',
  );
});

t.test(
  'a queue that says nothing holds no upload up: what it did not take is owed, and sent by the sweep',
  async (t) => {
    const warmer = await warmerOf(t, { SWEEP_SECONDS: '1', VISIBILITY_SECONDS: '1' });
    let sends = 0;
    const send = () => {
      sends += 1;
      return new Promise<void>(() => {});
    };
    const DATA_DIR = warmer.config.dataDir;
    const server = await startServer({ DATA_DIR }, {}, (stores) => ({
      ...stores,
      records: { ...stores.records, takesJobs: false },
      jobs: altered(stores.jobs, { send }),
    }));
    t.teardown(() => server.close());
    const parts = [
      ['id', 'a'],
      ['variants', '["w=9&fmt=png"]'],
      ['file', await noise(30, 20)],
    ] as const;
    t.equal((await call(server, 'POST', '/api/images', form(parts))).status, 202);
    t.ok(sends > 0);
    t.match((await warmer.stores.records.images.get('a'))?.owed, { rewarm: 'open' });
    await waitFor(async () => {
      await warmer.rounds.run();
      return (await warmer.stores.jobs.depth()).ready > 0;
    });
    await warmer.until(async () => (await warmer.stores.records.images.get('a'))?.status === 'completed');
  },
);
