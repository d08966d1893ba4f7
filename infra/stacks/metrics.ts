import type { CloudwatchMetricAlarmMetricQuery } from '@cdktf/provider-aws/lib/cloudwatch-metric-alarm/index.js';
import type { Balancer } from './balancer.ts';
import type { Cdn } from './cdn.ts';
import type { Context } from './context.ts';
import type { Programs } from './programs.ts';
import type { Queue } from './queue.ts';
import type { Table } from './records.ts';
import type { Topics } from './topics.ts';

export interface Watched {
  warm: Queue;
  stored: { records: Table };
  told: Topics;
  front: Balancer;
  door: Cdn;
  running: Programs;
}

/** One CloudWatch series: namespace, name, dimensions, statistic. */
export interface Series {
  namespace: string;
  name: string;
  dimensions: Record<string, string>;
  stat: string;
}

export interface Metric {
  /** The series, and how they become one number where there are several (m0, m1, …). */
  series: readonly Series[];
  expression?: string;
  periodSeconds: number;
  /** CloudFront's are in us-east-1. */
  global: boolean;
  /** What no data means. */
  silenceIs: 'notBreaching' | 'breaching' | 'missing';
  queries(period: number): CloudwatchMetricAlarmMetricQuery[];
}

export type Metrics = ReturnType<typeof metrics>;

type Options = Partial<Pick<Metric, 'expression' | 'periodSeconds' | 'global' | 'silenceIs'>>;

function metric(series: readonly Series[], options: Options = {}): Metric {
  const { expression } = options;
  const queries = (period: number) => {
    const read = series.map(({ namespace, name, dimensions, stat }, at) => ({
      id: `m${at}`,
      returnData: expression === undefined,
      metric: { namespace, metricName: name, dimensions, stat, period },
    }));
    return expression ? [...read, { id: 'value', expression, label: 'value', returnData: true }] : read;
  };
  return { series, periodSeconds: 60, global: false, silenceIs: 'notBreaching', ...options, queries };
}

const series =
  (namespace: string, dimensions: Record<string, string>) =>
  (name: string, stat: string): Series => ({ namespace, name, dimensions, stat });

const GLOBAL = { global: true };

function edgeMetrics({ prefix }: Context, { door }: Watched) {
  const cdn = series('AWS/CloudFront', { DistributionId: door.id, Region: 'Global' });
  const viewer = series('AWS/CloudFront', { FunctionName: `${prefix}-viewer-request`, Region: 'Global' });
  const firewall = series('AWS/WAFV2', { WebACL: prefix, Rule: 'ALL' });
  const account = series('AWS/Billing', { Currency: 'USD' });
  return {
    requests: metric([cdn('Requests', 'Sum')], GLOBAL),
    bytes: metric([cdn('BytesDownloaded', 'Sum')], GLOBAL),
    hitRatio: metric([cdn('CacheHitRate', 'Average')], { ...GLOBAL, periodSeconds: 900 }),
    cdnErrors: metric([cdn('5xxErrorRate', 'Average')], GLOBAL),
    originLatency: metric([cdn('OriginLatency', 'p95')], GLOBAL),
    edgeUtilisation: metric([viewer('FunctionComputeUtilization', 'Maximum')], GLOBAL),
    edgeErrors: metric([viewer('FunctionExecutionErrors', 'Sum')], GLOBAL),
    blocked: metric([firewall('BlockedRequests', 'Sum')], GLOBAL),
    charges: metric([account('EstimatedCharges', 'Maximum')], { ...GLOBAL, periodSeconds: 21_600 }),
  };
}

/** What servers stand behind and run in. */
interface Serving {
  front: Balancer;
  running: Pick<Programs, 'cluster' | 'server'>;
}

