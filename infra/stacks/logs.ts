import { CloudwatchLogDelivery } from '@cdktf/provider-aws/lib/cloudwatch-log-delivery/index.js';
import { CloudwatchLogDeliveryDestination } from '@cdktf/provider-aws/lib/cloudwatch-log-delivery-destination/index.js';
import { CloudwatchLogDeliverySource } from '@cdktf/provider-aws/lib/cloudwatch-log-delivery-source/index.js';
import { CloudwatchLogGroup } from '@cdktf/provider-aws/lib/cloudwatch-log-group/index.js';
import { FlowLog } from '@cdktf/provider-aws/lib/flow-log/index.js';
import { Wafv2WebAclLoggingConfiguration } from '@cdktf/provider-aws/lib/wafv2-web-acl-logging-configuration/index.js';
import { Fn } from 'cdktf';
import { type Bucket, bucket, guardBucket } from './bucket.ts';
import type { Context } from './context.ts';
import type { Statement } from './policy.ts';

/** Folders of the bucket of logs. */
const BALANCER = 'balancer';

/** The bucket of logs, or undefined where the stage wants none. Its policy lets the services write and nobody read. */
export function logBucket(at: Context): Bucket | undefined {
  const { access_logs, network_logs, log_days } = at.settings;
  if (!access_logs && !network_logs) return undefined;
  const made = bucket(at, 'logs', [{ id: 'expire', expireDays: Number(log_days) }]);
  guardBucket(at, 'logs', made, [
    writes(at, made, 'delivery.logs.amazonaws.com', '*'),
    ...(network_logs
      ? [writes(at, made, 'logdelivery.elasticloadbalancing.amazonaws.com', `${BALANCER}/*`)]
      : []),
    {
      Effect: 'Allow',
      Principal: { Service: 'delivery.logs.amazonaws.com' },
      Action: ['s3:GetBucketAcl', 's3:ListBucket'],
      Resource: [made.arn],
      Condition: { StringEquals: { 'aws:SourceAccount': at.account } },
    },
  ]);
  return made;
}

function writes(at: Context, { arn }: Bucket, service: string, keys: string): Statement {
  return {
    Effect: 'Allow',
    Principal: { Service: service },
    Action: ['s3:PutObject'],
    Resource: [Fn.join('', [arn, `/${keys}`])],
    Condition: { StringEquals: { 'aws:SourceAccount': at.account } },
  };
}

/** What the balancer is told about its log, where it writes one. */
export const balancerLog = ({ settings }: Context, logs: Bucket | undefined) =>
  logs && settings.network_logs ? { accessLogs: { bucket: logs.name, prefix: BALANCER, enabled: true } } : {};

/** What flowed through the network, into the same bucket. */
export function networkLog({ stack, settings }: Context, vpcId: string, logs: Bucket | undefined): void {
  if (!logs || !settings.network_logs) return;
  new FlowLog(stack, 'network-log', {
    vpcId,
    trafficType: 'ALL',
    logDestinationType: 's3',
    logDestination: Fn.join('', [logs.arn, '/network']),
    maxAggregationInterval: 600,
  });
}

/** CloudFront's requests as Parquet, by hour, for Athena. Deliveries of CloudFront are made in us-east-1. */
export function accessLog(
  { stack, settings, prefix, global }: Context,
  cdnArn: string,
  logs: Bucket | undefined,
): void {
  if (!logs || !settings.access_logs) return;
  const source = new CloudwatchLogDeliverySource(stack, 'access-log-source', {
    provider: global,
    name: `${prefix}-access`,
    logType: 'ACCESS_LOGS',
    resourceArn: cdnArn,
  });
  const destination = new CloudwatchLogDeliveryDestination(stack, 'access-log-destination', {
    provider: global,
    name: `${prefix}-access`,
    outputFormat: 'parquet',
    deliveryDestinationConfiguration: [{ destinationResourceArn: Fn.join('', [logs.arn, '/access']) }],
  });
  new CloudwatchLogDelivery(stack, 'access-log', {
    provider: global,
    deliverySourceName: source.name,
    deliveryDestinationArn: destination.arn,
    s3DeliveryConfiguration: [{ suffixPath: '{yyyy}/{MM}/{dd}/{HH}', enableHiveCompatiblePath: true }],
  });
}

/** What the firewall refused; what it let through is in CloudFront's log. */
export function firewallLog({ stack, settings, prefix, global }: Context, aclArn: string | undefined): void {
  if (!aclArn || !settings.access_logs) return;
  const group = new CloudwatchLogGroup(stack, 'firewall-logs', {
    provider: global,
    // The firewall takes no other beginning.
    name: `aws-waf-logs-${prefix}`,
    retentionInDays: Number(settings.log_days),
  });
  new Wafv2WebAclLoggingConfiguration(stack, 'firewall-log', {
    provider: global,
    resourceArn: aclArn,
    logDestinationConfigs: [group.arn],
    loggingFilter: {
      defaultBehavior: 'DROP',
      filter: [
        { behavior: 'KEEP', requirement: 'MEETS_ANY', condition: [{ actionCondition: { action: 'BLOCK' } }] },
      ],
    },
  });
}
