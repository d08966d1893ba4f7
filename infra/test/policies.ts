/**
 * Writes every policy of the account and of two stages as a file, for a linter: `node test/policies.ts FOLDER`. Those
 * that name each call go into `exact`, the role that has whole services into `services`: each has its own rules.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Synthesised, synthAccount, synthStage } from './support/synth.ts';
import { terraform } from './support/tools.ts';

interface Applied {
  address: string;
  values: Readonly<Record<string, unknown>>;
}

/** Policies by the address of what has them; what Terraform fills in comes from the stand-in. */
async function policiesOf(stack: Synthesised): Promise<[name: string, policy: string][]> {
  // A state in S3 is no matter here, and would be asked for.
  const { backend: _backend, ...terraformOwn } = stack.json.terraform;
  writeFileSync(stack.file, JSON.stringify({ ...stack.json, terraform: terraformOwn }));
  const [, applied, shown] = await terraform(stack.directory, [
    ['apply', '-input=false', '-auto-approve'],
    ['show', '-json'],
  ]);
  if (applied?.code !== 0) throw new Error(applied?.output);
  const resources: Applied[] = JSON.parse(shown?.output ?? '{}').values.root_module.resources;
  return resources.flatMap(({ address, values: { policy } }): [string, string][] =>
    // A repository's rules are called a policy as well.
    typeof policy === 'string' && policy.includes('"Statement"') ? [[address, policy]] : [],
  );
}

const folder = process.argv[2];
if (!folder) throw new Error('node test/policies.ts FOLDER');
const kinds = ['exact', 'services'] as const;
for (const kind of kinds) mkdirSync(join(folder, kind), { recursive: true });
const shared = {
  repository: 'acme/rendition',
  state_bucket: 'our-state',
  domain: 'img.example.com',
  hosted_zone: 'Z0123456789',
  originals_bucket: 'photos-of-ours',
};
const stacks = {
  account: await synthAccount(shared),
  stage: await synthStage(),
  tiny: await synthStage({ ...shared, state_bucket: '', size: 'tiny', network_logs: true, signed: true }),
};
let count = 0;
for (const [name, stack] of Object.entries(stacks)) {
  for (const [address, policy] of await policiesOf(stack)) {
    const kind = address.includes('github-deploy') ? 'services' : 'exact';
    writeFileSync(join(folder, kind, `${name}.${address}.json`), policy);
    count += 1;
  }
}
process.stdout.write(`${count} policies\n`);
