import { spawnSync } from 'node:child_process';
import t from 'tap';
import {
  METRIC_KEYS,
  METRICS,
  type MetricKey,
  type MetricRow,
  nameOf,
  type Program,
} from '../../server/telemetry/metrics-table.ts';
import { call, form, noise, type UploadAnswer } from '../support/api.ts';
import { freePort } from '../support/ports.ts';
import { folderWithPhoto, spawnServer } from '../support/process.ts';
import { remoteServer } from '../support/remote.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';
import { altered, isDrained, warmerOf } from '../support/warmer.ts';

/** Counters by outcome of what this file does not do; their own tests do. */
const ELSEWHERE: readonly MetricKey[] = ['upgrades', 'feedRuns', 'feedPictures'];

/** Names of the metrics that have a sample. */
const sampled = (text: string): Set<string> =>
  new Set(
    [...text.matchAll(/^(rendition_\w+?)(?:_bucket|_sum|_count)?(?:\{[^}]*\})? /gm)].map(
      ([, name = '']) => name,
    ),
  );

const namesOf = (program: Program) =>
  METRIC_KEYS.filter((key) => (METRICS[key] as MetricRow).programs.includes(program)).map(nameOf);

/** Value of a sample, its labels in any order; undefined where there is none. */
function sampleOf(
  text: string,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  for (const [, shown = '', value] of text.matchAll(
    new RegExp(`^rendition_${name}(\\{[^}]*\\})? (\\S+)$`, 'gm'),
  ))
    if (Object.entries(labels).every(([label, text]) => shown.includes(`${label}="${text}"`)))
      return Number(value);
  return undefined;
}

async function scrape(server: TestServer): Promise<string> {
  const answer = await server.get('/metrics');
  t.match(answer.headers.get('content-type'), 'text/plain; version=0.0.4');
  return answer.text();
}

/** What promtool says of a text where it is on this machine: nothing. */
function lint(text: string): string {
  const promtool = process.env['PROMTOOL'];
  if (!promtool) return '';
  const { stdout, stderr, status } = spawnSync(promtool, ['check', 'metrics'], {
    input: text,
    encoding: 'utf8',
  });
  return status === 0 ? '' : stdout + stderr;
}

t.test('names are as Prometheus wants them: base units, _total for what is counted', async (t) => {
  const names = METRIC_KEYS.map(nameOf);
  t.equal(new Set(names).size, names.length, 'each once');
  for (const key of METRIC_KEYS) {
    const { kind, name, help, programs } = METRICS[key] as MetricRow;
    t.match(name, /^[a-z]+(_[a-z]+)*$/, name);
    t.equal(name.endsWith('_total'), kind === 'counter', `${name} is a ${kind}`);
    t.notMatch(name, /_(ms|milliseconds|kb|mb|minutes|hours|percent|info_total|count|sum|bucket)(_|$)/, name);
    if (kind === 'histogram') t.match(name, /_seconds$/, name);
    t.match(help, /^[A-Z].*\.$/s, help);
    t.ok(programs.length > 0, name);
  }
});

t.test('every metric of a server has a sample once everything was done once', async (t) => {
  const warmer = await warmerOf(t);
  const server = await startServer({ DATA_DIR: warmer.config.dataDir });
  t.teardown(() => server.close());
  const file = await noise(60, 40);
  const fields = form([
    ['variants', '["w=20&fmt=webp"]'],
    ['file', file],
  ]);
  const { id } = (await call<UploadAnswer>(server, 'POST', '/api/images', fields)).body;
  const refused = await call(server, 'POST', '/api/images', form([['file', Buffer.from('%PDF-1.7')]]));
  t.equal(refused.status, 415);
  await server.get(`/img/${id}?w=30&fmt=webp`);
  await server.get(`/img/${id}?w=0`);
  await server.get('/api/nothing');
  await call(server, 'POST', '/api/images/import', { urls: [{ url: 'https://else.example/a.jpg' }] });
  const text = await scrape(server);
  t.same(
    namesOf('server').filter((name) => !sampled(text).has(name)),
    [],
  );
  t.equal(sampleOf(text, 'api_requests_total', { operation: 'uploadImages', status: '202' }), 1);
  t.equal(sampleOf(text, 'api_requests_total', { operation: 'uploadImages', status: '415' }), 1);
  t.equal(sampleOf(text, 'uploads_total', { outcome: 'stored' }), 1);
  t.equal(sampleOf(text, 'uploads_total', { outcome: 'refused' }), 1);
  t.equal(sampleOf(text, 'uploaded_bytes_total'), file.length);
  t.equal(sampleOf(text, 'imports_total', { outcome: 'refused' }), 1);
  t.equal(sampleOf(text, 'requests_total', { tier: 'miss', status: '200' }), 1);
  t.equal(sampleOf(text, 'jobs', { state: 'ready' }), 1);
  t.ok((sampleOf(text, 'job_oldest_seconds') ?? -1) >= 0);
  t.ok((sampleOf(text, 'store_calls_total', { store: 'originals', call: 'put', outcome: 'ok' }) ?? 0) >= 1);
  t.ok((sampleOf(text, 'store_calls_total', { store: 'records', call: 'images.create' }) ?? 0) >= 1);
  t.ok((sampleOf(text, 'disk_free_bytes', { folder: 'data' }) ?? 0) > 0);
  t.equal(sampleOf(text, 'build_info', { version: '0', node: process.version }), 1);
  t.equal(sampleOf(text, 'sandbox_layer', { layer: 'empty-environment' }), 1);
  t.equal(lint(text), '');

  // A variant is ready before its job is done: a warmer that stops in between gives the job back, and counts nothing of it.
  await warmer.until(() => isDrained(warmer.stores));
  t.match(await warmer.variants(id), [{ status: 'ready' }]);
  await warmer.rounds.run();
  const warm = await warmer.metrics.text();
  t.same(
    namesOf('warmer').filter((name) => !sampled(warm).has(name)),
    ELSEWHERE.map(nameOf),
  );
  t.equal(sampleOf(warm, 'jobs_ended_total', { kind: 'warm', outcome: 'done' }), 1);
  t.equal(sampleOf(warm, 'variants_warmed_total', { outcome: 'ready' }), 1);
  t.equal(sampleOf(warm, 'variant_ready_seconds_count'), 1);
  t.equal(sampleOf(warm, 'job_wait_seconds_count', { kind: 'warm' }), 1);
  t.equal(lint(warm), '');
});

