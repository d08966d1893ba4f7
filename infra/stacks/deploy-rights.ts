import { prefixOf } from '../names.ts';
import type { Settings } from '../settings.ts';
import { boundaryArn } from './boundary.ts';
import { PLAN_READS } from './plan-reads.ts';
import type { Statement } from './policy.ts';

/** A stage as its roles see it. */
export interface Place {
  stage: string;
  account: string;
  settings: Settings;
}

const allow = (
  Action: readonly string[],
  Resource: readonly string[],
  Condition?: Statement['Condition'],
): Statement => ({
  Effect: 'Allow',
  Action,
  Resource,
  ...(Condition ? { Condition } : {}),
});

/** Reading the state of a stack and holding its lock; with `write`, leaving a new one. */
export function stateRights(bucket: string, stack: string, write: boolean): Statement[] {
  if (!bucket) return [];
  const key = `arn:aws:s3:::${bucket}/rendition/${stack}.tfstate`;
  return [
    allow(['s3:ListBucket'], [`arn:aws:s3:::${bucket}`]),
    allow(write ? ['s3:GetObject', 's3:PutObject'] : ['s3:GetObject'], [key]),
    allow(['s3:DeleteObject', 's3:GetObject', 's3:PutObject'], [`${key}.tflock`]),
  ];
}

/** Services whose resources have names: everything in them, on what bears the stage's. */
function namedRights({ stage, account }: Place): Statement[] {
  const name = prefixOf(stage);
  const own = (service: string, path: string): string => `arn:aws:${service}:*:${account}:${path}`;
  const balancer = (kind: string) => own('elasticloadbalancing', `${kind}/${name}/*`);
  const rows: readonly (readonly [service: string, resources: readonly string[]])[] = [
    ['s3', [`arn:aws:s3:::${name}-*`]],
    ['dynamodb', [own('dynamodb', `table/${name}-*`)]],
    ['sqs', [own('sqs', `${name}-*`)]],
    ['sns', [own('sns', `${name}-*`)]],
    ['secretsmanager', [own('secretsmanager', `secret:${name}/*`)]],
    [
      'logs',
      [
        own('logs', `log-group:/${name}/*`),
        own('logs', `log-group:aws-waf-logs-${name}*`),
        own('logs', `delivery-source:${name}-*`),
        own('logs', `delivery-destination:${name}-*`),
        own('logs', 'delivery:*'),
      ],
    ],
    [
      'ecs',
      [
        own('ecs', `cluster/${name}`),
        own('ecs', `service/${name}/*`),
        own('ecs', `task/${name}/*`),
        own('ecs', `task-definition/${name}-*`),
      ],
    ],
    [
      'elasticloadbalancing',
      [
        balancer('loadbalancer/app'),
        balancer('targetgroup'),
        balancer('listener/app'),
        balancer('listener-rule/app'),
      ],
    ],
    [
      'cloudwatch',
      [own('cloudwatch', `alarm:${name}-*`), `arn:aws:cloudwatch::${account}:dashboard/${name}`],
    ],
    ['wafv2', [own('wafv2', `global/webacl/${name}/*`), own('wafv2', 'global/managedruleset/*')]],
    ['budgets', [`arn:aws:budgets::${account}:budget/${name}`]],
  ];
  return rows.map(([service, resources]) => allow([`${service}:*`], resources));
}

/** What switches a log of a firewall or network on and off takes no resource, and so does the policy that lets AWS write it. */
const LOG_DELIVERIES = [
  'logs:CreateLogDelivery',
  'logs:DeleteLogDelivery',
  'logs:GetLogDelivery',
  'logs:ListLogDeliveries',
  'logs:PutResourcePolicy',
  'logs:UpdateLogDelivery',
];

