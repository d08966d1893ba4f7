import { METRIC_KEYS, METRICS, type MetricRow, nameOf } from '../server/telemetry/metrics-table.ts';
import { code, plain, table } from './markdown.ts';

/** The table of metrics, by program and name. */
export function metrics(): string {
  const rows = METRIC_KEYS.map((key) => {
    const { kind, programs, labels, help }: MetricRow = METRICS[key];
    return [code(nameOf(key)), kind, labels.map(code).join(', '), programs.join(', '), plain(help)];
  });
  return table(['metric', 'kind', 'labels', 'of', 'what it says'], rows);
}
