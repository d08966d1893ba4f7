import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Outcome, run, serveStack } from '../../stand-in/run.ts';

function missing(program: string, args: string[], why: string): string | false {
  const found = spawnSync(program, args, { env: { ...process.env, CHECKPOINT_DISABLE: '1' } });
  return found.status === 0 ? false : why;
}

/** Reasons to skip, or false; tap prints them. */
export const noTerraform = missing(
  'terraform',
  ['version'],
  'the terraform CLI is not on this machine: go install github.com/hashicorp/terraform@v1.11.4',
);

export const noNjs = missing('njs', ['-v'], 'njs is not on this machine: apt-get install njs');

/** cdktf-cli brings a terminal binding that is built for Node 20 and 22. */
export const noCdktf =
  noTerraform ||
  (['20', '22'].includes(process.versions.node.split('.')[0] ?? '')
    ? false
    : `cdktf-cli does not start on Node ${process.versions.node}: use 20 or 22`);

/** For terraform, so that it starts this binary of the real provider and asks no registry for one. */
export function overriding(directory: string, binary: string): Record<string, string> {
  const file = join(directory, 'overriding.tfrc');
  const folder = JSON.stringify(dirname(binary));
  writeFileSync(
    file,
    `provider_installation {\n  dev_overrides { "hashicorp/aws" = ${folder} }\n  direct {}\n}\n`,
  );
  return { TF_CLI_CONFIG_FILE: file };
}

/** Commands that the real provider is asked as well: a plan needs AWS to answer, or what AWS_ENDPOINT_URL names. */
const forReal = ([command]: string[]): boolean =>
  command === 'validate' || (command === 'plan' && process.env.AWS_ENDPOINT_URL !== undefined);

/**
 * Init and then the given commands, each against one stand-in provider; resolves to what the commands said. Where
 * TF_AWS_PROVIDER names a binary of the real provider, that one has the last word on whatever it can be asked here.
 */
export async function terraform(directory: string, commands: string[][]): Promise<Outcome[]> {
  const provider = await serveStack(join(directory, 'cdk.tf.json'));
  const binary = process.env.TF_AWS_PROVIDER;
  const outcomes = [];
  try {
    for (const command of [['init', '-input=false'], ...commands]) {
      const byStandIn = await run(['terraform', ...command], { cwd: directory, provider });
      const asksReal = binary && byStandIn.code === 0 && forReal(command);
      const env = asksReal ? overriding(directory, binary) : {};
      outcomes.push(asksReal ? await run(['terraform', ...command], { cwd: directory, env }) : byStandIn);
    }
  } finally {
    provider.close();
  }
  return outcomes;
}
