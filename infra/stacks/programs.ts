import { CloudwatchLogGroup } from '@cdktf/provider-aws/lib/cloudwatch-log-group/index.js';
import { EcsCluster } from '@cdktf/provider-aws/lib/ecs-cluster/index.js';
import { EcsClusterCapacityProviders } from '@cdktf/provider-aws/lib/ecs-cluster-capacity-providers/index.js';
import { SIZES } from '../sizing.ts';
import type { Balancer } from './balancer.ts';
import type { Bucket } from './bucket.ts';
import type { Cdn } from './cdn.ts';
import type { Context } from './context.ts';
import { environment } from './environment.ts';
import type { Network } from './network.ts';
import type { Queue } from './queue.ts';
import type { Table } from './records.ts';
import { executionRole, taskRole } from './roles.ts';
import { scaleServer, scaleWarmer } from './scaling.ts';
import type { Secrets } from './secrets.ts';
import { serverService, warmerService } from './services.ts';
import { taskDefinition } from './task.ts';
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

function cluster({ stack, prefix }: Context): string {
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

function logGroup({ stack, settings, prefix }: Context, program: string): string {
  return new CloudwatchLogGroup(stack, `${program}-logs`, {
    name: `/${prefix}/${program}`,
    retentionInDays: Number(settings.log_days),
  }).name;
}

/** Server and warmer: one image, two commands, a role each. */
export function programs(at: Context, parts: ProgramParts): Programs {
  const name = cluster(at);
  const logs = { server: logGroup(at, 'server'), warmer: logGroup(at, 'warmer') };
  const execution = executionRole(at, Object.values(parts.secrets), logs);
  const task = (program: 'server' | 'warmer') =>
    taskDefinition(at, program, {
      size: SIZES[at.settings.size][program],
      environment: environment(at, program, parts),
      secrets: parts.secrets,
      logGroup: logs[program],
      execution,
      role: taskRole(at, program, parts),
    });
  const server = serverService(at, name, parts, task('server'));
  const warmer = warmerService(at, name, parts, task('warmer'));
  scaleServer(at, server, parts.front);
  scaleWarmer(at, warmer, parts.warm);
  return {
    cluster: name,
    server: server.name,
    warmer: warmer.name,
    serverLogs: logs.server,
    warmerLogs: logs.warmer,
  };
}
