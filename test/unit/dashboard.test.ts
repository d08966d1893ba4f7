import { readFileSync } from 'node:fs';
import t from 'tap';
import { METRIC_KEYS, METRICS, type MetricRow, nameOf } from '../../server/telemetry/metrics-table.ts';
import { dashboard, expressions, type Panel } from '../support/dashboard.ts';
import { ROOT } from '../support/markdown.ts';

const ROWS = new Map<string, MetricRow>(METRIC_KEYS.map((key) => [nameOf(key), METRICS[key]]));

/** Names of ours in a text, each with the row that it is of. */
function named(text: string): { name: string; row: MetricRow | undefined }[] {
  const names = text.match(/\brendition_[a-z_]+\b/g) ?? [];
  return names.map((name) => {
    const parts = ROWS.get(name.replace(/_(bucket|sum|count)$/, ''));
    return { name, row: parts?.kind === 'histogram' && name !== nameOfRow(parts) ? parts : ROWS.get(name) };
  });
}

const nameOfRow = ({ name }: MetricRow): string => `rendition_${name}`;

t.test('every metric of the dashboard and of the pages is a row of the table', (t) => {
  const pages = [
    'docs/grafana.json',
    'docs/metrics.md',
    'docs/operations.md',
    'docs/one-machine.md',
    'CHANGELOG.md',
  ];
  for (const page of pages)
    for (const { name, row } of named(readFileSync(ROOT + page, 'utf8'))) t.ok(row, `${page}: ${name}`);
  t.end();
});

t.test('the dashboard asks by labels that the metrics have, and shows what each program does', (t) => {
  const shown = new Set<string>();
  for (const { title, expr } of expressions()) {
    const rows = named(expr).flatMap(({ row }) => row ?? []);
    for (const row of rows) shown.add(row.name);
    const labels = [...expr.matchAll(/by \(([^)]*)\)|([a-z]+)=~?"/g)].flatMap(([, list, label]) =>
      (list ?? label ?? '').split(/,\s*/),
    );
    const known = new Set(['le', 'job', 'instance', ...rows.flatMap((row) => row.labels)]);
    for (const label of labels) t.ok(known.has(label), `${title}: ${label}`);
  }
  t.ok(shown.size >= 30, `${shown.size} of ${ROWS.size} are shown`);
  t.end();
});

/** Units of Grafana (packages/grafana-data, valueFormats/categories) by what a metric measures. */
const UNITS: readonly (readonly [name: RegExp, units: readonly string[]])[] = [
  [/_seconds(_bucket|_sum|$)/, ['s', 'percentunit', 'short']],
  [/_bytes(_total|$)/, ['bytes', 'Bps', 'percentunit']],
  [/./, ['short', 'reqps', 'ops', 'percentunit', 's']],
];

const overlap = ({ gridPos: a }: Panel, { gridPos: b }: Panel): boolean =>
  a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;

t.test('the dashboard is one that Grafana takes: variables, places, units', (t) => {
  const { panels, templating } = dashboard();
  t.match(templating.list, [
    { name: 'datasource', type: 'datasource', query: 'prometheus' },
    { name: 'job' },
  ]);
  t.equal(new Set(panels.map(({ id }) => id)).size, panels.length, 'each has an id of its own');
  for (const [index, panel] of panels.entries()) {
    const { title, type, gridPos, datasource, fieldConfig, targets = [] } = panel;
    t.ok(gridPos.x + gridPos.w <= 24, `${title}: within 24 columns`);
    const over = panels.slice(index + 1).filter((other) => overlap(panel, other));
    t.same(
      over.map((other) => other.title),
      [],
      `${title}: over nothing`,
    );
    if (type === 'row') continue;
    t.match(datasource, { type: 'prometheus', uid: /^\$\{datasource\}$/ }, title);
    t.ok(targets.length > 0, title);
    t.equal(new Set(targets.map(({ refId }) => refId)).size, targets.length, title);
    const unit = fieldConfig?.defaults.unit ?? '';
    for (const { expr } of targets) {
      t.match(expr, /job=~"\$job"/, title);
      const name = /\b(?:rendition|process|nodejs)_\w+/.exec(expr)?.[0] ?? '';
      const [, units = []] = UNITS.find(([form]) => form.test(name)) ?? [];
      t.ok(units.includes(unit), `${title}: ${unit} of ${name}`);
    }
  }
  t.end();
});
