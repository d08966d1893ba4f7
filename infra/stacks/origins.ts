import type {
  CloudfrontDistributionOrigin,
  CloudfrontDistributionOriginGroup,
} from '@cdktf/provider-aws/lib/cloudfront-distribution/index.js';
import { CloudfrontVpcOrigin } from '@cdktf/provider-aws/lib/cloudfront-vpc-origin/index.js';
import { RESULTS, SERVER } from '../edge/origin-names.ts';
import type { Settings } from '../settings.ts';
import type { CdnParts } from './cdn.ts';
import type { Context } from './context.ts';

export const GROUP = 'images';

/** The slowest answer the server gives is its deadline; this must be above it and within the balancer's idle time. */
const READ_SECONDS = 30;

/** The bucket of results and, by a VPC origin, the balancer. Both ask through one Origin Shield, where the stage has one. */
export function origins(
  { stack, settings, prefix }: Context,
  { results, balancer }: CdnParts,
  accessControlId: string,
): CloudfrontDistributionOrigin[] {
  const inside = new CloudfrontVpcOrigin(stack, 'vpc-origin', {
    vpcOriginEndpointConfig: [
      {
        name: prefix,
        arn: balancer.lb.arn,
        httpPort: 80,
        httpsPort: 443,
        originProtocolPolicy: 'http-only',
        originSslProtocols: [{ items: ['TLSv1.2'], quantity: 1 }],
      },
    ],
    // Without a listener the origin would be made and refuse every connection.
    dependsOn: [balancer.listener],
  });
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
    {
      ...common,
      originId: SERVER,
      domainName: balancer.lb.dnsName,
      vpcOriginConfig: {
        vpcOriginId: inside.id,
        originKeepaliveTimeout: 50,
        originReadTimeout: READ_SECONDS,
      },
    },
  ];
}

/**
 * Results first: a stored variant costs no compute and survives the servers, and whatever the bucket lacks is the
 * servers' to answer. Server first has no group: behind a server that is away or says "later", the bucket would answer
 * 403 for what it lacks, which clients take as final.
 */
export function originGroups(order: Settings['origin_order']): CloudfrontDistributionOriginGroup[] {
  if (order === 'server-first') return [];
  return [
    {
      originId: GROUP,
      failoverCriteria: { statusCodes: [403, 404, 500, 502, 503, 504] },
      member: [{ originId: RESULTS }, { originId: SERVER }],
    },
  ];
}
