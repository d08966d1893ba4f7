import { CloudfrontFunction } from '@cdktf/provider-aws/lib/cloudfront-function/index.js';
import { CloudfrontKeyValueStore } from '@cdktf/provider-aws/lib/cloudfront-key-value-store/index.js';
import { edgeBundle } from '../edge/build.ts';
import type { Context } from './context.ts';

export interface Edge {
  viewerFunction: string;
  /** Where the operator puts signing keys, by key id. */
  keysArn: string;
}

/** The viewer-request function and the store of its signing keys; keys are put there by hand, not by Terraform. */
export function edge({ stack, settings, prefix }: Context): Edge {
  const keys = new CloudfrontKeyValueStore(stack, 'signing-keys-edge', {
    name: `${prefix}-signing-keys`,
    comment: 'Key id to secret.',
  });
  const viewer = new CloudfrontFunction(stack, 'viewer-request', {
    name: `${prefix}-viewer-request`,
    runtime: 'cloudfront-js-2.0',
    comment: 'Canonical form, format, signature.',
    keyValueStoreAssociations: [keys.arn],
    publish: true,
    code: edgeBundle(settings.environment),
  });
  return { viewerFunction: viewer.arn, keysArn: keys.arn };
}
