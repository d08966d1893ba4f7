import { CloudwatchDashboard } from '@cdktf/provider-aws/lib/cloudwatch-dashboard/index.js';
import type { Context } from './context.ts';
import type { Metric, Metrics } from './metrics.ts';
import { json } from './text.ts';

/** A row is a question; its charts are the answer. */
function questions(
  { settings }: Context,
  m: Partial<Metrics>,
): readonly (readonly [question: string, charts: Record<string, (Metric | undefined)[]>])[] {
  return [
    [
      'Is it up?',
      {
        '5xx, % of all answers and of the server’s': [m.cdnErrors, m.serverErrors],
        'Healthy servers, tasks': [m.healthyServers, m.serverTasks],
        'Requests at the edge, at the server': [m.requests, m.serverRequests],
        ...(settings.firewall ? { 'Blocked by the firewall': [m.blocked] } : {}),
      },
    ],
    [
      'Is it fast?',
      {
        'Hit ratio, %': [m.hitRatio],
        'Origin latency p95, ms': [m.originLatency],
        'Edge function, % of its time': [m.edgeUtilisation],
        'Server p95, s': [m.serverLatency],
        'Server CPU and memory, %': [m.serverCpu, m.serverMemory],
      },
    ],
    [
      'Is it warm?',
      {
        'Messages waiting': [m.waiting],
        Warmers: [m.warmerTasks],
        'Warmer CPU, %': [m.warmerCpu],
        'Records written': [m.written],
      },
    ],
    [
      'Is anything stuck?',
      {
        'Oldest message, s': [m.oldestMessage],
        'Dead letters': [m.deadLetters],
        'DynamoDB refusals': [m.throttled],
      },
    ],
    [
      'What does it cost?',
      { 'Charges of the account this month, USD': [m.charges], 'Bytes to viewers': [m.bytes] },
    ],
  ];
}

function lines(at: Context, metric: Metric, index: number) {
  // A chart may show both: what CloudFront counts is in us-east-1, whatever the stage's region.
  const region = metric.global ? 'us-east-1' : at.settings.region;
  const hidden = metric.expression !== undefined;
  const rows = metric.series.map(({ namespace, name, dimensions, stat }, number) => [
    namespace,
    name,
    ...Object.entries(dimensions).flat(),
    {
      stat,
      region,
      period: metric.periodSeconds,
      ...(hidden ? { id: `c${index}m${number}`, visible: false } : {}),
    },
  ]);
  return metric.expression
    ? [
        ...rows,
        [
          {
            expression: metric.expression.replace(/\bm(?=\d)/g, `c${index}m`),
            id: `e${index}`,
            label: 'value',
            region,
          },
        ],
      ]
    : rows;
}

const WIDTH = 24;
const HEIGHT = 6;
const HEADING = 1;

/** Those that there is something to show of. */
const answered = (at: Context, m: Partial<Metrics>) =>
  questions(at, m).flatMap(([question, all]) => {
    const charts = Object.entries(all).flatMap(([title, metrics]): [string, Metric[]][] => {
      const shown = metrics.filter((metric) => metric !== undefined);
      return shown.length > 0 ? [[title, shown]] : [];
    });
    return charts.length > 0 ? [[question, charts] as const] : [];
  });

function widgets(at: Context, m: Partial<Metrics>, alarmArns: string[]) {
  const rows = answered(at, m).flatMap(([question, charts], row) => {
    const y = row * (HEIGHT + HEADING) + 4;
    const width = Math.floor(WIDTH / charts.length);
    const heading = {
      type: 'text',
      x: 0,
      y,
      width: WIDTH,
      height: HEADING,
      properties: { markdown: `## ${question}` },
    };
    const drawn = charts.map(([title, shown], column) => ({
      type: 'metric',
      x: column * width,
      y: y + HEADING,
      width,
      height: HEIGHT,
      properties: {
        title,
        view: 'timeSeries',
        region: at.settings.region,
        metrics: shown.flatMap((metric, index) => lines(at, metric, index)),
      },
    }));
    return [heading, ...drawn];
  });
  const alarm = { type: 'alarm', x: 0, y: 0, width: WIDTH, height: 4, properties: { alarms: alarmArns } };
  return [alarm, ...rows];
}

/** The dashboard; resolves to its name. */
export function dashboard(at: Context, metrics: Partial<Metrics>, alarmArns: string[]): string {
  return new CloudwatchDashboard(at.stack, 'dashboard', {
    dashboardName: at.prefix,
    dashboardBody: json({ widgets: widgets(at, metrics, alarmArns) }),
  }).dashboardName;
}
