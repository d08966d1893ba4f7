import t from 'tap';
import { loadSettings } from '../load.ts';
import { boundary, boundaryArn } from '../stacks/boundary.ts';
import { deployRights } from '../stacks/deploy-rights.ts';
import { PERMISSIONS } from '../stacks/permissions.ts';
import { PLAN_READS } from '../stacks/plan-reads.ts';
import type { Statement } from '../stacks/policy.ts';
import { feedSources } from '../stacks/source-rights.ts';
import { type Asked, allows } from './support/iam.ts';
import { synthAccount } from './support/synth.ts';

const ACCOUNT = '123456789012';
const settings = loadSettings(
  { state_bucket: 'our-state', hosted_zone: 'Z0123456789', domain: 'img.example.com' },
  {},
);
const deploy = deployRights({ stage: 'dev', account: ACCOUNT, settings });
const ceiling = boundary(ACCOUNT, { buckets: ['photos-of-ours'] });
const role = (name: string) => `arn:aws:iam::${ACCOUNT}:role/${name}`;
const BOUND = { 'iam:PermissionsBoundary': boundaryArn(ACCOUNT) };

const REFUSED: Readonly<Record<string, Asked>> = {
  'a role without the boundary': { action: 'iam:CreateRole', resource: role('rendition-dev-evil') },
  'a role with another boundary': {
    action: 'iam:CreateRole',
    resource: role('rendition-dev-evil'),
    context: { 'iam:PermissionsBoundary': 'arn:aws:iam::aws:policy/AdministratorAccess' },
  },
  'rights for a role without the boundary': {
    action: 'iam:PutRolePolicy',
    resource: role('rendition-dev-server'),
  },
  'a managed policy': {
    action: 'iam:AttachRolePolicy',
    resource: role('rendition-dev-server'),
    context: BOUND,
  },
  'taking the boundary off': {
    action: 'iam:DeleteRolePermissionsBoundary',
    resource: role('rendition-dev-server'),
    context: BOUND,
  },
  'a wider boundary': { action: 'iam:CreatePolicyVersion', resource: boundaryArn(ACCOUNT) },
  'its own rights': {
    action: 'iam:PutRolePolicy',
    resource: role('rendition-github-deploy-dev'),
    context: BOUND,
  },
  'who may wear the role of prod': {
    action: 'iam:UpdateAssumeRolePolicy',
    resource: role('rendition-github-deploy-prod'),
  },
  'a role of prod': { action: 'iam:PutRolePolicy', resource: role('rendition-prod-server'), context: BOUND },
  'handing a role to another service': {
    action: 'iam:PassRole',
    resource: role('rendition-dev-server'),
    context: { 'iam:PassedToService': 'lambda.amazonaws.com' },
  },
  'a user': { action: 'iam:CreateUser', resource: `arn:aws:iam::${ACCOUNT}:user/rendition-dev-me` },
  'a bucket of others': { action: 's3:GetObject', resource: 'arn:aws:s3:::payroll/2026.csv' },
  'a bucket of prod': {
    action: 's3:DeleteObject',
    resource: 'arn:aws:s3:::rendition-prod-originals-1/a.jpg',
  },
  'the state of prod': { action: 's3:PutObject', resource: 'arn:aws:s3:::our-state/rendition/prod.tfstate' },
  'the state of the account': {
    action: 's3:PutObject',
    resource: 'arn:aws:s3:::our-state/rendition/account.tfstate',
  },
  'the table of prod': {
    action: 'dynamodb:DeleteTable',
    resource: `arn:aws:dynamodb:us-east-1:${ACCOUNT}:table/rendition-prod-records`,
  },
  'the network of prod': {
    action: 'ec2:DeleteVpc',
    resource: `arn:aws:ec2:us-east-1:${ACCOUNT}:vpc/vpc-1`,
    context: { 'aws:ResourceTag/stage': 'prod' },
  },
  'a network of others': { action: 'ec2:DeleteVpc', resource: `arn:aws:ec2:us-east-1:${ACCOUNT}:vpc/vpc-2` },
  'tagging what is prod’s': {
    action: 'ec2:CreateTags',
    resource: `arn:aws:ec2:us-east-1:${ACCOUNT}:vpc/vpc-1`,
    context: { 'aws:ResourceTag/stage': 'prod', 'aws:RequestTag/stage': 'dev' },
  },
  'the distribution of prod': {
    action: 'cloudfront:UpdateDistribution',
    resource: `arn:aws:cloudfront::${ACCOUNT}:distribution/E1`,
    context: { 'aws:ResourceTag/stage': 'prod' },
  },
  'secrets of prod': {
    action: 'secretsmanager:GetSecretValue',
    resource: `arn:aws:secretsmanager:us-east-1:${ACCOUNT}:secret:rendition-prod/api-tokens-AbCdEf`,
  },
  'another zone': {
    action: 'route53:ChangeResourceRecordSets',
    resource: 'arn:aws:route53:::hostedzone/ZOTHER',
  },
};

