import { CloudfrontCachePolicy } from '@cdktf/provider-aws/lib/cloudfront-cache-policy/index.js';
import { CloudfrontResponseHeadersPolicy } from '@cdktf/provider-aws/lib/cloudfront-response-headers-policy/index.js';
import type { Context } from './context.ts';

const YEAR_SECONDS = 365 * 24 * 60 * 60;
const DAY_SECONDS = 24 * 60 * 60;

/** `images`: the path is the key. `nothing`: never stored. */
export function cachePolicies({ stack, prefix }: Context): { images: string; nothing: string } {
  const none = { cookiesConfig: { cookieBehavior: 'none' }, headersConfig: { headerBehavior: 'none' } };
  const images = new CloudfrontCachePolicy(stack, 'cache-images', {
    name: `${prefix}-images`,
    minTtl: 0,
    defaultTtl: DAY_SECONDS,
    maxTtl: YEAR_SECONDS,
    parametersInCacheKeyAndForwardedToOrigin: {
      ...none,
      // The edge function has moved a good query into the path. What is left is `dl`, `v`, or a mistake, and one
      // mistake must not be answered with the explanation of another.
      queryStringsConfig: { queryStringBehavior: 'all' },
    },
  });
  const nothing = new CloudfrontCachePolicy(stack, 'cache-nothing', {
    name: `${prefix}-nothing`,
    minTtl: 0,
    defaultTtl: 0,
    maxTtl: 0,
    parametersInCacheKeyAndForwardedToOrigin: {
      ...none,
      queryStringsConfig: { queryStringBehavior: 'none' },
    },
  });
  return { images: images.id, nothing: nothing.id };
}

/** Headers that a stored result cannot carry itself. The server sends the same ones, so neither origin shows. */
export function headerPolicies({ stack, prefix }: Context): { images: string; pages: string } {
  const strictTransportSecurity = { accessControlMaxAgeSec: YEAR_SECONDS, override: true };
  const contentTypeOptions = { override: true };
  const images = new CloudfrontResponseHeadersPolicy(stack, 'headers-images', {
    name: `${prefix}-images`,
    corsConfig: {
      accessControlAllowCredentials: false,
      accessControlAllowHeaders: { items: ['*'] },
      accessControlAllowMethods: { items: ['GET', 'HEAD', 'OPTIONS'] },
      accessControlAllowOrigins: { items: ['*'] },
      accessControlExposeHeaders: { items: ['*'] },
      accessControlMaxAgeSec: DAY_SECONDS,
      originOverride: true,
    },
    securityHeadersConfig: {
      contentSecurityPolicy: { contentSecurityPolicy: "default-src 'none'; sandbox", override: true },
      contentTypeOptions,
      strictTransportSecurity,
    },
    customHeadersConfig: {
      items: [
        { header: 'Cross-Origin-Resource-Policy', value: 'cross-origin', override: true },
        { header: 'Timing-Allow-Origin', value: '*', override: true },
        // The key holds the format; this is for caches between CloudFront and the browser.
        { header: 'Vary', value: 'Accept', override: true },
      ],
    },
  });
  const pages = new CloudfrontResponseHeadersPolicy(stack, 'headers-pages', {
    name: `${prefix}-pages`,
    securityHeadersConfig: { contentTypeOptions, strictTransportSecurity },
  });
  return { images: images.id, pages: pages.id };
}
