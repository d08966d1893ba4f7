import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
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

/** Init and then the given commands, each against one stand-in provider; resolves to what the commands said. */
export async function terraform(directory: string, commands: string[][]): Promise<Outcome[]> {
  const provider = await serveStack(join(directory, 'cdk.tf.json'));
  const outcomes = [];
  try {
    for (const command of [['init', '-input=false'], ...commands]) {
      outcomes.push(await run(['terraform', ...command], { cwd: directory, provider }));
    }
  } finally {
    provider.close();
  }
  return outcomes;
}
