import { Wafv2WebAcl } from '@cdktf/provider-aws/lib/wafv2-web-acl/index.js';
import type { Context } from './context.ts';
import { json } from './text.ts';

const watched = (name: string) => ({
  SampledRequestsEnabled: true,
  CloudWatchMetricsEnabled: true,
  MetricName: name,
});

/** The rate rule counts every request of an address, also those that the cache answers. */
function rules(limit: number) {
  return [
    {
      Name: 'rate',
      Priority: 0,
      Action: { Block: { CustomResponse: { ResponseCode: 429 } } },
      Statement: { RateBasedStatement: { Limit: limit, AggregateKeyType: 'IP', EvaluationWindowSec: 300 } },
      VisibilityConfig: watched('rate'),
    },
    {
      Name: 'reputation',
      Priority: 1,
      OverrideAction: { None: {} },
      Statement: {
        ManagedRuleGroupStatement: { VendorName: 'AWS', Name: 'AWSManagedRulesAmazonIpReputationList' },
      },
      VisibilityConfig: watched('reputation'),
    },
  ];
}

/** The firewall's ARN, or undefined where the stage wants none. */
export function firewall({ stack, settings, prefix, global }: Context): string | undefined {
  if (!settings.firewall) return undefined;
  return new Wafv2WebAcl(stack, 'firewall', {
    provider: global,
    name: prefix,
    scope: 'CLOUDFRONT',
    defaultAction: { allow: {} },
    visibilityConfig: {
      sampledRequestsEnabled: true,
      cloudwatchMetricsEnabled: true,
      metricName: prefix,
    },
    // JSON, because the typed form nests so deeply that plans of it run out of memory.
    ruleJson: json(rules(settings.rate_limit)),
  }).arn;
}
