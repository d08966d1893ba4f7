import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import t from 'tap';
import { feedReports } from '../../server/compose/feed-reports.ts';
import { FileObjects } from '../../server/stores/files/objects.ts';
import { Invalidations } from '../../server/writing/invalidations.ts';
import { LOGGED } from '../stacks/metrics.ts';
import { DOCUMENTED, PARQUET_COLUMNS } from './support/documented-metrics.ts';
import { chartsOf, seriesOfAlarms } from './support/series.ts';
import { IMAGE, resources, synthPair, synthStage } from './support/synth.ts';

/** Whether the service publishes a series under these dimensions. */
function exists(namespace: string, name: string, dimensions: readonly string[]): boolean {
  const wanted = [...dimensions].sort().join();
  return (DOCUMENTED[namespace]?.metrics[name] ?? []).some((set) => [...set].sort().join() === wanted);
}

const { replica } = await synthPair(
  { image: IMAGE, origin_order: 'server-first', alarm_email: 'ops@example.com' },
  { region: 'eu-central-1', replica_of: 'prod' },
);
const STACKS = {
  'us-east-1': await synthStage({}),
  'eu-west-1': await synthStage({ region: 'eu-west-1' }),
  'eu-central-1': replica,
};

t.test('a second region has alarms of its own servers and its copy of the table', async (t) => {
  const names = resources(replica, 'aws_cloudwatch_metric_alarm').map(({ alarm_name }) => alarm_name);
  t.same(
    names.sort(),
    ['healthy-servers', 'latency', 'server-errors', 'server-memory', 'throttled'].map(
      (name) => `rendition-second-${name}`,
    ),
  );
  t.match(resources(replica, 'aws_sns_topic_subscription'), [{ endpoint: 'ops@example.com' }]);
  t.equal(resources(replica, 'aws_sns_topic').length, 1);
  t.same(
    chartsOf(replica).map(({ title }) => title),
    [
      '5xx, % of all answers and of the server’s',
      'Healthy servers, tasks',
      'Requests at the edge, at the server',
      'Server p95, s',
      'Server CPU and memory, %',
      'Records written',
      'DynamoDB refusals',
    ],
  );
});

for (const [region, stack] of Object.entries(STACKS)) {
  t.test(`every alarm looks at a series that exists: ${region}`, async (t) => {
    const alarms = resources(stack, 'aws_cloudwatch_metric_alarm');
    t.ok(alarms.length > 4);
    const counted = resources(stack, 'aws_cloudwatch_log_metric_filter').map(({ metric_transformation }) =>
      JSON.stringify(metric_transformation),
    );
    for (const alarm of alarms) {
      const series = seriesOfAlarms(alarm);
      t.ok(series.length > 0, String(alarm.alarm_name));
      for (const { namespace, name, dimensions } of series)
        t.ok(
          exists(namespace, name, Object.keys(dimensions)) ||
            counted.some((text) => text.includes(`"name":"${name}","namespace":"${namespace}"`)),
          `${namespace} ${name} by ${Object.keys(dimensions)}`,
        );
    }
  });

  t.test(`every line of the dashboard is asked for where it is kept: ${region}`, async (t) => {
    for (const { title, lines } of chartsOf(stack)) {
      const ids = lines.map(({ id }) => id).filter(Boolean);
      t.equal(new Set(ids).size, ids.length, `${title}: ids are its own`);
      for (const line of lines) {
        if (!line.namespace) continue;
        t.ok(exists(line.namespace, line.name, line.dimensions), `${title}: ${line.namespace} ${line.name}`);
        const isGlobal = ['AWS/CloudFront', 'AWS/WAFV2', 'AWS/Billing'].includes(line.namespace);
        t.equal(line.region, isGlobal ? 'us-east-1' : region, `${title}: ${line.name}`);
      }
    }
  });
}

/** Whether a pattern of CloudWatch Logs of the kind that we write (`$.name = "text"`, `$.name >= number`, joined by &&) fits. */
function fits(pattern: string, line: Record<string, unknown>): boolean {
  const terms = pattern.replace(/[{}()]/g, '').split('&&');
  return terms.every((term) => {
    const [, name = '', operator, value = ''] = term.match(/\$\.(\w+) (=|>=) (.+?)\s*$/) ?? [];
    const wanted: unknown = JSON.parse(value);
    return operator === '=' ? line[name] === wanted : Number(line[name]) >= Number(wanted);
  });
}

