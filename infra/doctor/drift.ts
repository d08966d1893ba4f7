import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Shell } from '../deploy/steps.ts';
import { bad, type Finding, good, look, type Patient } from './finding.ts';

const IMAGE_QUERY = 'taskDefinition.containerDefinitions[0].image';

/** What terraform's exit code says of a plan. */
const SAYS: Readonly<Record<number, Finding>> = {
  0: good('what stands is what the tree says'),
  2: look('what stands differs from the tree: npx cdktf diff says in what'),
};

/**
 * Whether what stands is what the tree says, with the image that runs. A plan without a lock: it writes nothing, and must
 * hold up nobody who deploys.
 */
export function drift(shell: Shell, { aws, prefix }: Patient): Finding[] {
  const options = ['--task-definition', `${prefix}-server`];
  const image = aws.ask<string>('ecs', 'describe-task-definition', options, IMAGE_QUERY);
  if (image === undefined) return [bad(`the image of ${prefix}-server cannot be read`)];
  const folder = mkdtempSync(join(tmpdir(), 'rendition-doctor-'));
  const outdir = join(folder, 'cdktf.out');
  try {
    shell.with({ RENDITION_IMAGE: image, CDKTF_OUTDIR: outdir }).read(process.execPath, 'main.ts');
    return [planned(shell, `-chdir=${join(outdir, 'stacks', prefix)}`)];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function planned(shell: Shell, stack: string): Finding {
  if (shell.exitCode('terraform', stack, 'init', '-input=false', '-no-color') !== 0)
    return bad('terraform init fails');
  const code = shell.exitCode(
    'terraform',
    stack,
    'plan',
    '-detailed-exitcode',
    '-lock=false',
    '-input=false',
    '-no-color',
  );
  return SAYS[code] ?? bad('terraform plan fails');
}
