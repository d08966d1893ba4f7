import { DataAwsCallerIdentity } from '@cdktf/provider-aws/lib/data-aws-caller-identity/index.js';
import { EcrLifecyclePolicy } from '@cdktf/provider-aws/lib/ecr-lifecycle-policy/index.js';
import { EcrRepository } from '@cdktf/provider-aws/lib/ecr-repository/index.js';
import { AwsProvider } from '@cdktf/provider-aws/lib/provider/index.js';
import { type App, TerraformOutput, TerraformStack } from 'cdktf';
import type { Settings } from '../settings.ts';
import { keepState } from './backend.ts';
import { deployRoles } from './deploy-roles.ts';

const KEPT_IMAGES = 50;

/** What all stages of an account share: the image repository and the roles that GitHub may wear. */
export function account(app: App, settings: Settings): void {
  const stack = new TerraformStack(app, 'rendition-account');
  keepState(stack, settings, 'account');
  new AwsProvider(stack, 'aws', {
    region: settings.region,
    defaultTags: [{ tags: { project: 'rendition' } }],
  });
  const caller = new DataAwsCallerIdentity(stack, 'caller');
  const images = new EcrRepository(stack, 'images', {
    name: 'rendition',
    imageTagMutability: 'IMMUTABLE',
    imageScanningConfiguration: { scanOnPush: true },
    encryptionConfiguration: [{ encryptionType: 'AES256' }],
  });
  new EcrLifecyclePolicy(stack, 'images-kept', {
    repository: images.name,
    policy: JSON.stringify({
      rules: [
        {
          rulePriority: 1,
          description: 'Enough to roll back to.',
          selection: { tagStatus: 'any', countType: 'imageCountMoreThan', countNumber: KEPT_IMAGES },
          action: { type: 'expire' },
        },
      ],
    }),
  });
  new TerraformOutput(stack, 'repository_url', { value: images.repositoryUrl });
  if (settings.repository) deployRoles(stack, settings, caller.accountId);
}
