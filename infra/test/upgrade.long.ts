import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import t from 'tap';
import { serve } from '../stand-in/provider.ts';
import { run } from '../stand-in/run.ts';
import { providerSchema } from '../stand-in/schema.ts';
import { type Synthesised, synthAccount, synthStage } from './support/synth.ts';
import { noTerraform, overriding } from './support/tools.ts';

interface State {
  resources: { type: string; instances: { schema_version: number }[] }[];
}
interface Plan {
  resource_changes: { address: string; type: string; change: { actions: string[] } }[];
}

/**
 * What the commit a4170a7 deployed, as Terraform remembers it: its stacks, planned by the real provider (5.100.0), with
 * what that would have heard from AWS made up.
 */
const stateOf = (name: string): string =>
  gunzipSync(readFileSync(new URL(`fixtures/a4170a7/${name}.state.gz`, import.meta.url))).toString();

/** What is made anew and nobody misses: a revision beside the one before, and a text that says which images expire. */
const RENEWED = ['aws_ecs_task_definition', 'aws_ecr_lifecycle_policy'];
/** A permission that was replaced by one that says less. */
const GONE = ['aws_iam_role_policy_attachment.github-plan-reads'];

/** What an update of the stack would do, as JSON; by the real provider where one is named and something answers for AWS. */
async function planned({ directory, json }: Synthesised, state: string): Promise<Plan> {
  const { path } = (json.terraform.backend as { local: { path: string } }).local;
  const before: State = JSON.parse(state);
  const inState = before.resources.map(({ type }) => type);
  const { TF_AWS_PROVIDER: binary, AWS_ENDPOINT_URL: aws } = process.env;
  // The stand-in knows no versions of schemas: it takes any state and drops what it has no name for.
  if (!binary || !aws)
    for (const { instances } of before.resources) for (const one of instances) one.schema_version = 0;
  writeFileSync(join(directory, path), JSON.stringify(before));
  const provider = await serve(
    providerSchema({
      resources: [...new Set([...Object.keys(json.resource), ...inState])],
      data: Object.keys(json.data ?? {}),
    }),
  );
  const real = binary && aws ? { env: overriding(directory, binary) } : { provider };
  const ask = async (args: string[], by: object) => {
    const outcome = await run(['terraform', ...args], { cwd: directory, ...by });
    if (outcome.code !== 0) throw new Error(outcome.output.slice(-3000));
    return outcome.output;
  };
  try {
    await ask(['init', '-input=false'], { provider });
    await ask(['plan', '-input=false', '-refresh=false', '-out=plan'], real);
    const text = await ask(['show', '-json', 'plan'], real);
    // A provider that is named is warned of first.
    return JSON.parse(text.slice(text.indexOf('{"')));
  } finally {
    provider.close();
  }
}

const shared = { region: 'eu-west-1', repository: 'acme/rendition' };
const STACKS: Readonly<Record<string, () => Promise<Synthesised>>> = {
  dev: () => synthStage({ region: 'eu-west-1' }),
  account: () => synthAccount(shared, { prod: shared }),
};

for (const [name, synthesise] of Object.entries(STACKS)) {
  t.test(`what a4170a7 deployed is updated, and loses nothing: ${name}`, { skip: noTerraform }, async (t) => {
    t.setTimeout(600_000);
    const { resource_changes } = await planned(await synthesise(), stateOf(name));
    const lost = resource_changes.filter(({ change }) => change.actions.includes('delete'));
    t.same(
      lost
        .filter(({ type, address }) => !RENEWED.includes(type) && !GONE.includes(address))
        .map(({ address, change }) => `${address}: ${change.actions}`),
      [],
    );
    const kept = resource_changes.filter(({ change: { actions } }) => !actions.includes('create'));
    t.ok(kept.length >= (name === 'dev' ? 90 : 7), `${kept.length} stay`);
  });
}
