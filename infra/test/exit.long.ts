import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { PROVIDER_VERSION } from '../stacks/context.ts';
import { run } from '../stand-in/run.ts';
import { IMAGE } from './support/synth.ts';

t.test('npm run exit:cdktn renames everything and synthesises with the fork’s own bindings', async (t) => {
  t.setTimeout(600_000);
  const folder = t.testdir({ 'stages.json': JSON.stringify({ dev: { image: IMAGE } }) });
  const out = join(folder, 'out');
  const { code, output } = await run(['sh', join(import.meta.dirname, '..', 'exit-cdktn.sh'), out], {
    cwd: folder,
    env: { STAGES_FILE: join(folder, 'stages.json'), NODE_OPTIONS: '' },
  });
  t.equal(code, 0, 'synthesised', { output: output.slice(-3000) });
  const made = JSON.parse(readFileSync(join(out, 'stacks', 'rendition-dev', 'cdk.tf.json'), 'utf8'));
  t.match(made['//'].metadata.version, /^0\.24/);
  t.ok(Object.keys(made.resource).length > 40);
  t.not(made.terraform.required_providers.aws.version, PROVIDER_VERSION, 'the provider is the bindings’ own');
});
