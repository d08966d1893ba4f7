import { readFileSync } from 'node:fs';
import t from 'tap';

/**
 * What a first deployment was found to lack, entry by entry, and the tests that were red for it: a file, and the
 * beginning of a test's name. A stage of before is in upgrade.test.ts and upgrade.long.ts.
 */
const FOUND: Readonly<Record<string, readonly (readonly [file: string, test: string])[]>> = {
  'a quote in a setting makes invalid Terraform': [
    ['text.test.ts', 'any text reads back the same'],
    ['text.test.ts', 'settings with any text make a stack that terraform plans'],
    ['text.test.ts', 'text is encoded in one place'],
  ],
  'shield_region is refused where it is needed': [
    ['stages.test.ts', 'a region without Origin Shield can be the account’s'],
    ['stages.test.ts', 'a stage with '],
  ],
  'zones are the first two names': [['stages.test.ts', 'zones are chosen by id']],
  'docs/deploy.md cannot be followed': [['deploy-command.test.ts', 'every command of docs/deploy.md runs']],
  'the smoke test of a signed stage': [
    ['deploy-command.test.ts', 'a signed stage is asked what a signing edge answers'],
    ['edge-chain.test.ts', 'the smoke test of a deployment passes through edge and programs, '],
  ],
  'the way out to the fork': [
    ['exit.test.ts', 'the maintained fork of cdktf makes the same stacks'],
    ['exit.long.ts', 'npm run exit:cdktn renames everything'],
  ],
  'the plan of a pull request reads secrets': [
    ['stages.test.ts', 'the provider reads no secret when it plans'],
  ],
  'an alarm whose metric does not exist': [['watch.test.ts', 'every alarm looks at a series that exists']],
  'charts that ask another region': [
    ['watch.test.ts', 'every line of the dashboard is asked for where it is kept'],
  ],
  'a deploy role that is an administrator': [
    ['roles.test.ts', 'the role that deploys a stage touches that stage'],
    ['roles.test.ts', 'whatever policy a role of a stage is given'],
    ['roles.test.ts', 'a plan reads configurations and never what is in them'],
  ],
  'one OIDC provider an account': [['roles.test.ts', 'the account’s provider of identities is taken']],
  'overload becomes S3’s 403': [
    ['stages.test.ts', 'a server that says "later" is never made the bucket’s 403'],
    ['edge-answers.test.ts', 'what each answer of server and bucket is to a viewer'],
  ],
  'no logs': [
    ['stages.test.ts', 'a stage with '],
    ['watch.test.ts', 'the queries of access logs name columns that are there'],
  ],
  'no Spot, no deployment': [['stages.test.ts', 'a deployment waits for no Spot']],
  'small: ECR keeps ten roll-backs': [['stages.test.ts', 'fifty roll-backs stay']],
  'small: the amd64 half is never run': [['stages.test.ts', 'fifty roll-backs stay']],
  'small: compress on pages does nothing': [['stages.test.ts', 'a stage with ']],
  'small: no deletion protection of the balancer': [
    ['stages.test.ts', 'a stage with '],
    ['synth.test.ts', 'protection holds what has data'],
  ],
  'small: ECR rights of the stage’s region': [['stages.test.ts', 'roles may pull where the image is']],
  'small: firewall, shield and second task cannot be switched off': [
    ['stages.test.ts', 'the table has every size and every switch both ways'],
    ['cost.test.ts', 'every switch has its price'],
  ],
  'small: Spot’s discount on addresses, purges, originals and keys in the price': [
    ['cost.test.ts', 'each line is: Spot’s discount is on no address'],
    ['cost.test.ts', 'the calculator is within a hundredth'],
  ],
};

t.test('every entry of what was found has a test that is there', async (t) => {
  for (const [entry, tests] of Object.entries(FOUND))
    for (const [file, name] of tests) {
      const text = readFileSync(new URL(file, import.meta.url), 'utf8');
      t.ok(text.includes(`'${name}`) || text.includes(`\`${name}`), `${entry}: ${file}, ${name}`);
    }
});
