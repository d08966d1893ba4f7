import { EcsTaskDefinition } from '@cdktf/provider-aws/lib/ecs-task-definition/index.js';
import type { TaskSize } from '../sizing.ts';
import { SERVER_PORT } from './balancer.ts';
import { collectorContainers, traceEnvironment } from './collector.ts';
import type { Context } from './context.ts';
import { STOP_SECONDS, WARMER_PORT } from './environment.ts';
import type { Program } from './permissions.ts';
import type { Role } from './roles.ts';
import { json } from './text.ts';

/** A program of a task. */
export interface Part {
  program: Program;
  environment: Record<string, string>;
  logGroup: string;
}

export interface Task {
  size: TaskSize;
  parts: readonly [Part, ...Part[]];
  secrets: Readonly<Record<string, string>>;
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

const logConfiguration = (at: Context, logGroup: string, prefix: string) => ({
  logDriver: 'awslogs',
  options: {
    'awslogs-group': logGroup,
    'awslogs-region': at.settings.region,
    'awslogs-stream-prefix': prefix,
    // A slow log service must not stop a render.
    mode: 'non-blocking',
    'max-buffer-size': '4m',
  },
});

function container(at: Context, { program, environment, logGroup }: Part, task: Task) {
  const pairs = Object.entries({ ...traceEnvironment(at, program), ...environment }).sort(([a], [b]) =>
    a < b ? -1 : 1,
  );
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
    logConfiguration: logConfiguration(at, logGroup, program),
  };
}

export function taskDefinition(at: Context, program: Program, task: Task): string {
  const [{ logGroup }] = task.parts;
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
    containerDefinitions: json([
      ...task.parts.map((part) => container(at, part, task)),
      ...collectorContainers(at, logConfiguration(at, logGroup, 'collector')),
    ]),
  }).arn;
}
