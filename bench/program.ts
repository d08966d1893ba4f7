import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { endProgram } from '../test/support/command.ts';
import { freePort } from '../test/support/ports.ts';
import { treeCpuMs, treePssMb, treeRssMb } from './process-tree.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** A program as its users start it, with all that it starts: their CPU time counts, that of the load does not. */
export interface Program {
  readonly pid: number;
  readonly port: number;
  /** CPU time so far of all its processes, those that have ended included. */
  cpuMs(): number;
  /** Resident memory of all its processes now. */
  rssMb(): number;
  /** The same with what they share counted once. */
  pssMb(): number;
  stop(): Promise<unknown>;
}

/** The arguments of `npm start`, or of another script of package.json; npm itself is left out. */
export function commandOf(script: string): string[] {
  const manifest: { scripts: Record<string, string> } = JSON.parse(
    readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
  );
  const [program, ...rest] = (manifest.scripts[script] ?? '').split(' ');
  if (program !== 'node') throw new Error(`The script "${script}" does not start node.`);
  return rest;
}

/** Runs until the child writes a line that says it listens; its log goes on into a pipe that is read. */
async function listening(child: ChildProcess, sign: RegExp): Promise<void> {
  let text = '';
  await new Promise<void>((resolve, reject) => {
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      if (text.length < 100_000) text += chunk;
      if (sign.test(text)) resolve();
    });
    child.once('exit', (code) => reject(new Error(`It ended with ${code}: ${text}`)));
  });
}

/**
 * @param args  of node
 * @param sign  what its output says once it serves
 */
export async function startProgram(
  args: readonly string[],
  sign: RegExp,
  env: Record<string, string> = {},
): Promise<Program> {
  // npm start prints its URLs beforehand, and so takes no 0.
  const port = await freePort();
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    env: { ...process.env, ...env, PORT: String(port), HOST: '127.0.0.1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await listening(child, sign);
  const pid = child.pid ?? 0;
  return {
    pid,
    port,
    cpuMs: () => treeCpuMs(pid),
    rssMb: () => treeRssMb(pid),
    pssMb: () => treePssMb(pid),
    stop: () => endProgram(child, 'SIGTERM'),
  };
}

/**
 * Server, warmer and render processes, as `npm start` runs them, on a folder that others may enter: in a private one of
 * root render processes have a layer less than where it runs as it should.
 */
export async function startRendition(env: Record<string, string>): Promise<Program> {
  const { DATA_DIR } = env;
  if (DATA_DIR !== undefined) await chmod(DATA_DIR, 0o755);
  return startProgram(commandOf('start'), /Rendition serves at/, env);
}
