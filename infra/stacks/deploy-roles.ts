import { DataAwsIamOpenidConnectProvider } from '@cdktf/provider-aws/lib/data-aws-iam-openid-connect-provider/index.js';
import { IamOpenidConnectProvider } from '@cdktf/provider-aws/lib/iam-openid-connect-provider/index.js';
import { IamRole } from '@cdktf/provider-aws/lib/iam-role/index.js';
import { IamRolePolicy } from '@cdktf/provider-aws/lib/iam-role-policy/index.js';
import { TerraformOutput, type TerraformStack } from 'cdktf';
import type { Settings } from '../settings.ts';
import type { Named } from './account.ts';
import { deployRights, stateRights } from './deploy-rights.ts';
import { PLAN_READS } from './plan-reads.ts';
import { document, type Statement } from './policy.ts';

const ISSUER = 'token.actions.githubusercontent.com';

/** Workflows of one repository, and of it only those that run for `subject`. */
function trustGithub(provider: string, repository: string, subject: string): string {
  return document([
    {
      Effect: 'Allow',
      Principal: { Federated: provider },
      Action: ['sts:AssumeRoleWithWebIdentity'],
      Condition: {
        StringEquals: {
          [`${ISSUER}:aud`]: 'sts.amazonaws.com',
          [`${ISSUER}:sub`]: `repo:${repository}:${subject}`,
        },
      },
    },
  ]);
}

/** An account has one provider for an issuer: another project may have made it. */
function githubProvider(stack: TerraformStack, settings: Settings): string {
  const url = `https://${ISSUER}`;
  return settings.github_provider === 'existing'
    ? new DataAwsIamOpenidConnectProvider(stack, 'github', { url }).arn
    : new IamOpenidConnectProvider(stack, 'github', { url, clientIdList: ['sts.amazonaws.com'] }).arn;
}

/** No long-lived keys: `plan` reads, for pull requests; `deploy` writes, each stage behind its environment. */
export function deployRoles(
  stack: TerraformStack,
  settings: Settings,
  account: string,
  stages: readonly Named[],
): void {
  const provider = githubProvider(stack, settings);
  const role = (name: string, subject: string, rights: Statement[]): void => {
    const made = new IamRole(stack, `github-${name}`, {
      name: `rendition-github-${name}`,
      assumeRolePolicy: trustGithub(provider, settings.repository, subject),
    });
    new IamRolePolicy(stack, `github-${name}-policy`, {
      name: 'rights',
      role: made.id,
      policy: document(rights),
    });
    new TerraformOutput(stack, `role_${name}`, { value: made.arn });
  };
  role('plan', 'pull_request', [
    ...stages.flatMap(({ name }) => stateRights(settings.state_bucket, name, false)),
    { Effect: 'Allow', Action: PLAN_READS, Resource: ['*'] },
  ]);
  for (const { name, settings: own } of stages) {
    const place = { stage: name, account, settings: { ...own, state_bucket: settings.state_bucket } };
    role(`deploy-${name}`, `environment:${name}`, deployRights(place));
  }
}
