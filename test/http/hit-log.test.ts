import t, { type Test } from 'tap';
import { corpus } from '../support/corpus.ts';
import { bytesOf, startServer } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';

const PATH = '/img/a?w=64&fmt=webp';

/** A server that has answered its only URL once, so that all further answers are hits. */
async function warm(t: Test, env: Record<string, string>) {
  const server = await startServer({ VERSION_SECONDS: '3600', ...env });
  t.teardown(() => server.close());
  await server.put('a', await corpus('samples/ladybug.jpg'));
  const first = await server.get(PATH);
  const size = (await bytesOf(first)).length;
  const hit = async (headers: Record<string, string>) => {
    const answer = await server.get(PATH, { headers });
    t.equal(answer.headers.get('x-image-cache'), 'memory');
    t.equal(answer.headers.get('x-request-id'), headers['x-request-id']);
    await bytesOf(answer);
  };
  const lines = (msg: string) => server.lines.filter((line) => line['msg'] === msg);
  return { server, size, hit, lines, etag: first.headers.get('etag') ?? '' };
}

t.test('hits are counted, with one line a second for each status, and one of them in it', async (t) => {
  const { server, size, hit, lines, etag } = await warm(t, {});
  for (const id of ['a1', 'a2', 'a3']) await hit({ 'x-request-id': id });
  for (const id of ['b1', 'b2']) await hit({ 'x-request-id': id, 'if-none-match': etag });
  await waitFor(() => lines('hits').reduce((sum, { hits }) => sum + Number(hits), 0) === 5);
  const [sent] = lines('hits').filter(({ status }) => status === 200);
  t.match(sent, { tier: 'memory', maxMs: Number, sample: { requestId: 'a1', method: 'GET', id: 'a' } });
  t.match(sent, { sample: { canonical: 'fmt=webp&w=64', status: 200, bytes: size } });
  const [unchanged] = lines('hits').filter(({ status }) => status === 304);
  t.match(unchanged, { tier: 'memory', bytes: 0, sample: { requestId: 'b1', status: 304 } });
  const sum = lines('hits').reduce((bytes, line) => bytes + Number(line['bytes']), 0);
  t.equal(sum, 3 * size, 'bytes that were sent');
  // One that takes 50 ms has a line of its own as well: on a machine that is busy any of them may.
  const own = lines('request').filter(({ tier, ms }) => tier !== 'memory' || Number(ms) < 50);
  t.equal(own.length, 1, 'a line of its own has only what was no hit, or slow');
  const metrics = await (await server.get('/metrics')).text();
  t.match(metrics, 'rendition_requests_total{tier="memory",status="200"} 3');
  t.match(metrics, 'rendition_requests_total{tier="memory",status="304"} 2');
});

t.test(
  'where it listens is said by who starts it, not once more for each address of the machine',
  async (t) => {
    const { server, lines } = await warm(t, {});
    t.same(
      server.lines.filter(({ msg }) => /listening/i.test(String(msg))),
      [],
    );
    t.equal(lines('request').length, 1, 'requests have their lines all the same');
  },
);

t.test('what has been counted is written when it is asked for, as at the end of the process', async (t) => {
  const { server, hit, lines } = await warm(t, {});
  await hit({ 'x-request-id': 'last' });
  server.composed.deps.hitLog.flush();
  t.match(lines('hits'), [{ hits: 1, sample: { requestId: 'last' } }]);
  server.composed.deps.hitLog.flush();
  t.equal(lines('hits').length, 1, 'once');
});

t.test('LOG_HITS=all gives each a line, none gives none; both count', async (t) => {
  for (const [mode, requests] of [
    ['all', ['c1', 'c2']],
    ['none', []],
  ] as const) {
    const { server, hit, lines } = await warm(t, { LOG_HITS: mode });
    for (const id of ['c1', 'c2']) await hit({ 'x-request-id': id });
    server.composed.deps.hitLog.flush();
    t.same(
      lines('request')
        .filter(({ tier }) => tier === 'memory')
        .map(({ requestId }) => requestId),
      requests,
      mode,
    );
    t.same(lines('hits'), [], mode);
    const metrics = await (await server.get('/metrics')).text();
    t.match(metrics, 'rendition_requests_total{tier="memory",status="200"} 2');
  }
});

t.test('what machines ask every few seconds is no line at info', async (t) => {
  const { server, lines } = await warm(t, {});
  for (const path of ['/healthz', '/readyz', '/metrics', '/nothing']) await bytesOf(await server.get(path));
  await waitFor(() => lines('request').some(({ url }) => url === '/nothing'));
  t.same(
    lines('request').map(({ url }) => url),
    [PATH, '/nothing'],
  );
});
