import { CloudwatchLogMetricFilter } from '@cdktf/provider-aws/lib/cloudwatch-log-metric-filter/index.js';
import { CloudwatchMetricAlarm } from '@cdktf/provider-aws/lib/cloudwatch-metric-alarm/index.js';
import type { Context } from './context.ts';
import { LOGGED, type Metric, type Metrics, ownNamespace } from './metrics.ts';
import { literal } from './text.ts';
import type { Topics } from './topics.ts';

interface Watch {
  metric: keyof Metrics;
  /** What is wrong when it rings, and where to look. */
  about: string;
  above?: number;
  below?: number;
  /** Minutes that it must last. */
  minutes: number;
}

/** Up, fast, warm, stuck: one row each; the dashboard has the rest. */
const WATCHES: Readonly<Record<string, Watch>> = {
  'server-errors': {
    metric: 'serverErrors',
    above: 1,
    minutes: 5,
    about: 'More than 1 % of the server’s answers are 5xx.',
  },
  'healthy-servers': {
    metric: 'healthyServers',
    below: 1,
    minutes: 3,
    about: 'No healthy server: stored variants only.',
  },
  latency: {
    metric: 'serverLatency',
    above: 3,
    minutes: 10,
    about: 'A twentieth of the server’s answers take over 3 s.',
  },
  'dead-letters': {
    metric: 'deadLetters',
    above: 0,
    minutes: 1,
    about: 'Images were given up on, redrive them.',
  },
  invalidations: {
    metric: 'invalidationsNotTaken',
    above: 0,
    minutes: 10,
    about: 'CloudFront takes no invalidations: what was deleted or replaced is still shown.',
  },
  notifications: {
    metric: 'notificationsGivenUp',
    above: 0,
    minutes: 1,
    about: 'A webhook or topic took nothing in all of its tries.',
  },
  feeds: {
    metric: 'feedsNotBroughtIn',
    above: 0,
    minutes: 60,
    about:
      'A feed, or the list of feeds, cannot be read, or so much of one has vanished that a person is to look.',
  },
  'oldest-message': {
    metric: 'oldestMessage',
    above: 600,
    minutes: 10,
    about: 'Warming is ten minutes behind.',
  },
  'server-memory': {
    metric: 'serverMemory',
    above: 90,
    minutes: 5,
    about: 'A server is about to be killed.',
  },
  throttled: { metric: 'throttled', above: 0, minutes: 5, about: 'DynamoDB refuses requests.' },
  'cdn-errors': {
    metric: 'cdnErrors',
    above: 1,
    minutes: 5,
    about: 'More than 1 % of all answers are 5xx.',
  },
  'edge-errors': {
    metric: 'edgeErrors',
    above: 0,
    minutes: 5,
    about: 'The edge function fails; CloudFront answers 503 for it.',
  },
  'edge-utilisation': {
    metric: 'edgeUtilisation',
    above: 80,
    minutes: 15,
    about: 'The edge function comes near the time that CloudFront gives it.',
  },
  'hit-ratio': {
    metric: 'hitRatio',
    below: 70,
    minutes: 60,
    about: 'CloudFront answers under 70 % itself: a purge, a new site, or keys that differ.',
  },
};

interface Looked {
  watch: Watch;
  metric: Metric;
  topicArn: string;
}

function alarm(at: Context, name: string, { watch, metric, topicArn }: Looked): string {
  const period = metric.periodSeconds;
  return new CloudwatchMetricAlarm(at.stack, `alarm-${name}`, {
    ...(metric.global ? { provider: at.global } : {}),
    alarmName: `${at.prefix}-${name}`,
    alarmDescription: literal(`${watch.about} docs/operations.md#where-to-look`),
    comparisonOperator: watch.above === undefined ? 'LessThanThreshold' : 'GreaterThanThreshold',
    threshold: watch.above ?? watch.below ?? 0,
    evaluationPeriods: Math.max(1, Math.round((watch.minutes * 60) / period)),
    treatMissingData: metric.silenceIs,
    alarmActions: [topicArn],
    okActions: [topicArn],
    metricQuery: metric.queries(period),
  }).arn;
}

/** The lines of the warmer's log that become series. */
export function countLines(at: Context, logGroupName: string): void {
  for (const [name, pattern] of Object.entries(LOGGED))
    new CloudwatchLogMetricFilter(at.stack, `counted-${name}`, {
      name,
      logGroupName,
      pattern: literal(pattern),
      metricTransformation: { name, namespace: ownNamespace(at), value: '1', defaultValue: '0' },
    });
}

/** One alarm for each row whose metric there is; resolves to their ARNs for the dashboard. */
export function alarms(
  at: Context,
  metrics: Partial<Metrics>,
  { alarmsArn, globalAlarmsArn = alarmsArn }: Pick<Topics, 'alarmsArn'> & Partial<Topics>,
): string[] {
  return Object.entries(WATCHES).flatMap(([name, watch]) => {
    const metric = metrics[watch.metric];
    const topicArn = metric?.global ? globalAlarmsArn : alarmsArn;
    return metric ? [alarm(at, name, { watch, metric, topicArn })] : [];
  });
}