t.test('the warmer’s log has the lines that are counted', async (t) => {
  const lines: Record<string, unknown>[] = [];
  const log = pino({ base: null }, { write: (line: string) => lines.push(JSON.parse(line)) });
  const folder = await mkdtemp(join(tmpdir(), 'rendition-watch-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const invalidations = new Invalidations({
    cdn: { invalidate: () => Promise.reject(new Error('TooManyInvalidationsInProgress')) },
    originals: await FileObjects.open(folder),
    isMark: () => false,
    log,
    now: () => Date.now() / 1000,
  });
  for (const tries of [0, 3, 4, 9])
    await t.rejects(invalidations.deliver({ kind: 'invalidate', id: 'a.jpg', tries }), {
      message: /^Another try/,
    });
  t.same(
    lines.map((line) => fits(LOGGED.InvalidationsNotTaken, line)),
    [false, false, true, true],
  );
  lines.length = 0;
  const { onRun, onFailure } = feedReports({ log, metrics: { add: () => undefined } });
  const ran = (more: object) => {
    const nothing = { seen: 0, new: 0, changed: 0, pending: 0, vanished: 0, failed: 0, reasons: [] };
    const summary = { startedAt: '2026-01-01T00:00:00.000Z', ...nothing, ...more };
    const refused = { count: 0, first: [] };
    onRun('shop', { source: '', run: 1, isRunning: false, shards: [], documents: {}, refused, summary });
  };
  ran({ failed: 3 });
  ran({ error: 'source_error: It answers 500.' });
  ran({ held: { vanished: 3, of: 9, examples: [] } });
  onFailure(new Error('store_unavailable'), 'shop');
  onFailure(new Error('The list of feeds is no JSON.'), undefined);
  t.same(
    lines.map((line) => fits(LOGGED.FeedsNotBroughtIn, line)),
    [false, true, true, true, true],
  );
  const source = await readFile(new URL('../../server/writing/notify.ts', import.meta.url), 'utf8');
  t.match(source, `'${LOGGED.NotificationsGivenUp.match(/"(.+)"/)?.[1]}'`);
});

t.test('an alarm’s text says where its page is, and the page has it', async (t) => {
  const page = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| ((?:`[a-z-]+`(?:, )?)+) \|/gm)].flatMap(
    ([, names]) => String(names).match(/[a-z-]+/g) ?? [],
  );
  const alarms = resources(await synthStage(), 'aws_cloudwatch_metric_alarm');
  for (const { alarm_name, alarm_description } of alarms) {
    const name = String(alarm_name).replace('rendition-dev-', '');
    t.ok(rows.includes(name), `docs/operations.md has ${name}`);
    t.match(alarm_description, /docs\/operations\.md#where-to-look$/, name);
  }
});

t.test('the queries of access logs name columns that are there', async (t) => {
  const page = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
  const [create = '', queries = ''] = [...page.matchAll(/^```sql\n([\s\S]*?)^```/gm)].map(([, sql]) =>
    String(sql),
  );
  const columns = [...create.matchAll(/`([^`]+)` string/g)].map(([, name]) => String(name));
  const partitions = ['year', 'month', 'day', 'hour'];
  t.ok(columns.length > 8);
  for (const name of columns)
    t.ok(PARQUET_COLUMNS.includes(name) || partitions.includes(name), `a column of the table: ${name}`);
  const used = queries.match(/\b(?:cs?|sc|x|time)_\w+|"[^"]+"/g) ?? [];
  t.ok(used.length > 5);
  for (const name of used) t.ok(columns.includes(name.replaceAll('"', '')), `a column of a query: ${name}`);
  const [delivery] = resources(await synthStage(), 'aws_cloudwatch_log_delivery');
  t.match(delivery, {
    s3_delivery_configuration: [{ suffix_path: '{yyyy}/{MM}/{dd}/{HH}', enable_hive_compatible_path: true }],
  });
});

t.test(
  'warmers follow the backlog of each task and the age of the oldest message, by series that exist',
  async (t) => {
    const policies = resources(await synthStage(), 'aws_appautoscaling_policy');
    const text = JSON.stringify(policies);
    t.match(text, 'waiting / FILL(running, 1)');
    interface Series {
      namespace: string;
      metric_name: string;
      dimensions: { name: string }[];
    }
    const named = [...text.matchAll(/\{[^{}]*"dimensions":\[[^\]]*\][^{}]*"metric_name"[^{}]*\}/g)].map(
      ([found]): Series => JSON.parse(found),
    );
    t.same(named.map(({ metric_name }) => metric_name).sort(), [
      'ApproximateAgeOfOldestMessage',
      'ApproximateNumberOfMessagesVisible',
      'CPUUtilization',
    ]);
    for (const { namespace, metric_name, dimensions } of named)
      t.ok(
        exists(
          namespace,
          metric_name,
          dimensions.map(({ name }) => name),
        ),
        metric_name,
      );
  },
);
