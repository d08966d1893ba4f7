import { EcsTaskDefinition } from '@cdktf/provider-aws/lib/ecs-task-definition/index.js';
import { Fn } from 'cdktf';
import type { TaskSize } from '../sizing.ts';
import { SERVER_PORT } from './balancer.ts';
import type { Context } from './context.ts';
import { STOP_SECONDS, WARMER_PORT } from './environment.ts';
import type { Program } from './permissions.ts';
import type { Role } from './roles.ts';

export interface Task {
  size: TaskSize;
  environment: Record<string, string>;
  secrets: Readonly<Record<string, string>>;
  logGroup: string;
  execution: Role;
  role: Role;
}

/** A warmer that hangs is replaced. Servers are asked by the balancer, which knows more. */
const WARMER_HEALTH = {
  command: [
    'CMD',
    'node',
    '-e',
    `fetch('http://127.0.0.1:${WARMER_PORT}/healthz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))`,
  ],
  interval: 30,
  timeout: 5,
  retries: 3,
  startPeriod: 60,
};

function container(at: Context, program: Program, task: Task) {
  const pairs = Object.entries(task.environment).sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    name: program,
    image: at.settings.image,
    command: ['node', `${program}/main.ts`],
    essential: true,
    readonlyRootFilesystem: true,
    stopTimeout: STOP_SECONDS[program],
    linuxParameters: { initProcessEnabled: true },
    mountPoints: [{ sourceVolume: 'scratch', containerPath: '/tmp', readOnly: false }],
    environment: pairs.map(([name, value]) => ({ name, value })),
    secrets: Object.entries(task.secrets).map(([name, valueFrom]) => ({ name, valueFrom })),
    ...(program === 'warmer' ? { healthCheck: WARMER_HEALTH } : {}),
    portMappings: program === 'server' ? [{ containerPort: SERVER_PORT, protocol: 'tcp' }] : [],
    logConfiguration: {
      logDriver: 'awslogs',
      options: {
        'awslogs-group': task.logGroup,
        'awslogs-region': at.settings.region,
        'awslogs-stream-prefix': program,
        // A slow log service must not stop a render.
        mode: 'non-blocking',
        'max-buffer-size': '4m',
      },
    },
  };
}

export function taskDefinition(at: Context, program: Program, task: Task): string {
  return new EcsTaskDefinition(at.stack, `${program}-task`, {
    family: `${at.prefix}-${program}`,
    requiresCompatibilities: ['FARGATE'],
    networkMode: 'awsvpc',
    cpu: String(task.size.cpu),
    memory: String(task.size.memoryMiB),
    runtimePlatform: { cpuArchitecture: 'ARM64', operatingSystemFamily: 'LINUX' },
    executionRoleArn: task.execution.arn,
    taskRoleArn: task.role.arn,
    volume: [{ name: 'scratch' }],
    // The one before stays, so that a roll-back has something to go to.
    skipDestroy: true,
    // A task that starts before its rights have arrived fails, and the deployment with it.
    dependsOn: [task.execution.granted, task.role.granted],
    containerDefinitions: Fn.jsonencode([container(at, program, task)]),
  }).arn;
}
