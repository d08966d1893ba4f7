import { IamRole } from '@cdktf/provider-aws/lib/iam-role/index.js';
import { IamRolePolicy } from '@cdktf/provider-aws/lib/iam-role-policy/index.js';
import { Fn } from 'cdktf';
import type { Context } from './context.ts';
import { PERMISSIONS, type Program, type Target } from './permissions.ts';
import { document, type Statement, trust } from './policy.ts';
import type { ProgramParts } from './programs.ts';

export interface Role {
  arn: string;
  /** Exists once the rights do; the ARN alone says only that the role does. */
  granted: IamRolePolicy;
}

function role({ stack, prefix }: Context, name: string, statements: Statement[]): Role {
  const made = new IamRole(stack, `role-${name}`, {
    name: `${prefix}-${name}`,
    assumeRolePolicy: trust('ecs-tasks.amazonaws.com'),
  });
  const granted = new IamRolePolicy(stack, `role-${name}-policy`, {
    name: 'least',
    role: made.id,
    policy: document(statements),
  });
  return { arn: made.arn, granted };
}

/** What a program may do: its rows of the permission table on the resources of this stage. */
export function taskRole(at: Context, program: Program, parts: ProgramParts): Role {
  const arns: Record<Target, string> = {
    originals: parts.stored.originals.arn,
    results: parts.stored.results.arn,
    records: parts.stored.records.arn,
    queue: parts.warm.arn,
    deadLetters: parts.warm.dead.arn,
    notifications: parts.told.notificationsArn,
    cdn: parts.door.arn,
  };
  const statements = PERMISSIONS[program].map(
    ([target, part, actions]): Statement => ({
      Effect: 'Allow',
      Action: actions,
      Resource: [part ? Fn.join('', [arns[target], part]) : arns[target]],
    }),
  );
  return role(at, program, statements);
}

/** What Fargate does before a program runs: pull the image, read its secrets, open its log. */
export function executionRole(at: Context, secretArns: string[], logs: Record<Program, string>): Role {
  const { region } = at.settings;
  const logArns = Object.values(logs).map(
    (name) => `arn:aws:logs:${region}:${at.account}:log-group:${name}:*`,
  );
  return role(at, 'execution', [
    // The one action that has no resource: the token is for the registry as a whole.
    { Effect: 'Allow', Action: ['ecr:GetAuthorizationToken'], Resource: ['*'] },
    {
      Effect: 'Allow',
      Action: ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'],
      Resource: [`arn:aws:ecr:${region}:${at.account}:repository/rendition`],
    },
    { Effect: 'Allow', Action: ['logs:CreateLogStream', 'logs:PutLogEvents'], Resource: logArns },
    { Effect: 'Allow', Action: ['secretsmanager:GetSecretValue'], Resource: secretArns },
  ]);
}
