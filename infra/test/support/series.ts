import { resource, type Synthesised } from './synth.ts';

export interface Line {
  namespace: string;
  name: string;
  dimensions: string[];
  id: string;
  region: string;
}

type Queries = { metric?: { namespace: string; metric_name: string; dimensions: Record<string, string> } }[];

/** The series that an alarm looks at. */
export function seriesOfAlarms(alarm: Record<string, unknown>) {
  return (alarm.metric_query as Queries).flatMap(({ metric }) =>
    metric ? [{ namespace: metric.namespace, name: metric.metric_name, dimensions: metric.dimensions }] : [],
  );
}

/** Terraform's expression as JSON: texts have `=` for `:`, and what is filled in is a text of its own. */
function evaluated(expression: string): { widgets: Widget[] } {
  const inner = expression.replace(/^\$\{jsonencode\(/, '').replace(/\)\}$/, '');
  return JSON.parse(
    inner
      .replace(/"(\w+)" = /g, '"$1": ')
      .replace(/\$\{[^}]*\}/g, 'known-after')
      .replace(/(?<=[[,:] ?)(aws_[\w.-]+(?:\[\d+\])?[\w.-]*)/g, '"$1"')
      .replace(/\\u0025/g, '%'),
  );
}

interface Widget {
  properties: { title?: string; region?: string; metrics?: unknown[][] };
}

/** Charts of the dashboard, each with its lines. */
export function chartsOf(stack: Synthesised): { title: string; lines: Line[] }[] {
  const { widgets } = evaluated(String(resource(stack, 'aws_cloudwatch_dashboard').dashboard_body));
  return widgets.flatMap(({ properties }) => {
    if (!properties.metrics) return [];
    const lines = properties.metrics.map((row) => {
      const options = (row.at(-1) ?? {}) as { id?: string; region?: string };
      const names = row.slice(0, -1).map(String);
      return {
        namespace: names[0] ?? '',
        name: names[1] ?? '',
        dimensions: names.slice(2).filter((_, index) => index % 2 === 0),
        id: options.id ?? '',
        region: options.region ?? properties.region ?? '',
      };
    });
    return [{ title: properties.title ?? '', lines }];
  });
}
