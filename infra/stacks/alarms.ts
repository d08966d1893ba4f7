import { CloudwatchLogMetricFilter } from '@cdktf/provider-aws/lib/cloudwatch-log-metric-filter/index.js';
import { CloudwatchMetricAlarm } from '@cdktf/provider-aws/lib/cloudwatch-metric-alarm/index.js';
import type { AwsProvider } from '@cdktf/provider-aws/lib/provider/index.js';
import type { Context } from './context.ts';
import { LOGGED, type Metric, type Metrics, metrics, ownNamespace, type Watched } from './metrics.ts';
import { literal } from './text.ts';

interface Watch {
  metric: Metric;
  /** What is wrong when it rings, and where to look. */
  about: string;
  above?: number;
  below?: number;
  /** Minutes that it must last. */
  minutes: number;
}

/** Up, fast, warm, stuck: one row each; the dashboard has the rest. */
function watches(m: Metrics): Record<string, Watch> {
  return {
    'server-errors': {
      metric: m.serverErrors,
      above: 1,
      minutes: 5,
      about: 'More than 1 % of the server’s answers are 5xx.',
    },
    'healthy-servers': {
      metric: m.healthyServers,
      below: 1,
      minutes: 3,
      about: 'No healthy server: stored variants only.',
    },
    latency: {
      metric: m.serverLatency,
      above: 3,
      minutes: 10,
      about: 'A twentieth of the server’s answers take over 3 s.',
    },
    'dead-letters': {
      metric: m.deadLetters,
      above: 0,
      minutes: 1,
      about: 'Images were given up on, redrive them.',
    },
    invalidations: {
      metric: m.invalidationsNotTaken,
      above: 0,
      minutes: 10,
      about: 'CloudFront takes no invalidations: what was deleted or replaced is still shown.',
    },
    notifications: {
      metric: m.notificationsGivenUp,
      above: 0,
      minutes: 1,
      about: 'A webhook or topic took nothing in all of its tries.',
    },
    feeds: {
      metric: m.feedsNotBroughtIn,
      above: 0,
      minutes: 60,
      about:
        'A feed, or the list of feeds, cannot be read, or so much of one has vanished that a person is to look.',
    },
    'oldest-message': {
      metric: m.oldestMessage,
      above: 600,
      minutes: 10,
      about: 'Warming is ten minutes behind.',
    },
    'server-memory': {
      metric: m.serverMemory,
      above: 90,
      minutes: 5,
      about: 'A server is about to be killed.',
    },
    throttled: { metric: m.throttled, above: 0, minutes: 5, about: 'DynamoDB refuses requests.' },
    'cdn-errors': {
      metric: m.cdnErrors,
      above: 1,
      minutes: 5,
      about: 'More than 1 % of all answers are 5xx.',
    },
    'edge-errors': {
      metric: m.edgeErrors,
      above: 0,
      minutes: 5,
      about: 'The edge function fails; CloudFront answers 503 for it.',
    },
    'edge-utilisation': {
      metric: m.edgeUtilisation,
      above: 80,
      minutes: 15,
      about: 'The edge function comes near the time that CloudFront gives it.',
    },
    'hit-ratio': {
      metric: m.hitRatio,
      below: 70,
      minutes: 60,
      about: 'CloudFront answers under 70 % itself: a purge, a new site, or keys that differ.',
    },
  };
}

function alarm(at: Context, name: string, watch: Watch, topicArn: string, provider?: AwsProvider): string {
  const period = watch.metric.periodSeconds;
  return new CloudwatchMetricAlarm(at.stack, `alarm-${name}`, {
    ...(provider ? { provider } : {}),
    alarmName: `${at.prefix}-${name}`,
    alarmDescription: literal(`${watch.about} docs/operations.md#where-to-look`),
    comparisonOperator: watch.above === undefined ? 'LessThanThreshold' : 'GreaterThanThreshold',
    threshold: watch.above ?? watch.below ?? 0,
    evaluationPeriods: Math.max(1, Math.round((watch.minutes * 60) / period)),
    treatMissingData: watch.metric.silenceIs,
    alarmActions: [topicArn],
    okActions: [topicArn],
    metricQuery: watch.metric.queries(period),
  }).arn;
}

/** The lines of the warmer's log that become series. */
function countLines(at: Context, logGroupName: string): void {
  for (const [name, pattern] of Object.entries(LOGGED))
    new CloudwatchLogMetricFilter(at.stack, `counted-${name}`, {
      name,
      logGroupName,
      pattern: literal(pattern),
      metricTransformation: { name, namespace: ownNamespace(at), value: '1', defaultValue: '0' },
    });
}

/** One alarm for each row; resolves to their ARNs for the dashboard. */
export function alarms(at: Context, parts: Watched): string[] {
  const { told, running } = parts;
  countLines(at, running.warmerLogs);
  return Object.entries(watches(metrics(at, parts))).map(([name, watch]) =>
    watch.metric.global
      ? alarm(at, name, watch, told.globalAlarmsArn, at.global)
      : alarm(at, name, watch, told.alarmsArn),
  );
}
