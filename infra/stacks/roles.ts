import { IamRole } from '@cdktf/provider-aws/lib/iam-role/index.js';
import { IamRolePolicy } from '@cdktf/provider-aws/lib/iam-role-policy/index.js';
import { Fn } from 'cdktf';
import { bucketSources } from '../program-settings.ts';
import { boundaryArn } from './boundary.ts';
import { traceRights } from './collector.ts';
import type { Context } from './context.ts';
import { PERMISSIONS, type Program, READER, type Target } from './permissions.ts';
import { document, type Statement, trust } from './policy.ts';
import type { ProgramParts } from './programs.ts';
import { feedSources, sourceRights } from './source-rights.ts';

export interface Role {
  arn: string;
  /** Exists once the rights do; the ARN alone says only that the role does. */
  granted: IamRolePolicy;
}

const role = (at: Context, name: string, statements: Statement[]): Role =>
  serviceRole(at, name, 'ecs-tasks.amazonaws.com', statements);

/** A role that a service of AWS wears, within the boundary. */
export function serviceRole(at: Context, name: string, service: string, statements: Statement[]): Role {
  const { stack, prefix, account } = at;
  const made = new IamRole(stack, `role-${name}`, {
    name: `${prefix}-${name}`,
    assumeRolePolicy: trust(service),
    permissionsBoundary: boundaryArn(account),
  });
  const granted = new IamRolePolicy(stack, `role-${name}-policy`, {
    name: 'least',
    role: made.id,
    policy: document(statements),
  });
  return { arn: made.arn, granted };
}

/** What a task may do: its programs' rows of the permission table on the resources of this stage. */
export function taskRole(at: Context, programs: readonly Program[], parts: ProgramParts): Role {
  const arns: Record<Target, string> = {
    originals: parts.stored.originals.arn,
    results: parts.stored.results.arn,
    records: parts.stored.records.arn,
    queue: parts.warm.arn,
    deadLetters: parts.warm.dead.arn,
    notifications: parts.told.notificationsArn,
    cdn: parts.door.arn,
  };
  const grants = programs.flatMap((program) => PERMISSIONS[program]);
  const statements = grants.map(
    ([target, part, actions]): Statement => ({
      Effect: 'Allow',
      Action: actions,
      Resource: [part ? Fn.join('', [arns[target], part]) : arns[target]],
    }),
  );
  const feeds = programs.includes('warmer') ? feedSources(at.settings) : [];
  const sources = sourceRights([...bucketSources(at.settings.environment), ...feeds]);
  return role(at, programs[0] ?? 'server', [...statements, ...sources, ...traceRights(at.settings)]);
}

/** What the servers of a second region may do: read what is copied there, and keep their own results. */
export function readerRole(at: Context, stored: ProgramParts['stored']): Role {
  const statements = READER.map(
    ([target, part, actions]): Statement => ({
      Effect: 'Allow',
      Action: actions,
      Resource: [`${stored[target].arn}${part}`],
    }),
  );
  const sources = sourceRights(bucketSources(at.settings.environment));
  return role(at, 'server', [...statements, ...sources, ...traceRights(at.settings)]);
}

/** Pulling from the repositories that images are in, which may be of another region or account, or no ECR at all. */
function pullRights(images: readonly string[]): Statement[] {
  const repositories = images.flatMap((image) => {
    const [, owner, region, name] =
      /^(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com\/([^@:]+)[@:]/.exec(image) ?? [];
    return owner ? [`arn:aws:ecr:${region}:${owner}:repository/${name}`] : [];
  });
  if (repositories.length === 0) return [];
  return [
    // The one action that has no resource: the token is for the registry as a whole.
    { Effect: 'Allow', Action: ['ecr:GetAuthorizationToken'], Resource: ['*'] },
    {
      Effect: 'Allow',
      Action: ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'],
      Resource: repositories,
    },
  ];
}

/** What Fargate does before a program runs: pull the image, read its secrets, open its log. */
export function executionRole(
  at: Context,
  secretArns: string[],
  logs: Partial<Record<Program, string>>,
): Role {
  const { region } = at.settings;
  const logArns = Object.values(logs).map(
    (name) => `arn:aws:logs:${region}:${at.account}:log-group:${name}:*`,
  );
  return role(at, 'execution', [
    ...pullRights([at.settings.image, at.settings.collector_image]),
    { Effect: 'Allow', Action: ['logs:CreateLogStream', 'logs:PutLogEvents'], Resource: logArns },
    { Effect: 'Allow', Action: ['secretsmanager:GetSecretValue'], Resource: secretArns },
  ]);
}