function serverMetrics({ front, running }: Serving) {
  const LoadBalancer = front.lb.arnSuffix;
  const balancer = series('AWS/ApplicationELB', { LoadBalancer });
  const targets = series('AWS/ApplicationELB', { LoadBalancer, TargetGroup: front.targets.arnSuffix });
  const service = series('AWS/ECS', { ClusterName: running.cluster, ServiceName: running.server });
  const failures = [
    balancer('HTTPCode_Target_5XX_Count', 'Sum'),
    balancer('HTTPCode_ELB_5XX_Count', 'Sum'),
    balancer('RequestCount', 'Sum'),
  ];
  return {
    serverRequests: metric([balancer('RequestCount', 'Sum')]),
    // A hundred requests at least, or one failure at night would ring.
    serverErrors: metric(failures, {
      expression: '100 * (FILL(m0, 0) + FILL(m1, 0)) / IF(m2 > 100, m2, 100)',
    }),
    serverLatency: metric([targets('TargetResponseTime', 'p95')]),
    healthyServers: metric([targets('HealthyHostCount', 'Minimum')], { silenceIs: 'breaching' }),
    serverCpu: metric([service('CPUUtilization', 'Average')]),
    serverMemory: metric([service('MemoryUtilization', 'Maximum')]),
    serverTasks: metric([service('CPUUtilization', 'SampleCount')]),
  };
}

/**
 * What only the warmer's log tells: filters of its log group count those lines as series of the stage's own, which bear
 * no dimensions. An invalidation is tried until it is taken, so a first refusal says only that there are many at once;
 * after the fifth, four minutes later, something else is wrong. A feed is run each hour, as long as it says nothing else:
 * looked at by the hour, one that goes on failing or being held rings once.
 */
export const LOGGED = {
  InvalidationsNotTaken: '{ ($.msg = "invalidation not taken") && ($.tries >= 5) }',
  NotificationsGivenUp: '{ $.msg = "notification given up" }',
  FeedsNotBroughtIn: '{ $.msg = "feed not brought in" }',
} as const;

export const ownNamespace = ({ prefix }: Pick<Context, 'prefix'>): string => `Rendition/${prefix}`;

function loggedMetrics(at: Context) {
  const own = series(ownNamespace(at), {});
  return {
    invalidationsNotTaken: metric([own('InvalidationsNotTaken', 'Sum')]),
    notificationsGivenUp: metric([own('NotificationsGivenUp', 'Sum')]),
    feedsNotBroughtIn: metric([own('FeedsNotBroughtIn', 'Sum')], { periodSeconds: 3600 }),
  };
}

function tableMetrics(TableName: string) {
  const table = series('AWS/DynamoDB', { TableName });
  const indexes = ['gsi1', 'ids'].map((GlobalSecondaryIndexName) =>
    series('AWS/DynamoDB', { TableName, GlobalSecondaryIndexName }),
  );
  // ThrottledRequests is published by operation only: under the table's name alone it has no data.
  const refusals = [table, ...indexes].flatMap((part) => [
    part('ReadThrottleEvents', 'Sum'),
    part('WriteThrottleEvents', 'Sum'),
  ]);
  return {
    throttled: metric(refusals, {
      expression: refusals.map((_, number) => `FILL(m${number}, 0)`).join(' + '),
    }),
    written: metric([table('ConsumedWriteCapacityUnits', 'Sum')]),
  };
}

function warmerMetrics({ warm, running }: Watched) {
  const service = series('AWS/ECS', { ClusterName: running.cluster, ServiceName: running.warmer });
  const queue = series('AWS/SQS', { QueueName: warm.name });
  const dead = series('AWS/SQS', { QueueName: warm.dead.name });
  return {
    warmerCpu: metric([service('CPUUtilization', 'Average')]),
    warmerTasks: metric([service('CPUUtilization', 'SampleCount')]),
    waiting: metric([queue('ApproximateNumberOfMessagesVisible', 'Maximum')]),
    oldestMessage: metric([queue('ApproximateAgeOfOldestMessage', 'Maximum')]),
    deadLetters: metric([dead('ApproximateNumberOfMessagesVisible', 'Maximum')]),
  };
}

/** Everything that the alarms and the dashboard look at, said once. */
export function metrics(at: Context, watched: Watched) {
  return {
    ...edgeMetrics(at, watched),
    ...serverMetrics(watched),
    ...tableMetrics(watched.stored.records.name),
    ...warmerMetrics(watched),
    ...loggedMetrics(at),
  };
}

/** Of a second region, which has servers and a copy of the table; its refusals are of that copy. */
export const readerMetrics = (serving: Serving, table: string): Partial<Metrics> => ({
  ...serverMetrics(serving),
  ...tableMetrics(table),
});
