import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import t from 'tap';
import { run, serveStack } from '../stand-in/run.ts';
import { IMAGE, synthStage } from './support/synth.ts';
import { noCdktf } from './support/tools.ts';

const CLI = createRequire(import.meta.url).resolve('cdktf-cli/bundle/bin/cdktf');
const MAIN = join(import.meta.dirname, '..', 'main.ts');
const TYPES = await synthStage({ protect: false });

t.test('cdktf deploys, has nothing left to do, and destroys', { skip: noCdktf }, async (t) => {
  const cwd = t.testdir({
    'cdktf.json': JSON.stringify({
      language: 'typescript',
      app: `"${process.execPath}" "${MAIN}"`,
      sendCrashReports: 'false',
    }),
  });
  const home = join(cwd, 'home');
  mkdirSync(home);
  writeFileSync(join(home, 'config.json'), '{}');
  const provider = await serveStack(TYPES.file);
  const env = { RENDITION_IMAGE: IMAGE, CDKTF_HOME: home, CI: '1', RENDITION_PROTECT: 'false' };
  const cdktf = async (...args: string[]) => {
    const started = Date.now();
    const outcome = await run([process.execPath, CLI, ...args], { cwd, provider, env });
    t.comment(`cdktf ${args[0]}: exit ${outcome.code} in ${((Date.now() - started) / 1000).toFixed(1)} s`);
    return outcome;
  };
  const options = ['rendition-dev', '--auto-approve', '--skip-provider-lock'];
  try {
    const first = await cdktf('deploy', ...options);
    t.equal(first.code, 0, 'exit code', { output: first.output.slice(-4000) });
    t.match(
      first.output,
      /Apply complete! Resources: \d+ added, 0 changed, 0 destroyed/,
      'everything is added',
    );
    t.match(first.output, /curl -H/, 'ends with a ready command');
    const second = await cdktf('deploy', ...options);
    t.equal(second.code, 0, 'exit code', { output: second.output.slice(-4000) });
    t.match(second.output, /No changes\./, 'nothing is left to do');
    const last = await cdktf('destroy', ...options);
    t.equal(last.code, 0, 'exit code', { output: last.output.slice(-4000) });
    t.match(last.output, /Destroy complete! Resources: \d+ destroyed/, 'everything is gone');
  } finally {
    provider.close();
  }
});
