import { CloudwatchLogGroup } from '@cdktf/provider-aws/lib/cloudwatch-log-group/index.js';
import { EcsCluster } from '@cdktf/provider-aws/lib/ecs-cluster/index.js';
import { EcsClusterCapacityProviders } from '@cdktf/provider-aws/lib/ecs-cluster-capacity-providers/index.js';
import { SIZES, taskSize } from '../sizing.ts';
import type { Balancer } from './balancer.ts';
import type { Bucket } from './bucket.ts';
import type { Cdn } from './cdn.ts';
import type { Context } from './context.ts';
import { environment } from './environment.ts';
import type { Network } from './network.ts';
import type { Program } from './permissions.ts';
import type { Queue } from './queue.ts';
import type { Table } from './records.ts';
import { executionRole, taskRole } from './roles.ts';
import { scaleServer, scaleWarmer } from './scaling.ts';
import type { Secrets } from './secrets.ts';
import { serverService, warmerService } from './services.ts';
import { type Part, taskDefinition } from './task.ts';
import type { Topics } from './topics.ts';

export interface ProgramParts {
  net: Network;
  warm: Queue;
  stored: { originals: Bucket; results: Bucket; records: Table };
  told: Topics;
  front: Balancer;
  door: Cdn;
  secrets: Secrets;
}

export interface Programs {
  cluster: string;
  server: string;
  warmer: string;
  serverLogs: string;
  warmerLogs: string;
}

export function cluster({ stack, prefix }: Context): string {
  // Container Insights stays off: what the alarms need is in the free metrics, and it is charged by the task.
  const made = new EcsCluster(stack, 'cluster', {
    name: prefix,
    setting: [{ name: 'containerInsights', value: 'disabled' }],
  });
  new EcsClusterCapacityProviders(stack, 'cluster-capacity', {
    clusterName: made.name,
    capacityProviders: ['FARGATE', 'FARGATE_SPOT'],
  });
  return made.name;
}

export function logGroup({ stack, settings, prefix }: Context, program: string): string {
  return new CloudwatchLogGroup(stack, `${program}-logs`, {
    name: `/${prefix}/${program}`,
    retentionInDays: Number(settings.log_days),
  }).name;
}

/** Server and warmer: one image, two commands, a task and a role each; in the smallest size one task and one role. */
export function programs(at: Context, parts: ProgramParts): Programs {
  const { size } = at.settings;
  const { together } = SIZES[size];
  const name = cluster(at);
  const logs = { server: logGroup(at, 'server'), warmer: logGroup(at, 'warmer') };
  const execution = executionRole(at, Object.values(parts.secrets), logs);
  const part = (program: Program): Part => ({
    program,
    environment: environment(at, program, parts),
    logGroup: logs[program],
  });
  const task = (first: Program, ...others: Program[]) =>
    taskDefinition(at, first, {
      size: taskSize(size, first),
      parts: [part(first), ...others.map(part)],
      secrets: parts.secrets,
      execution,
      role: taskRole(at, [first, ...others], parts),
    });
  const server = serverService(at, name, parts, together ? task('server', 'warmer') : task('server'));
  scaleServer(at, server, parts.front);
  const warmer = together ? server : warmerService(at, name, parts, task('warmer'));
  if (!together) scaleWarmer(at, warmer, parts.warm);
  return {
    cluster: name,
    server: server.name,
    warmer: warmer.name,
    serverLogs: logs.server,
    warmerLogs: logs.warmer,
  };
}
