import { Histogram, Registry } from 'prom-client';
import t from 'tap';
import { openStores } from '../../../server/compose/stores.ts';
import { loadConfig } from '../../../server/config/settings.ts';
import { Problem } from '../../../server/shared/errors.ts';
import type { Stores } from '../../../server/stores/stores.ts';
import { countedStores } from '../../../server/telemetry/counted-stores.ts';
import { listenFor } from '../../../server/telemetry/listen.ts';
import { Metrics } from '../../../server/telemetry/metrics.ts';
import { METRICS } from '../../../server/telemetry/metrics-table.ts';
import { temporaryFolder } from '../../support/folders.ts';
import { addressOf } from '../../support/ports.ts';
import { waitFor } from '../../support/wait.ts';
import { altered } from '../../support/warmer.ts';

t.test('a port for machines answers its pages and nothing else', async (t) => {
  const server = await listenFor(
    { port: 0, host: '127.0.0.1' },
    { '/healthz': () => ({ status: 503 }), '/metrics': async () => ({ type: 'text/plain', body: 'a 1\n' }) },
  );
  t.teardown(() => server.close());
  const base = `http://127.0.0.1:${addressOf(server).port}`;
  const metrics = await fetch(`${base}/metrics?x=1`);
  t.same(
    [metrics.status, metrics.headers.get('content-type'), await metrics.text()],
    [200, 'text/plain', 'a 1\n'],
  );
  t.equal((await fetch(`${base}/healthz`)).status, 503);
  for (const path of ['/', '/metrics/', '/img/a', '/toString'])
    t.equal((await fetch(base + path)).status, 404, path);
});

t.test('calls of stores are counted by how they end, and are the calls that were made', async (t) => {
  const stores = await openStores(loadConfig({ DATA_DIR: await temporaryFolder() }));
  t.teardown(() => stores.close());
  const errors: Record<string, Error> = {
    failed: new Problem('store_unavailable', 'It is away.'),
    refused: new Problem('not_allowed', 'It is read only.'),
    ended: new DOMException('Nobody waits.', 'AbortError'),
    broken: new Error('A bug.'),
  };
  const head = (key: string) => (errors[key] ? Promise.reject(errors[key]) : stores.originals.head(key));
  const faulty: Stores = { ...stores, originals: altered(stores.originals, { head }) };
  const metrics = new Metrics('server');
  const { originals, records, jobs } = countedStores(faulty, metrics);
  await originals.put('a', Buffer.from('x'), { contentType: 'text/plain' });
  t.match(await originals.head('a'), { key: 'a', size: 1 });
  t.equal(originals.hasMd5, stores.originals.hasMd5);
  for (const [name, error] of Object.entries(errors)) await t.rejects(originals.head(name), error, name);
  await records.images.create({ id: 'a', status: 'uploaded', createdAt: new Date().toISOString() });
  await jobs.send(['x']);
  t.equal((await jobs.deadLetters.receive({ max: 1, waitSeconds: 0, visibilitySeconds: 1 })).length, 0);
  const text = await metrics.text();
  for (const [labels, count] of [
    ['store="originals",call="head",outcome="ok"', 1],
    ['store="originals",call="head",outcome="failed"', 2],
    ['store="originals",call="head",outcome="refused"', 1],
    ['store="originals",call="head",outcome="ended"', 1],
    ['store="records",call="images.create",outcome="ok"', 1],
    ['store="jobs",call="deadLetters.receive",outcome="ok"', 1],
  ] as const)
    t.ok(text.includes(`rendition_store_calls_total{${labels}} ${count}\n`), labels);
  t.ok(text.includes('rendition_store_call_seconds_count{store="jobs"} 1\n'), 'a long poll has no time');
});

t.test('a metric of another program, or of another kind, is a mistake that is told', (t) => {
  const metrics = new Metrics('server');
  t.throws(() => metrics.add('jobsEnded', { kind: 'warm', outcome: 'done' }), /not a metric of this program/);
  t.throws(() => metrics.observe('requests', 1), /no histogram/);
  t.throws(() => metrics.add('requestSeconds'), /no counter/);
  t.end();
});

t.test(
  'the lag of an event loop that is idle is none, and a page that comes at once after another has numbers',
  async (t) => {
    const metrics = new Metrics('server');
    const lagOf = async (what: string) =>
      Number(new RegExp(`^nodejs_eventloop_lag_${what}_seconds (.*)$`, 'm').exec(await metrics.text())?.[1]);
    await waitFor(async () => {
      const seconds = await lagOf('mean');
      return seconds > 0 && seconds < 0.05;
    });
    for (const what of ['min', 'max', 'mean', 'stddev', 'p50', 'p90', 'p99'])
      for (let page = 0; page < 3; page++) {
        const seconds = await lagOf(what);
        t.ok(seconds >= 0 && seconds < 300, `${what}: ${seconds}`);
      }
  },
);

t.test(
  'what is observed in haste counts as what is observed at once, whenever it is looked at',
  async (t) => {
    const metrics = new Metrics('server');
    const hasty = metrics.observations('requestSeconds', { tier: 'memory' });
    const others = metrics.observations('requestSeconds', { tier: 'miss' });
    const { buckets, name } = METRICS.requestSeconds;
    const plain = new Histogram({
      name: `rendition_${name}`,
      help: 'x',
      labelNames: ['tier'],
      buckets: [...buckets],
      registers: [],
    });
    const registry = new Registry();
    registry.registerMetric(plain);
    const samplesOf = (text: string) =>
      text.split('\n').filter((line) => line.startsWith(`rendition_${name}_`) && line.includes('memory'));
    // Bounds themselves, what lies between and beyond them, and both sides of a full batch.
    const values = [0, ...buckets, ...buckets.map((bound) => bound * 1.5), 1e-9];
    let observed = 0;
    for (const until of [0, 1, 2, 1023, 1024, 1025, 2048, 5000]) {
      for (; observed < until; observed++) {
        const seconds = values[observed % values.length] ?? 0;
        hasty.add(seconds);
        plain.observe({ tier: 'memory' }, seconds);
      }
      t.same(samplesOf(await metrics.text()), samplesOf(await registry.metrics()), `after ${until}`);
    }
    others.add(1);
    t.match(await metrics.text(), /request_seconds_count\{tier="miss"\} 1\n/);
  },
);
