import type {
  CloudfrontDistributionDefaultCacheBehavior,
  CloudfrontDistributionOrderedCacheBehavior,
} from '@cdktf/provider-aws/lib/cloudfront-distribution/index.js';
import { CloudfrontOriginRequestPolicy } from '@cdktf/provider-aws/lib/cloudfront-origin-request-policy/index.js';
import { SERVER } from '../edge/origin-names.ts';
import { cachePolicies, headerPolicies } from './cache.ts';
import type { Context } from './context.ts';
import { GROUP, originGroups } from './origins.ts';

const READ = ['GET', 'HEAD', 'OPTIONS'];
const WRITE = [...READ, 'PUT', 'POST', 'PATCH', 'DELETE'];

interface Behaviours {
  defaultCacheBehavior: CloudfrontDistributionDefaultCacheBehavior;
  orderedCacheBehavior: CloudfrontDistributionOrderedCacheBehavior[];
}

/** Images from the origin group; the API whole and uncached; pages and documents from the server. */
export function behaviours(at: Context, viewerFunction: string): Behaviours {
  const { images, nothing } = cachePolicies(at);
  const headers = headerPolicies(at);
  const everything = new CloudfrontOriginRequestPolicy(at.stack, 'forward-all', {
    name: `${at.prefix}-forward-all`,
    comment: 'All but Host, which the balancer has no use for.',
    cookiesConfig: { cookieBehavior: 'none' },
    headersConfig: { headerBehavior: 'allExcept', headers: { items: ['Host'] } },
    queryStringsConfig: { queryStringBehavior: 'all' },
  });
  const page = {
    allowedMethods: READ,
    cachedMethods: READ,
    cachePolicyId: nothing,
    // CloudFront compresses only what it may keep, and of these it keeps nothing.
    compress: false,
    originRequestPolicyId: everything.id,
    responseHeadersPolicyId: headers.pages,
    targetOriginId: SERVER,
    viewerProtocolPolicy: 'redirect-to-https',
  };
  return {
    defaultCacheBehavior: page,
    orderedCacheBehavior: [
      {
        pathPattern: '/img/*',
        allowedMethods: READ,
        cachedMethods: READ,
        cachePolicyId: images,
        // Pictures are compressed already; Accept-Encoding would only split the cache.
        compress: false,
        functionAssociation: [{ eventType: 'viewer-request', functionArn: viewerFunction }],
        responseHeadersPolicyId: headers.images,
        targetOriginId: originGroups(at).length > 0 ? GROUP : SERVER,
        viewerProtocolPolicy: 'redirect-to-https',
      },
      { ...page, pathPattern: '/api/*', allowedMethods: WRITE, viewerProtocolPolicy: 'https-only' },
    ],
  };
}
