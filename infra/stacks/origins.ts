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

/** The bucket of results and, by a VPC origin, the balancer. Both ask through one Origin Shield. */
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
    originShield: { enabled: true, originShieldRegion: settings.shield_region || settings.region },
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
 * Results first: a stored variant costs no compute and survives the servers. Server first: hot variants come from
 * memory, and the bucket answers only in trouble. 404 is absent from the second: there it is the answer.
 */
export function originGroup(order: Settings['origin_order']): CloudfrontDistributionOriginGroup {
  const member = (ids: readonly string[]) => ids.map((originId) => ({ originId }));
  return order === 'results-first'
    ? {
        originId: GROUP,
        failoverCriteria: { statusCodes: [403, 404, 500, 502, 503, 504] },
        member: member([RESULTS, SERVER]),
      }
    : {
        originId: GROUP,
        failoverCriteria: { statusCodes: [500, 502, 503, 504] },
        member: member([SERVER, RESULTS]),
      };
}
