/** `npm run doctor -- <stage>`: what an operator asks first, by the programs aws and terraform. */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { settingsOf } from '../deploy/stage-settings.ts';
import { Shell } from '../deploy/steps.ts';
import { prefixOf } from '../names.ts';
import { alarms } from './alarms.ts';
import { Aws } from './aws.ts';
import { certificates } from './certificates.ts';
import { deployments } from './deployments.ts';
import { drift } from './drift.ts';
import type { Finding, Patient } from './finding.ts';
import { deadLetters, queue } from './queues.ts';
import { quotas } from './quotas.ts';
import { stores } from './stores.ts';

const INFRA = join(import.meta.dirname, '..');

const CHECKS: Readonly<Record<string, (patient: Patient, shell: Shell) => readonly Finding[]>> = {
  stores,
  queue,
  'dead letters': deadLetters,
  deployments,
  alarms,
  certificates,
  quotas,
  drift: (patient, shell) => drift(shell, patient),
};

/** What a second region for reading has not. */
const OF_THE_FIRST: readonly string[] = ['queue', 'dead letters', 'certificates'];

const MARKS = { good: 'ok  ', look: 'look', bad: 'BAD ' } as const satisfies Record<
  Finding['verdict'],
  string
>;

function examine(patient: Patient, shell: Shell): Finding[] {
  const isReplica = patient.settings.replica_of !== '';
  const checks = Object.entries(CHECKS).filter(([name]) => !isReplica || !OF_THE_FIRST.includes(name));
  return checks.flatMap(([name, ask]) => {
    const findings = ask(patient, shell);
    for (const { verdict, text } of findings) process.stdout.write(`${MARKS[verdict]}  ${name}: ${text}\n`);
    return findings;
  });
}

function main(args: readonly string[]): number {
  const { positionals, values } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { settings: { type: 'string', default: join(INFRA, 'stages.json') } },
  });
  const [stage, another] = positionals;
  if (!stage || another) throw new Error('npm run doctor -- <stage> [--settings stages.json]');
  const settings = settingsOf(values.settings, stage);
  const shell = new Shell(process.env, {
    AWS_REGION: settings.region,
    CHECKPOINT_DISABLE: '1',
    STAGES_FILE: values.settings,
  });
  const aws = new Aws(shell, settings.region);
  const account = aws.ask<string>('sts', 'get-caller-identity', [], 'Account');
  if (account === undefined)
    throw new Error('aws sts get-caller-identity fails: there are no keys, or they have ended');
  const prefix = prefixOf(stage);
  const patient = { aws, global: aws.in('us-east-1'), stage, prefix, account, settings, now: Date.now() };
  return examine(patient, shell).some(({ verdict }) => verdict === 'bad') ? 1 : 0;
}

try {
  process.chdir(INFRA);
  process.exitCode = main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 2;
}
