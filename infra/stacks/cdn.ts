import { CloudfrontDistribution } from '@cdktf/provider-aws/lib/cloudfront-distribution/index.js';
import { CloudfrontMonitoringSubscription } from '@cdktf/provider-aws/lib/cloudfront-monitoring-subscription/index.js';
import { CloudfrontOriginAccessControl } from '@cdktf/provider-aws/lib/cloudfront-origin-access-control/index.js';
import { Route53Record } from '@cdktf/provider-aws/lib/route53-record/index.js';
import { Fn } from 'cdktf';
import type { Balancer } from './balancer.ts';
import { behaviours } from './behaviours.ts';
import { type Bucket, guardBucket } from './bucket.ts';
import type { Context } from './context.ts';
import { originGroups, origins } from './origins.ts';

export interface CdnParts {
  results: Bucket;
  balancer: Balancer;
  viewerFunction: string;
  firewallArn: string | undefined;
  certificateArn: string | undefined;
}

export interface Cdn {
  id: string;
  arn: string;
  /** What pages write: the custom domain where there is one. */
  host: string;
  cloudfrontHost: string;
}

/** Trouble is remembered for a second, so a crowd does not become a stampede; for 4xx the origin's header decides. */
const ERROR_TTLS: readonly (readonly [code: number, seconds: number])[] = [
  [400, 0],
  [403, 0],
  [404, 0],
  [405, 0],
  [414, 0],
  [500, 1],
  [501, 1],
  [502, 1],
  [503, 1],
  [504, 1],
];

/** CloudFront in front of the results and the servers. */
export function cdn(at: Context, parts: CdnParts): Cdn {
  const { stack, settings, prefix } = at;
  const access = new CloudfrontOriginAccessControl(stack, 'results-access', {
    name: `${prefix}-results`,
    originAccessControlOriginType: 's3',
    signingBehavior: 'always',
    signingProtocol: 'sigv4',
  });
  const made = new CloudfrontDistribution(stack, 'cdn', {
    enabled: true,
    comment: prefix,
    httpVersion: 'http2and3',
    isIpv6Enabled: true,
    priceClass: settings.price_class,
    ...(parts.firewallArn ? { webAclId: parts.firewallArn } : {}),
    aliases: settings.domain ? [settings.domain] : [],
    origin: origins(at, parts, access.id),
    originGroup: originGroups(at),
    ...behaviours(at, parts.viewerFunction),
    customErrorResponse: ERROR_TTLS.map(([errorCode, errorCachingMinTtl]) => ({
      errorCode,
      errorCachingMinTtl,
    })),
    restrictions: { geoRestriction: { restrictionType: 'none', locations: [] } },
    viewerCertificate: parts.certificateArn
      ? {
          acmCertificateArn: parts.certificateArn,
          sslSupportMethod: 'sni-only',
          minimumProtocolVersion: 'TLSv1.2_2021',
        }
      : { cloudfrontDefaultCertificate: true },
  });
  // Pays for the hit ratio, the one number that says whether this deployment is worth its money.
  new CloudfrontMonitoringSubscription(stack, 'cdn-metrics', {
    distributionId: made.id,
    monitoringSubscription: {
      realtimeMetricsSubscriptionConfig: { realtimeMetricsSubscriptionStatus: 'Enabled' },
    },
  });
  letCdnRead(at, parts.results, made.arn);
  pointDomain(at, made);
  const host = settings.domain || made.domainName;
  return { id: made.id, arn: made.arn, host, cloudfrontHost: made.domainName };
}

/** Reading alone: without ListBucket a missing variant is a 403, and 403 is what the origin group fails over on. */
function letCdnRead(at: Context, results: Bucket, distributionArn: string): void {
  guardBucket(at, 'results', results, [
    {
      Effect: 'Allow',
      Principal: { Service: 'cloudfront.amazonaws.com' },
      Action: ['s3:GetObject'],
      Resource: [Fn.join('', [results.arn, '/img/*'])],
      Condition: { StringEquals: { 'AWS:SourceArn': distributionArn, 'AWS:SourceAccount': at.account } },
    },
  ]);
}

function pointDomain({ stack, settings }: Context, made: CloudfrontDistribution): void {
  if (!settings.hosted_zone) return;
  for (const type of ['A', 'AAAA']) {
    new Route53Record(stack, `domain-${type.toLowerCase()}`, {
      zoneId: settings.hosted_zone,
      name: settings.domain,
      type,
      alias: { name: made.domainName, zoneId: made.hostedZoneId, evaluateTargetHealth: false },
    });
  }
}
