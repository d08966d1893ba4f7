/** `npm run edge -- [stage]`: a stage of the settings file on this machine, from the edge to the buckets. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { synthesise } from '../app.ts';
import type { Values } from '../settings.ts';
import { startLaptop } from './laptop.ts';
import { putSamples } from './programs.ts';

/** No task of it is ever started. */
const NO_IMAGE = `none.invalid/none@sha256:${'0'.repeat(64)}`;

async function synthesised(settings: string, stage: string, outdir: string): Promise<string> {
  const { account = {}, ...stages }: Record<string, Values> = JSON.parse(readFileSync(settings, 'utf8'));
  const own = stages[stage];
  if (!own) throw new Error(`${settings} has no stage ${stage}: it has ${Object.keys(stages).join(', ')}`);
  await synthesise({ stages: { account, [stage]: { image: NO_IMAGE, ...own } }, environment: {}, outdir });
  return join(outdir, 'stacks', `rendition-${stage}`, 'cdk.tf.json');
}

function portOf(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw new Error(`--port ${text}: expected 0 to 65535`);
  return port;
}

async function main(args: readonly string[]): Promise<void> {
  const { positionals, values } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      settings: { type: 'string', default: join(import.meta.dirname, '..', 'stages.json') },
      port: { type: 'string', default: '8443' },
    },
  });
  const [stage = 'dev', another] = positionals;
  if (another) throw new Error('npm run edge -- [stage] [--port 8443] [--settings stages.json]');
  const port = portOf(values.port);
  const outdir = mkdtempSync(join(tmpdir(), 'rendition-stage-'));
  const laptop = await startLaptop({ file: await synthesised(values.settings, stage, outdir), port });
  const [sample = ''] = await putSamples(laptop.endpoint);
  process.stdout.write(`The edge of ${stage} answers at ${laptop.base}/ (X-Cache says from where)\n`);
  process.stdout.write(`  curl -sI ${laptop.base}/img/${sample}?w=400\nTOKEN=${laptop.programs.token}\n`);
  const signalled = new Promise<number>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => resolve(0));
  });
  process.exitCode = await Promise.race([signalled, laptop.programs.ended]);
  await laptop.stop();
  rmSync(outdir, { recursive: true, force: true });
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
