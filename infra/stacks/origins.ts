import type {
  CloudfrontDistributionOrigin,
  CloudfrontDistributionOriginGroup,
} from '@cdktf/provider-aws/lib/cloudfront-distribution/index.js';
import { CloudfrontVpcOrigin } from '@cdktf/provider-aws/lib/cloudfront-vpc-origin/index.js';
import { DataAwsLb } from '@cdktf/provider-aws/lib/data-aws-lb/index.js';
import { AwsProvider } from '@cdktf/provider-aws/lib/provider/index.js';
import type { ITerraformDependable } from 'cdktf';
import { REPLICA, RESULTS, SERVER } from '../edge/origin-names.ts';
import { prefixOf } from '../names.ts';
import type { CdnParts } from './cdn.ts';
import type { Context } from './context.ts';

export const GROUP = 'images';

/** The slowest answer the server gives is its deadline; this must be above it and within the balancer's idle time. */
const READ_SECONDS = 30;

/** A balancer inside a network, as CloudFront reaches it. */
function vpcOrigin(
  { stack }: Context,
  id: string,
  name: string,
  arn: string,
  listener?: ITerraformDependable,
): string {
  return new CloudfrontVpcOrigin(stack, id, {
    vpcOriginEndpointConfig: [
      {
        name,
        arn,
        httpPort: 80,
        httpsPort: 443,
        originProtocolPolicy: 'http-only',
        originSslProtocols: [{ items: ['TLSv1.2'], quantity: 1 }],
      },
    ],
    // Without a listener the origin would be made and refuse every connection.
    ...(listener ? { dependsOn: [listener] } : {}),
  }).id;
}

const throughVpc = (vpcOriginId: string) => ({
  vpcOriginConfig: { vpcOriginId, originKeepaliveTimeout: 50, originReadTimeout: READ_SECONDS },
});

/** The servers of the second region, whose stack is deployed before this one. */
function replicaOrigins(at: Context): CloudfrontDistributionOrigin[] {
  const { stack, replica } = at;
  if (!replica) return [];
  const name = prefixOf(replica.name);
  const provider = new AwsProvider(stack, 'replica', { region: replica.settings.region, alias: 'replica' });
  const lb = new DataAwsLb(stack, 'replica-balancer', { provider, name });
  const inside = vpcOrigin(at, 'vpc-origin-replica', name, lb.arn);
  return [{ originId: REPLICA, domainName: lb.dnsName, ...throughVpc(inside) }];
}

/** The bucket of results and, by VPC origins, the balancers. All ask through one Origin Shield, where the stage has one. */
export function origins(
  at: Context,
  { results, balancer }: CdnParts,
  accessControlId: string,
): CloudfrontDistributionOrigin[] {
  const { settings, prefix } = at;
  const inside = vpcOrigin(at, 'vpc-origin', prefix, balancer.lb.arn, balancer.listener);
  const common = {
    // The defaults wait thirty seconds before the second origin is asked.
    connectionAttempts: 2,
    connectionTimeout: 3,
    ...(settings.shield
      ? { originShield: { enabled: true, originShieldRegion: settings.shield_region || settings.region } }
      : {}),
  };
  return [
    { ...common, originId: RESULTS, domainName: results.domain, originAccessControlId: accessControlId },
    { ...common, originId: SERVER, domainName: balancer.lb.dnsName, ...throughVpc(inside) },
    ...replicaOrigins(at).map((origin) => ({ ...common, ...origin })),
  ];
}

/**
 * Results first: a stored variant costs no compute and survives the servers, and whatever the bucket lacks is the
 * servers' to answer. Server first has no group of its own: behind a server that is away or says "later", the bucket
 * would answer 403 for what it lacks, which clients take as final. A second region's servers may stand there.
 */
export function originGroups({ settings, replica }: Context): CloudfrontDistributionOriginGroup[] {
  if (settings.origin_order === 'results-first')
    return [group([403, 404, 500, 502, 503, 504], [RESULTS, SERVER])];
  return replica ? [group([500, 502, 503, 504], [SERVER, REPLICA])] : [];
}

const group = (statusCodes: number[], members: string[]): CloudfrontDistributionOriginGroup => ({
  originId: GROUP,
  failoverCriteria: { statusCodes },
  member: members.map((originId) => ({ originId })),
});