const ALLOWED: Readonly<Record<string, Asked>> = {
  'a role within the boundary': {
    action: 'iam:CreateRole',
    resource: role('rendition-dev-server'),
    context: BOUND,
  },
  'its rights': { action: 'iam:PutRolePolicy', resource: role('rendition-dev-server'), context: BOUND },
  'the boundary for a role of before': {
    action: 'iam:PutRolePermissionsBoundary',
    resource: role('rendition-dev-server'),
    context: BOUND,
  },
  'a role’s tags': { action: 'iam:TagRole', resource: role('rendition-dev-server') },
  'the role for a task': {
    action: 'iam:PassRole',
    resource: role('rendition-dev-server'),
    context: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' },
  },
  'its bucket': { action: 's3:PutBucketPolicy', resource: 'arn:aws:s3:::rendition-dev-originals-1' },
  'its network': {
    action: 'ec2:CreateVpc',
    resource: `arn:aws:ec2:us-east-1:${ACCOUNT}:vpc/*`,
    context: { 'aws:RequestTag/stage': 'dev' },
  },
  'more of its network': {
    action: 'ec2:ModifyVpcAttribute',
    resource: `arn:aws:ec2:us-east-1:${ACCOUNT}:vpc/vpc-3`,
    context: { 'aws:ResourceTag/stage': 'dev' },
  },
  'its service': {
    action: 'ecs:UpdateService',
    resource: `arn:aws:ecs:us-east-1:${ACCOUNT}:service/rendition-dev/rendition-dev-server`,
  },
  // "Logging that requires additional permissions", Amazon CloudWatch Logs User Guide: these take no resource.
  'logs of its firewall and network': { action: 'logs:CreateLogDelivery', resource: '*' },
  'what lets the firewall write them': { action: 'logs:PutResourcePolicy', resource: '*' },
  'taking those logs off': { action: 'logs:DeleteLogDelivery', resource: '*' },
  'its state': { action: 's3:PutObject', resource: 'arn:aws:s3:::our-state/rendition/dev.tfstate' },
  'its lock': { action: 's3:DeleteObject', resource: 'arn:aws:s3:::our-state/rendition/dev.tfstate.tflock' },
  'its record': {
    action: 'route53:ChangeResourceRecordSets',
    resource: 'arn:aws:route53:::hostedzone/Z0123456789',
  },
};

t.test('the role that deploys a stage touches that stage, and cannot become an administrator', async (t) => {
  for (const [what, asked] of Object.entries(REFUSED)) t.notOk(allows(deploy, asked), `refused: ${what}`);
  for (const [what, asked] of Object.entries(ALLOWED)) t.ok(allows(deploy, asked), `allowed: ${what}`);
});

t.test('whatever policy a role of a stage is given, it does no more than programs do', async (t) => {
  const everything: Statement[] = [{ Effect: 'Allow', Action: ['*'], Resource: ['*'] }];
  const both = (asked: Asked) => allows(everything, asked) && allows(ceiling, asked);
  t.notOk(both({ action: 'iam:CreateUser', resource: `arn:aws:iam::${ACCOUNT}:user/me` }));
  t.notOk(both({ action: 'sts:AssumeRole', resource: role('admin') }));
  t.notOk(both({ action: 's3:GetObject', resource: 'arn:aws:s3:::payroll/2026.csv' }));
  t.notOk(both({ action: 's3:PutBucketPolicy', resource: 'arn:aws:s3:::rendition-dev-originals-1' }));
  t.ok(both({ action: 's3:GetObject', resource: 'arn:aws:s3:::photos-of-ours/a.jpg' }));
});

t.test('of a bucket that feeds are read from the boundary lets nothing be written', async (t) => {
  const ours = boundary(ACCOUNT, {
    sources: feedSources({ feed_buckets: ['photos-of-theirs'], feed_roles: [] }),
  });
  const may = (action: string) => allows(ours, { action, resource: 'arn:aws:s3:::photos-of-theirs/a.jpg' });
  t.equal(may('s3:GetObject'), true);
  for (const action of ['s3:PutObject', 's3:DeleteObject']) t.equal(may(action), false, action);
});

t.test('the boundary holds every action that a program is granted', async (t) => {
  const actions = new Set(ceiling.flatMap(({ Action }) => Action));
  for (const [, , granted] of Object.values(PERMISSIONS).flat()) {
    for (const action of granted) t.ok(actions.has(action), action);
  }
});

t.test('a plan reads configurations and never what is in them', async (t) => {
  for (const action of [
    's3:GetObject',
    'secretsmanager:GetSecretValue',
    'dynamodb:GetItem',
    'sqs:ReceiveMessage',
    'logs:GetLogEvents',
    'ecr:GetDownloadUrlForLayer',
    'ssm:GetParameter',
    'cloudfront-keyvaluestore:GetKey',
  ])
    t.notOk(
      allows([{ Effect: 'Allow', Action: PLAN_READS, Resource: ['*'] }], {
        action,
        resource: 'arn:aws:x:::y',
      }),
      action,
    );
  for (const action of PLAN_READS) t.match(action, /:(Get|List|Describe|View)/, action);
});

t.test('the account’s provider of identities is taken where there is one', async (t) => {
  const made = await synthAccount({ repository: 'acme/rendition' });
  t.ok(made.json.resource.aws_iam_openid_connect_provider);
  const found = await synthAccount({ repository: 'acme/rendition', github_provider: 'existing' });
  t.notOk(found.json.resource.aws_iam_openid_connect_provider);
  t.match(
    JSON.stringify(found.json.resource.aws_iam_role),
    'data.aws_iam_openid_connect_provider.github.arn',
  );
});

t.test('an inline policy is within what IAM takes', async (t) => {
  // 10,240 characters for all inline policies of a role, spaces left out.
  t.ok(JSON.stringify({ Version: '2012-10-17', Statement: deploy }).length < 10_240);
  t.ok(JSON.stringify({ Version: '2012-10-17', Statement: ceiling }).length < 6144, 'a managed one');
});
