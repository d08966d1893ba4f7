import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';
import { type Running, serve } from './provider.ts';
import { providerSchema } from './schema.ts';

/** A provider for everything that the synthesised stack names. */
export async function serveStack(file: string): Promise<Running> {
  const stack = JSON.parse(readFileSync(file, 'utf8'));
  return serve(
    providerSchema({ resources: Object.keys(stack.resource ?? {}), data: Object.keys(stack.data ?? {}) }),
  );
}

export interface Outcome {
  code: number;
  /** Both streams, in order, without colours. */
  output: string;
}

/** Runs a program against a provider; never rejects for an exit code. */
export function run(
  command: readonly [string, ...string[]],
  options: { cwd: string; provider?: Running; env?: Record<string, string> },
): Promise<Outcome> {
  const [program, ...args] = command;
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: {
      ...process.env,
      CHECKPOINT_DISABLE: '1',
      TF_CLI_CONFIG_FILE: '/dev/null',
      TF_IN_AUTOMATION: '1',
      NO_COLOR: '1',
      FORCE_COLOR: '0',
      ...(options.provider ? { TF_REATTACH_PROVIDERS: options.provider.reattach } : {}),
      ...options.env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      const output = stripVTControlCharacters(Buffer.concat(chunks).toString());
      resolve({ code: code ?? -1, output });
    });
  });
}