t.test(
  'a store that fails, and a call that nobody waits for, are told from those that are refused',
  async (t) => {
    const server = await startServer({}, {}, (stores) => ({
      ...stores,
      jobs: altered(stores.jobs, { depth: () => Promise.reject(new Error('away')) }),
    }));
    t.teardown(() => server.close());
    await call(server, 'GET', '/api/images?cursor=x');
    const text = await scrape(server);
    t.equal(sampleOf(text, 'store_calls_total', { call: 'images.list', outcome: 'refused' }), 1);
    t.equal(sampleOf(text, 'jobs', { state: 'ready' }), undefined, 'no sample rather than a wrong one');
    t.ok(
      (sampleOf(await scrape(server), 'store_calls_total', { call: 'depth', outcome: 'failed' }) ?? 0) >= 1,
    );
  },
);

t.test('what is brought from elsewhere is counted, by who waited for it and how it ended', async (t) => {
  const remote = await remoteServer(t);
  const env = {
    DATA_DIR: await folderWithPhoto(t),
    SOURCES: `shop=${remote.base}/`,
    IMPORT_HOSTS: remote.base,
    IMPORT_PRIVATE: '1',
    SOURCE_IDS_PER_HOUR: '1',
  };
  const server = await startServer(env);
  t.teardown(() => server.close());
  const [pulled, imported] = await Promise.all([noise(60, 40), noise(30, 20)]);
  remote.picture('/a.jpg', pulled);
  remote.answer('/away.jpg', (_, response) => void response.writeHead(500).end());
  for (const name of ['none', 'away', 'a', 'b']) await server.get(`/img/shop/${name}.jpg?w=9`);
  const text = await scrape(server);
  for (const outcome of ['fetched', 'absent', 'failed', 'refused'])
    t.equal(sampleOf(text, 'pulls_total', { outcome }), 1, outcome);
  t.equal(sampleOf(text, 'fetched_bytes_total'), pulled.length);
  const good = { url: remote.picture('/i.jpg', imported), id: 'i' };
  const urls = [good, { url: `${remote.base}/gone.jpg` }, { url: 'https://else.example/a.jpg' }];
  await call(server, 'POST', '/api/images/import', { urls });
  const requested = await scrape(server);
  t.equal(sampleOf(requested, 'imports_total', { outcome: 'requested' }), 2);
  t.equal(sampleOf(requested, 'imports_total', { outcome: 'refused' }), 1);
  const warmer = await warmerOf(t, env);
  await warmer.until(() => isDrained(warmer.stores));
  await call(server, 'POST', '/api/images/i/refresh');
  const other = await warmerOf(t, env);
  await other.until(() => isDrained(other.stores));
  const warm = await warmer.metrics.text();
  t.equal(sampleOf(warm, 'fetches_total', { outcome: 'fetched' }), 1);
  t.equal(sampleOf(warm, 'fetches_total', { outcome: 'failed' }), 1);
  t.equal(sampleOf(warm, 'fetched_bytes_total'), imported.length);
  t.equal(sampleOf(await other.metrics.text(), 'fetches_total', { outcome: 'unchanged' }), 1);
});

t.test('METRICS_PORT takes the metrics off the port of everybody', async (t) => {
  const port = await freePort();
  const server = await spawnServer({ METRICS_PORT: String(port), DATA_DIR: await folderWithPhoto(t) });
  t.teardown(() => server.end('SIGKILL'));
  t.equal((await fetch(`${server.base}/metrics`)).status, 404);
  const metrics = `http://127.0.0.1:${port}`;
  await fetch(`${server.base}/img/nothing`);
  await waitFor(async () =>
    (await (await fetch(`${metrics}/metrics`)).text()).includes('requests_total{tier="none"'),
  );
  t.equal((await fetch(`${metrics}/img/nothing`)).status, 404);
});
