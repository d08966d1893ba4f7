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

/** Everything that the alarms and the dashboard look at, said once. */
export function metrics({ prefix }: Context, { warm, stored, front, door, running }: Watched) {
  const balancer = { LoadBalancer: front.lb.arnSuffix };
  const targets = { ...balancer, TargetGroup: front.targets.arnSuffix };
  const alb = (name: string, stat: string, dimensions: Record<string, string> = balancer): Series => ({
    namespace: 'AWS/ApplicationELB',
    name,
    dimensions,
    stat,
  });
  const sqs = (name: string, queue: string): Series => ({
    namespace: 'AWS/SQS',
    name,
    dimensions: { QueueName: queue },
    stat: 'Maximum',
  });
  const ecs = (name: string, service: string, stat: string): Series => ({
    namespace: 'AWS/ECS',
    name,
    dimensions: { ClusterName: running.cluster, ServiceName: service },
    stat,
  });
  const cdn = (name: string, stat: string): Series => ({
    namespace: 'AWS/CloudFront',
    name,
    dimensions: { DistributionId: door.id, Region: 'Global' },
    stat,
  });
  const edgeFunction = (name: string, stat: string): Series => ({
    namespace: 'AWS/CloudFront',
    name,
    dimensions: { FunctionName: `${prefix}-viewer-request`, Region: 'Global' },
    stat,
  });
  const dynamodb = (name: string): Series => ({
    namespace: 'AWS/DynamoDB',
    name,
    dimensions: { TableName: stored.records.name },
    stat: 'Sum',
  });
  const global = { global: true };
  return {
    requests: metric([cdn('Requests', 'Sum')], global),
    bytes: metric([cdn('BytesDownloaded', 'Sum')], global),
    hitRatio: metric([cdn('CacheHitRate', 'Average')], { ...global, periodSeconds: 900 }),
    cdnErrors: metric([cdn('5xxErrorRate', 'Average')], global),
    originLatency: metric([cdn('OriginLatency', 'p95')], global),
    blocked: metric(
      [
        {
          namespace: 'AWS/WAFV2',
          name: 'BlockedRequests',
          dimensions: { WebACL: prefix, Rule: 'ALL' },
          stat: 'Sum',
        },
      ],
      global,
    ),
    edgeUtilisation: metric([edgeFunction('FunctionComputeUtilization', 'Maximum')], global),
    edgeErrors: metric([edgeFunction('FunctionExecutionErrors', 'Sum')], global),
    serverRequests: metric([alb('RequestCount', 'Sum')]),
    serverErrors: metric(
      [
        alb('HTTPCode_Target_5XX_Count', 'Sum'),
        alb('HTTPCode_ELB_5XX_Count', 'Sum'),
        alb('RequestCount', 'Sum'),
      ],
      // A hundred requests at least, or one failure at night would ring.
      { expression: '100 * (FILL(m0, 0) + FILL(m1, 0)) / IF(m2 > 100, m2, 100)' },
    ),
    serverLatency: metric([alb('TargetResponseTime', 'p95', targets)]),
    healthyServers: metric([alb('HealthyHostCount', 'Minimum', targets)], { silenceIs: 'breaching' }),
    serverCpu: metric([ecs('CPUUtilization', running.server, 'Average')]),
    serverMemory: metric([ecs('MemoryUtilization', running.server, 'Maximum')]),
    serverTasks: metric([ecs('CPUUtilization', running.server, 'SampleCount')]),
    warmerCpu: metric([ecs('CPUUtilization', running.warmer, 'Average')]),
    warmerTasks: metric([ecs('CPUUtilization', running.warmer, 'SampleCount')]),
    waiting: metric([sqs('ApproximateNumberOfMessagesVisible', warm.name)]),
    oldestMessage: metric([sqs('ApproximateAgeOfOldestMessage', warm.name)]),
    deadLetters: metric([sqs('ApproximateNumberOfMessagesVisible', warm.dead.name)]),
    throttled: metric([dynamodb('ThrottledRequests'), dynamodb('SystemErrors')], {
      expression: 'FILL(m0, 0) + FILL(m1, 0)',
    }),
    written: metric([dynamodb('ConsumedWriteCapacityUnits')]),
    charges: metric(
      [
        {
          namespace: 'AWS/Billing',
          name: 'EstimatedCharges',
          dimensions: { Currency: 'USD' },
          stat: 'Maximum',
        },
      ],
      { ...global, periodSeconds: 21_600 },
    ),
  };
}
