import { readFileSync } from 'node:fs';
import t from 'tap';
import { METRIC_KEYS, METRICS, type MetricRow, nameOf } from '../../server/telemetry/metrics-table.ts';
import { expressions } from '../support/dashboard.ts';
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
