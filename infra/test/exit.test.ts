import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { run } from '../stand-in/run.ts';
import { IMAGE } from './support/synth.ts';

const HERE = import.meta.dirname;

function comparable(outdir: string): string {
  const text = readFileSync(join(outdir, 'stacks', 'rendition-dev', 'cdk.tf.json'), 'utf8');
  const json = JSON.parse(text);
  delete json['//'];
  return JSON.stringify(json, null, 1);
}

t.test('the maintained fork of cdktf makes the same stacks from the same source', async (t) => {
  const out = { cdktf: t.testdir({}), cdktn: join(t.testdirName, 'fork') };
  const synth = (outdir: string, ...flags: string[]) =>
    run([process.execPath, ...flags, join(HERE, '..', 'main.ts')], {
      cwd: t.testdirName,
      env: { RENDITION_IMAGE: IMAGE, CDKTF_OUTDIR: outdir, NODE_OPTIONS: '' },
    });
  const fork = await synth(out.cdktn, '--import', join(HERE, 'support', 'cdktn.mjs'));
  t.equal(fork.code, 0, 'exit code', { output: fork.output });
  const ours = await synth(out.cdktf);
  t.equal(ours.code, 0, 'exit code', { output: ours.output });
  const loaded = JSON.parse(readFileSync(join(out.cdktn, 'manifest.json'), 'utf8'));
  t.match(loaded.version, /^0\.2[4-9]/, 'the fork did the work');
  t.equal(comparable(out.cdktn), comparable(out.cdktf));
});
