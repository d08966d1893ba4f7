import { AppautoscalingPolicy } from '@cdktf/provider-aws/lib/appautoscaling-policy/index.js';
import { AppautoscalingTarget } from '@cdktf/provider-aws/lib/appautoscaling-target/index.js';
import type { EcsService } from '@cdktf/provider-aws/lib/ecs-service/index.js';
import { Fn } from 'cdktf';
import { fewestServers, SIZES, taskSize } from '../sizing.ts';
import type { Balancer } from './balancer.ts';
import type { Context } from './context.ts';
import type { Program } from './permissions.ts';
import type { Queue } from './queue.ts';

const CPU_PERCENT = 60;
/** Requests to one vCPU in a minute: stored results need far less than a render, so CPU usually speaks first. */
const REQUESTS_PER_VCPU = 3000;
/** Seconds that the oldest message may wait before more warmers are started, however few messages there are. */
const OLDEST_SECONDS = 300;
/** Messages that wait for each warmer before another is started; one message is one image. */
const BACKLOG_PER_TASK = 20;

function scalable({ stack, settings }: Context, program: Program, service: EcsService): AppautoscalingTarget {
  const { minTasks, maxTasks } = SIZES[settings.size][program];
  const minCapacity = program === 'server' ? fewestServers(settings) : minTasks;
  return new AppautoscalingTarget(stack, `${program}-scale`, {
    serviceNamespace: 'ecs',
    scalableDimension: 'ecs:service:DesiredCount',
    resourceId: Fn.join('/', ['service', service.cluster, service.name]),
    minCapacity,
    maxCapacity: maxTasks,
  });
}

function named({ prefix }: Context, name: string, target: AppautoscalingTarget) {
  return {
    name: `${prefix}-${name}`,
    policyType: 'TargetTrackingScaling',
    resourceId: target.resourceId,
    scalableDimension: target.scalableDimension,
    serviceNamespace: target.serviceNamespace,
  };
}

const PACE = { scaleOutCooldown: 30, scaleInCooldown: 300 };

export function scaleServer(at: Context, service: EcsService, { lb, targets }: Balancer): void {
  const target = scalable(at, 'server', service);
  const vcpus = taskSize(at.settings.size, 'server').cpu / 1024;
  new AppautoscalingPolicy(at.stack, 'server-scale-cpu', {
    ...named(at, 'server-cpu', target),
    targetTrackingScalingPolicyConfiguration: {
      ...PACE,
      targetValue: CPU_PERCENT,
      predefinedMetricSpecification: { predefinedMetricType: 'ECSServiceAverageCPUUtilization' },
    },
  });
  new AppautoscalingPolicy(at.stack, 'server-scale-requests', {
    ...named(at, 'server-requests', target),
    targetTrackingScalingPolicyConfiguration: {
      ...PACE,
      targetValue: REQUESTS_PER_VCPU * vcpus,
      predefinedMetricSpecification: {
        predefinedMetricType: 'ALBRequestCountPerTarget',
        resourceLabel: Fn.join('/', [lb.arnSuffix, targets.arnSuffix]),
      },
    },
  });
}

function metricStat(namespace: string, metricName: string, dimensions: Record<string, string>, stat: string) {
  const pairs = Object.entries(dimensions).map(([name, value]) => ({ name, value }));
  return { stat, metric: { namespace, metricName, dimensions: pairs } };
}

/** Waiting messages by running tasks. FILL answers for the minute in which Spot took the last task away. */
export function scaleWarmer(at: Context, service: EcsService, warm: Queue): void {
  const target = scalable(at, 'warmer', service);
  const queue = { QueueName: warm.name };
  const tasks = { ClusterName: service.cluster, ServiceName: service.name };
  const waiting = metricStat('AWS/SQS', 'ApproximateNumberOfMessagesVisible', queue, 'Sum');
  // Each running task sends one sample a minute, so the count of samples is the count of tasks.
  const running = metricStat('AWS/ECS', 'CPUUtilization', tasks, 'SampleCount');
  new AppautoscalingPolicy(at.stack, 'warmer-scale-backlog', {
    ...named(at, 'warmer-backlog', target),
    targetTrackingScalingPolicyConfiguration: {
      ...PACE,
      targetValue: BACKLOG_PER_TASK,
      customizedMetricSpecification: {
        metrics: [
          { id: 'waiting', returnData: false, metricStat: waiting },
          { id: 'running', returnData: false, metricStat: running },
          {
            id: 'backlog',
            expression: 'waiting / FILL(running, 1)',
            label: 'backlog per task',
            returnData: true,
          },
        ],
      },
    },
  });
  // A few slow images are no backlog, but they are late. Age falls by itself: only the backlog sends warmers home.
  new AppautoscalingPolicy(at.stack, 'warmer-scale-age', {
    ...named(at, 'warmer-age', target),
    targetTrackingScalingPolicyConfiguration: {
      ...PACE,
      disableScaleIn: true,
      targetValue: OLDEST_SECONDS,
      customizedMetricSpecification: {
        namespace: 'AWS/SQS',
        metricName: 'ApproximateAgeOfOldestMessage',
        statistic: 'Maximum',
        dimensions: [{ name: 'QueueName', value: warm.name }],
      },
    },
  });
}
