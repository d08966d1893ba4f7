import { DataAwsEc2ManagedPrefixList } from '@cdktf/provider-aws/lib/data-aws-ec2-managed-prefix-list/index.js';
import { Lb } from '@cdktf/provider-aws/lib/lb/index.js';
import { LbListener } from '@cdktf/provider-aws/lib/lb-listener/index.js';
import { LbListenerRule } from '@cdktf/provider-aws/lib/lb-listener-rule/index.js';
import { LbTargetGroup } from '@cdktf/provider-aws/lib/lb-target-group/index.js';
import { SecurityGroup } from '@cdktf/provider-aws/lib/security-group/index.js';
import { VpcSecurityGroupEgressRule } from '@cdktf/provider-aws/lib/vpc-security-group-egress-rule/index.js';
import { VpcSecurityGroupIngressRule } from '@cdktf/provider-aws/lib/vpc-security-group-ingress-rule/index.js';
import type { Bucket } from './bucket.ts';
import type { Context } from './context.ts';
import { balancerLog } from './logs.ts';
import type { Network } from './network.ts';

export const SERVER_PORT = 8080;

export interface Balancer {
  lb: Lb;
  listener: LbListener;
  targets: LbTargetGroup;
  securityGroupId: string;
}

/** Reachable from CloudFront's addresses alone, to the servers alone. */
function securityGroup({ stack, prefix }: Context, { vpcId }: Network): string {
  const group = new SecurityGroup(stack, 'balancer-group', { name: `${prefix}-balancer`, vpcId });
  const cloudfront = new DataAwsEc2ManagedPrefixList(stack, 'cloudfront-addresses', {
    name: 'com.amazonaws.global.cloudfront.origin-facing',
  });
  new VpcSecurityGroupIngressRule(stack, 'balancer-from-cloudfront', {
    securityGroupId: group.id,
    prefixListId: cloudfront.id,
    ipProtocol: 'tcp',
    fromPort: 80,
    toPort: 80,
  });
  new VpcSecurityGroupEgressRule(stack, 'balancer-to-servers', {
    securityGroupId: group.id,
    cidrIpv4: '10.40.0.0/16',
    ipProtocol: 'tcp',
    fromPort: SERVER_PORT,
    toPort: SERVER_PORT,
  });
  return group.id;
}

function targetGroup({ stack, prefix }: Context, { vpcId }: Network): LbTargetGroup {
  return new LbTargetGroup(stack, 'targets', {
    name: prefix,
    vpcId,
    port: SERVER_PORT,
    protocol: 'HTTP',
    targetType: 'ip',
    // A render is long and uneven: the shortest queue is a better guess than the next in turn.
    loadBalancingAlgorithmType: 'least_outstanding_requests',
    deregistrationDelay: '35',
    healthCheck: {
      path: '/readyz',
      matcher: '200',
      interval: 15,
      timeout: 5,
      healthyThreshold: 2,
      // ECS replaces what is unhealthy. A store that is away for a minute must not cost every task its memory.
      unhealthyThreshold: 10,
    },
  });
}

/** The internal balancer that CloudFront reaches through its VPC origin. */
export function balancer(at: Context, net: Network, logs: Bucket | undefined): Balancer {
  const securityGroupId = securityGroup(at, net);
  const lb = new Lb(at.stack, 'balancer', {
    name: at.prefix,
    internal: true,
    loadBalancerType: 'application',
    securityGroups: [securityGroupId],
    subnets: net.balancerSubnets,
    dropInvalidHeaderFields: true,
    idleTimeout: 60,
    ...balancerLog(at, logs),
    enableDeletionProtection: at.settings.protect,
  });
  const targets = targetGroup(at, net);
  const listener = new LbListener(at.stack, 'listener', {
    loadBalancerArn: lb.arn,
    port: 80,
    protocol: 'HTTP',
    defaultAction: [{ type: 'forward', targetGroupArn: targets.arn }],
  });
  new LbListenerRule(at.stack, 'metrics-stay-inside', {
    listenerArn: listener.arn,
    priority: 1,
    condition: [{ pathPattern: { values: ['/metrics', '/metrics/*'] } }],
    action: [{ type: 'fixed-response', fixedResponse: { contentType: 'text/plain', statusCode: '404' } }],
  });
  return { lb, listener, targets, securityGroupId };
}
