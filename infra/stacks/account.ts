import { DataAwsCallerIdentity } from '@cdktf/provider-aws/lib/data-aws-caller-identity/index.js';
import { EcrLifecyclePolicy } from '@cdktf/provider-aws/lib/ecr-lifecycle-policy/index.js';
import { EcrRepository } from '@cdktf/provider-aws/lib/ecr-repository/index.js';
import { IamPolicy } from '@cdktf/provider-aws/lib/iam-policy/index.js';
import { AwsProvider } from '@cdktf/provider-aws/lib/provider/index.js';
import { type App, TerraformOutput, TerraformStack } from 'cdktf';
import { bucketSources } from '../program-settings.ts';
import type { Settings } from '../settings.ts';
import { keepState } from './backend.ts';
import { BOUNDARY, boundary } from './boundary.ts';
import { traceRights } from './collector.ts';
import { pinProvider } from './context.ts';
import { deployRoles } from './deploy-roles.ts';
import { document } from './policy.ts';
import { feedSources } from './source-rights.ts';
import { json } from './text.ts';

const KEPT_IMAGES = 50;

/** A stage by its name. */
export interface Named {
  name: string;
  settings: Settings;
}

/** What all stages of an account share: image repository, the boundary of their roles, roles that GitHub may wear. */
export function account(app: App, settings: Settings, stages: readonly Named[]): void {
  const stack = new TerraformStack(app, 'rendition-account');
  keepState(stack, settings, 'account');
  pinProvider(stack);
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
    policy: json({
      // An image is its list and what the list names: counted by tag, because parts counted along would leave a few.
      rules: [
        {
          rulePriority: 1,
          description: 'Enough to roll back to.',
          selection: {
            tagStatus: 'tagged',
            tagPatternList: ['*'],
            countType: 'imageCountMoreThan',
            countNumber: KEPT_IMAGES,
          },
          action: { type: 'expire' },
        },
        {
          rulePriority: 2,
          description: 'Parts of no image; those of an image cannot expire before it.',
          selection: {
            tagStatus: 'untagged',
            countType: 'sinceImagePushed',
            countUnit: 'days',
            countNumber: 7,
          },
          action: { type: 'expire' },
        },
      ],
    }),
  });
  new IamPolicy(stack, 'boundary', {
    name: BOUNDARY,
    description: 'The most that a role of a stage can do.',
    policy: document(
      boundary(caller.accountId, {
        buckets: stages.map(({ settings }) => settings.originals_bucket).filter(Boolean),
        secrets: stages
          .flatMap(({ settings }) => [settings.webhook_secret_arn, settings.source_headers_arn])
          .filter(Boolean),
        sources: stages.flatMap(({ settings }) => [
          ...bucketSources(settings.environment),
          ...feedSources(settings),
        ]),
        more: stages.flatMap(({ settings }) => traceRights(settings)).slice(0, 1),
      }),
    ),
  });
  new TerraformOutput(stack, 'repository_url', { value: images.repositoryUrl });
  if (settings.repository) deployRoles(stack, settings, caller.accountId, stages);
}
