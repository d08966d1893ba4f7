import type { AwsProvider } from '@cdktf/provider-aws/lib/provider/index.js';
import type { TerraformStack } from 'cdktf';
import type { Settings } from '../settings.ts';

/** What every part of a stage is handed. */
export interface Context {
  stack: TerraformStack;
  settings: Settings;
  /** Code of the viewer-request function. */
  viewerCode: string;
  /** `rendition-<stage>`: the beginning of every name. */
  prefix: string;
  account: string;
  /** us-east-1, where CloudFront keeps its certificates, firewalls and metrics. */
  global: AwsProvider;
}
