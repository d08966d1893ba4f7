import { IamOpenidConnectProvider } from '@cdktf/provider-aws/lib/iam-openid-connect-provider/index.js';
import { IamRole } from '@cdktf/provider-aws/lib/iam-role/index.js';
import { IamRolePolicy } from '@cdktf/provider-aws/lib/iam-role-policy/index.js';
import { IamRolePolicyAttachment } from '@cdktf/provider-aws/lib/iam-role-policy-attachment/index.js';
import { TerraformOutput, type TerraformStack } from 'cdktf';
import type { Settings } from '../settings.ts';
import { document, type Statement } from './policy.ts';

const ISSUER = 'token.actions.githubusercontent.com';

/** The services that the stacks are made of; the deploy role can do everything in these and nothing elsewhere. */
const SERVICES = [
  'acm',
  'application-autoscaling',
  'budgets',
  'cloudfront',
  'cloudfront-keyvaluestore',
  'cloudwatch',
  'dynamodb',
  'ec2',
  'ecr',
  'ecs',
  'elasticloadbalancing',
  'logs',
  'route53',
  's3',
  'secretsmanager',
  'sns',
  'sqs',
  'wafv2',
];

/** Workflows of one repository, and of it only those that run for `subject`. */
function trustGithub(provider: IamOpenidConnectProvider, repository: string, subject: string): string {
  return document([
    {
      Effect: 'Allow',
      Principal: { Federated: provider.arn },
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

/** Reading the state bucket, and writing there the lock that a plan holds and the state that a deployment leaves. */
function stateAccess(bucket: string, write: boolean): Statement[] {
  if (!bucket) return [];
  const keys = `arn:aws:s3:::${bucket}/rendition/*`;
  return [
    { Effect: 'Allow', Action: ['s3:ListBucket'], Resource: [`arn:aws:s3:::${bucket}`] },
    {
      Effect: 'Allow',
      Action: write ? ['s3:GetObject', 's3:PutObject'] : ['s3:GetObject'],
      Resource: [keys],
    },
    { Effect: 'Allow', Action: ['s3:PutObject', 's3:DeleteObject'], Resource: [`${keys}.tflock`] },
  ];
}

function deployRights(account: string, bucket: string): Statement[] {
  const own = `arn:aws:iam::${account}:role/rendition-*`;
  return [
    ...stateAccess(bucket, true),
    { Effect: 'Allow', Action: SERVICES.map((service) => `${service}:*`), Resource: ['*'] },
    {
      Effect: 'Allow',
      Action: [
        'iam:CreateRole',
        'iam:DeleteRole',
        'iam:DeleteRolePolicy',
        'iam:GetRole',
        'iam:GetRolePolicy',
        'iam:ListAttachedRolePolicies',
        'iam:ListInstanceProfilesForRole',
        'iam:ListRolePolicies',
        'iam:PassRole',
        'iam:PutRolePolicy',
        'iam:TagRole',
        'iam:UpdateAssumeRolePolicy',
      ],
      Resource: [own],
    },
    // The roles that deploy are changed by a person, so that a workflow cannot widen its own.
    { Effect: 'Deny', Action: ['iam:*'], Resource: [`arn:aws:iam::${account}:role/rendition-github-*`] },
    {
      Effect: 'Allow',
      Action: ['iam:CreateServiceLinkedRole'],
      Resource: [`arn:aws:iam::${account}:role/aws-service-role/*`],
    },
  ];
}

/** No long-lived keys: `plan` reads, for pull requests; `deploy` writes, each stage behind its environment. */
export function deployRoles(stack: TerraformStack, settings: Settings, account: string): void {
  const github = new IamOpenidConnectProvider(stack, 'github', {
    url: `https://${ISSUER}`,
    clientIdList: ['sts.amazonaws.com'],
  });
  const role = (name: string, subject: string, rights: Statement[]): string => {
    const made = new IamRole(stack, `github-${name}`, {
      name: `rendition-github-${name}`,
      assumeRolePolicy: trustGithub(github, settings.repository, subject),
    });
    if (rights.length > 0) {
      new IamRolePolicy(stack, `github-${name}-policy`, {
        name: 'rights',
        role: made.id,
        policy: document(rights),
      });
    }
    new TerraformOutput(stack, `role_${name}`, { value: made.arn });
    return made.name;
  };
  const plan = role('plan', 'pull_request', stateAccess(settings.state_bucket, false));
  new IamRolePolicyAttachment(stack, 'github-plan-reads', {
    role: plan,
    policyArn: 'arn:aws:iam::aws:policy/ReadOnlyAccess',
  });
  for (const stage of ['dev', 'prod']) {
    role(`deploy-${stage}`, `environment:${stage}`, deployRights(account, settings.state_bucket));
  }
}