/** Services whose resources have numbers: what is tagged with the stage, and making what will be. */
function taggedRights({ stage, account, settings }: Place): Statement[] {
  const tagged = ['acm:*', 'application-autoscaling:*', 'cloudfront:*', 'ec2:*'];
  return [
    allow(tagged, ['*'], { StringEquals: { 'aws:ResourceTag/stage': stage } }),
    allow(tagged, ['*'], { StringEquals: { 'aws:RequestTag/stage': stage } }),
    // CloudFront’s policies, access controls and stores bear no tags; functions have names.
    allow(
      ['cloudfront:*'],
      [
        ...[
          'cache-policy',
          'key-value-store',
          'origin-access-control',
          'origin-request-policy',
          'response-headers-policy',
        ].map((kind) => `arn:aws:cloudfront::${account}:${kind}/*`),
        `arn:aws:cloudfront::${account}:function/rendition-${stage}-*`,
      ],
    ),
    allow(['cloudfront-keyvaluestore:*'], [`arn:aws:cloudfront::${account}:key-value-store/*`]),
    allow(
      [
        'logs:CreateDelivery',
        'ecs:RegisterTaskDefinition',
        'ecs:DeregisterTaskDefinition',
        'wafv2:PutLoggingConfiguration',
      ],
      ['*'],
      {
        StringEqualsIfExists: { 'aws:ResourceTag/stage': stage },
      },
    ),
    ...(settings.hosted_zone
      ? [
          allow(
            ['route53:ChangeResourceRecordSets'],
            [`arn:aws:route53:::hostedzone/${settings.hosted_zone}`],
          ),
        ]
      : []),
    allow(['route53:GetChange'], ['arn:aws:route53:::change/*']),
    allow(LOG_DELIVERIES, ['*']),
  ];
}

/** Roles of the stage, each within the boundary; nobody takes the boundary off, and none of the roles that deploy is one. */
function roleRights({ stage, account }: Place): Statement[] {
  const roles = [`arn:aws:iam::${account}:role/rendition-${stage}-*`];
  const within = { StringEquals: { 'iam:PermissionsBoundary': boundaryArn(account) } };
  return [
    allow(
      ['iam:CreateRole', 'iam:DeleteRolePolicy', 'iam:PutRolePermissionsBoundary', 'iam:PutRolePolicy'],
      roles,
      within,
    ),
    allow(
      [
        'iam:DeleteRole',
        'iam:ListInstanceProfilesForRole',
        'iam:TagRole',
        'iam:UntagRole',
        'iam:UpdateAssumeRolePolicy',
        'iam:UpdateRole',
        'iam:UpdateRoleDescription',
      ],
      roles,
    ),
    allow(['iam:PassRole'], roles, {
      StringEquals: { 'iam:PassedToService': ['ecs-tasks.amazonaws.com', 's3.amazonaws.com'] },
    }),
    allow(['iam:CreateServiceLinkedRole'], [`arn:aws:iam::${account}:role/aws-service-role/*`]),
    {
      Effect: 'Deny',
      Action: ['iam:*'],
      Resource: [`arn:aws:iam::${account}:role/rendition-github-*`, boundaryArn(account)],
    },
  ];
}

/** What a workflow of a stage may do: everything to that stage, reading what a plan reads, and pushing an image. */
export function deployRights(place: Place): Statement[] {
  const { stage, account, settings } = place;
  return [
    ...stateRights(settings.state_bucket, stage, true),
    allow(PLAN_READS, ['*']),
    ...namedRights(place),
    ...taggedRights(place),
    ...roleRights(place),
    allow(
      [
        'ecr:BatchCheckLayerAvailability',
        'ecr:BatchGetImage',
        'ecr:CompleteLayerUpload',
        'ecr:DescribeImages',
        'ecr:GetDownloadUrlForLayer',
        'ecr:InitiateLayerUpload',
        'ecr:PutImage',
        'ecr:UploadLayerPart',
      ],
      [`arn:aws:ecr:*:${account}:repository/rendition`],
    ),
    allow(['ecr:GetAuthorizationToken'], ['*']),
    // Whatever the rest says: what bears another stage's tag is another stage's.
    {
      Effect: 'Deny',
      Action: ['*'],
      Resource: ['*'],
      Condition: {
        StringNotEqualsIfExists: { 'aws:ResourceTag/stage': stage },
        Null: { 'aws:ResourceTag/stage': 'false' },
      },
    },
  ];
}
