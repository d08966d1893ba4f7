import { EcsService, type EcsServiceConfig } from '@cdktf/provider-aws/lib/ecs-service/index.js';
import { SecurityGroup } from '@cdktf/provider-aws/lib/security-group/index.js';
import { VpcSecurityGroupEgressRule } from '@cdktf/provider-aws/lib/vpc-security-group-egress-rule/index.js';
import { VpcSecurityGroupIngressRule } from '@cdktf/provider-aws/lib/vpc-security-group-ingress-rule/index.js';
import { fewestServers, SIZES } from '../sizing.ts';
import { SERVER_PORT } from './balancer.ts';
import type { Context } from './context.ts';
import type { Program } from './permissions.ts';
import type { ProgramParts } from './programs.ts';

/** Outward to TLS alone: AWS's interfaces and webhooks. */
function securityGroup({ stack, prefix }: Context, program: Program, vpcId: string): SecurityGroup {
  const group = new SecurityGroup(stack, `${program}-group`, { name: `${prefix}-${program}`, vpcId });
  new VpcSecurityGroupEgressRule(stack, `${program}-to-tls`, {
    securityGroupId: group.id,
    cidrIpv4: '0.0.0.0/0',
    ipProtocol: 'tcp',
    fromPort: 443,
    toPort: 443,
  });
  return group;
}

function service(
  at: Context,
  program: Program,
  cluster: string,
  parts: Pick<ProgramParts, 'net'>,
  group: SecurityGroup,
) {
  return {
    name: `${at.prefix}-${program}`,
    cluster,
    desiredCount: program === 'server' ? fewestServers(at.settings) : SIZES[at.settings.size].warmer.minTasks,
    platformVersion: 'LATEST',
    deploymentCircuitBreaker: { enable: true, rollback: true },
    networkConfiguration: {
      subnets: parts.net.taskSubnets,
      securityGroups: [group.id],
      assignPublicIp: true,
    },
    // A deployment of servers that rolled itself back must fail the run that started it.
    waitForSteadyState: program === 'server',
    // A strategy that changes is taken by a new deployment; without this the provider makes a new service.
    forceNewDeployment: true,
    propagateTags: 'SERVICE',
    enableEcsManagedTags: true,
    // Autoscaling owns the count after the first deployment.
    lifecycle: { ignoreChanges: ['desired_count'] },
  } satisfies EcsServiceConfig;
}

/** On demand, behind the balancer; the new tasks are up before the old ones go. */
export function serverService(
  at: Context,
  cluster: string,
  parts: Pick<ProgramParts, 'net' | 'front'>,
  taskArn: string,
): EcsService {
  const group = securityGroup(at, 'server', parts.net.vpcId);
  new VpcSecurityGroupIngressRule(at.stack, 'server-from-balancer', {
    securityGroupId: group.id,
    referencedSecurityGroupId: parts.front.securityGroupId,
    ipProtocol: 'tcp',
    fromPort: SERVER_PORT,
    toPort: SERVER_PORT,
  });
  return new EcsService(at.stack, 'server', {
    ...service(at, 'server', cluster, parts, group),
    taskDefinition: taskArn,
    capacityProviderStrategy: [{ capacityProvider: 'FARGATE', weight: 1 }],
    deploymentMinimumHealthyPercent: 100,
    deploymentMaximumPercent: 200,
    healthCheckGracePeriodSeconds: 60,
    availabilityZoneRebalancing: 'ENABLED',
    loadBalancer: [
      { targetGroupArn: parts.front.targets.arn, containerName: 'server', containerPort: SERVER_PORT },
    ],
    dependsOn: [parts.front.listener],
  });
}

/**
 * One on demand, the others on Spot: what a reclaimed task had not finished goes back to the queue. No deployment waits
 * for these, because Spot may have none to give.
 */
export function warmerService(
  at: Context,
  cluster: string,
  parts: ProgramParts,
  taskArn: string,
): EcsService {
  const group = securityGroup(at, 'warmer', parts.net.vpcId);
  return new EcsService(at.stack, 'warmer', {
    ...service(at, 'warmer', cluster, parts, group),
    taskDefinition: taskArn,
    capacityProviderStrategy: [
      { capacityProvider: 'FARGATE', base: 1, weight: 0 },
      { capacityProvider: 'FARGATE_SPOT', weight: 1 },
    ],
    deploymentMinimumHealthyPercent: 0,
    deploymentMaximumPercent: 200,
  });
}
