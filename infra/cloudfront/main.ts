/** `npm run edge -- [stage]`: a stage of the settings file on this machine, from the edge to the buckets. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { synthesise } from '../app.ts';
import { rowsOf } from '../deploy/stage-settings.ts';
import { prefixOf } from '../names.ts';
import { NO_IMAGE } from '../settings.ts';
import { startLaptop } from './laptop.ts';
import { putSamples } from './programs.ts';

async function synthesised(settings: string, stage: string, outdir: string): Promise<string> {
  const { account, own } = rowsOf(settings, stage);
  if (own.replica_of)
    throw new Error(
      `${stage} is a replica and has no edge of its own: try that of ${own.replica_of}, which asks its servers`,
    );
  await synthesise({ stages: { account, [stage]: { image: NO_IMAGE, ...own } }, environment: {}, outdir });
  return join(outdir, 'stacks', prefixOf(stage), 'cdk.tf.json');
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
  try {
    process.exitCode = await serve(stage, await synthesised(values.settings, stage, outdir), port);
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}

/** Until it is told to end, or its programs do; the exit code. */
async function serve(stage: string, file: string, port: number): Promise<number> {
  const laptop = await startLaptop({ file, port });
  const [sample = ''] = await putSamples(laptop.endpoint);
  process.stdout.write(`The edge of ${stage} answers at ${laptop.base}/ (X-Cache says from where)\n`);
  process.stdout.write(`  curl -sI ${laptop.base}/img/${sample}?w=400\nTOKEN=${laptop.programs.token}\n`);
  const signalled = new Promise<number>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => resolve(0));
  });
  const code = await Promise.race([signalled, laptop.programs.ended]);
  await laptop.stop();
  return code;
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
