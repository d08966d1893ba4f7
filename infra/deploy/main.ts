import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { COMMON, monthlyCost, total } from '../cost/model.ts';
import { loadSettings } from '../load.ts';
import { prefixOf } from '../names.ts';
import { NO_IMAGE, type Settings } from '../settings.ts';
import { pushImage } from './image.ts';
import { settingsOf } from './stage-settings.ts';
import { Shell, step } from './steps.ts';
import { firstToken } from './token.ts';

const INFRA = join(import.meta.dirname, '..');

function outputsOf(shell: Shell, stack: string): Record<string, string> {
  const folder = mkdtempSync(join(tmpdir(), 'rendition-outputs-'));
  const file = join(folder, 'outputs.json');
  try {
    shell.run('npx', 'cdktf', 'deploy', stack, '--auto-approve', '--outputs-file', file);
    const outputs: Record<string, Record<string, string>> = JSON.parse(readFileSync(file, 'utf8'));
    return outputs[stack] ?? {};
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function deploy(shell: Shell, stage: string, settings: Settings): void {
  const floor = total(monthlyCost({ ...COMMON, ...settings, accessLogs: false, requests: 0, images: 0 }));
  process.stdout.write(
    `${stage}: ${settings.size} in ${settings.region}, about ${Math.round(floor)} USD a month before any request\n`,
  );
  const who = step('whose account', () =>
    shell.read('aws', 'sts', 'get-caller-identity', '--query', 'Account', '--output', 'text'),
  );
  step(`state in ${settings.state_bucket}, account ${who}`, () =>
    shell.run('./bootstrap.sh', settings.state_bucket, settings.region),
  );
  const account = step('what all stages share (a minute)', () => outputsOf(shell, 'rendition-account'));
  const image = step(
    'the image (five minutes the first time)',
    () => settings.image || pushImage(shell, account.repository_url ?? ''),
  );
  const told = step('the stage (twenty minutes the first time, most of it CloudFront)', () =>
    outputsOf(shell.with({ RENDITION_IMAGE: image }), prefixOf(stage)),
  );
  if (settings.replica_of) {
    process.stdout.write(
      `\nIts servers answer once ${settings.replica_of} is deployed again, whose distribution then knows them.\n`,
    );
    return;
  }
  const token = step('the first token', () => firstToken(shell, stage));
  step('whether it answers', () => shell.run('./smoke.sh', told.cdn_domain ?? '', told.signed ?? 'false'));
  process.stdout.write(`\nPlayground: ${told.playground_url}\nDashboard:  ${told.dashboard_url}\n`);
  if (token) process.stdout.write(`TOKEN=${token}   # shown this once\n`);
  process.stdout.write(`${told.curl}\n`);
}

/** What stays when a stage goes, and what AWS may hold on to for a while. */
const AFTERWARDS = `CloudFront gives the network interfaces of a VPC origin back within an hour or so. Until then the security group
"CloudFront-VPCOrigins-Service-SG" holds the network, and destroying ends with DependencyViolation: run the same command again later.`;

function destroy(shell: Shell, stage: string, { protect, image }: Settings): void {
  if (protect)
    throw new Error(
      `${stage} has protect: buckets with objects, the table and the balancer refuse to go. Set "protect": false, deploy, then destroy`,
    );
  process.stdout.write(`${AFTERWARDS}\n`);
  // Destroying needs the stack, and the stack an image; which one is of no matter.
  step(`destroying ${stage}`, () =>
    shell
      .with({ RENDITION_IMAGE: image || NO_IMAGE })
      .run('npx', 'cdktf', 'destroy', prefixOf(stage), '--auto-approve'),
  );
}

function main(args: readonly string[]): void {
  const { positionals, values } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { settings: { type: 'string', default: join(INFRA, 'stages.json') }, image: { type: 'string' } },
  });
  const [first, second] = positionals;
  const stage = first === 'destroy' ? second : first;
  if (!stage || positionals.length > (first === 'destroy' ? 2 : 1))
    throw new Error(
      'npm run deploy -- <stage> [--image repository@sha256:digest], or npm run deploy -- destroy <stage>',
    );
  const read = settingsOf(values.settings, stage);
  const settings = values.image ? loadSettings({ ...read, image: values.image }, {}) : read;
  const shell = new Shell(process.env, {
    AWS_REGION: settings.region,
    CHECKPOINT_DISABLE: '1',
    STAGES_FILE: values.settings,
  });
  (first === 'destroy' ? destroy : deploy)(shell, stage, settings);
}

try {
  process.chdir(INFRA);
  main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
