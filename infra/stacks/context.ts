import type { AwsProvider } from '@cdktf/provider-aws/lib/provider/index.js';
import type { TerraformStack } from 'cdktf';
import type { Settings } from '../settings.ts';
import type { Named } from './account.ts';

/** What every part of a stage is handed. */
export interface Context {
  stack: TerraformStack;
  settings: Settings;
  /** The stage that reads this one's pictures in a second region, where there is one. */
  replica: Named | undefined;
  /** Code of the viewer-request function. */
  viewerCode: string;
  /** `rendition-<stage>`: the beginning of every name. */
  prefix: string;
  account: string;
  /** us-east-1, where CloudFront keeps its certificates, firewalls and metrics. */
  global: AwsProvider;
}

/**
 * The provider that the stacks are applied with. The bindings are of 6.25.0, which reads the value of every secret when
 * it plans; arguments only join within 6.x. This one was tried on these stacks with its own schema and validators.
 */
export const PROVIDER_VERSION = '6.47.0';
export const pinProvider = (stack: TerraformStack): void =>
  stack.addOverride('terraform.required_providers.aws.version', PROVIDER_VERSION);
