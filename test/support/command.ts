import { type ChildProcess, type ChildProcessByStdio, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const COMPILED = `${ROOT}node_modules/.cache/rendition`;

/** What comes before a program that is not measured: the test runner puts its loaders into every child. */
export const BARE = ['env', '-u', 'NODE_OPTIONS', '-u', 'NODE_V8_COVERAGE'] as const;

/** The same, compiled once for all: a third of the processor time of a start that is measured. */
export const UNMEASURED = [...BARE, `NODE_COMPILE_CACHE=${COMPILED}`, process.execPath] as const;

export type Program = ChildProcessByStdio<null, Readable, null>;

export interface ProgramOptions {
  readonly words?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Whether its coverage counts, which makes a start cost three times as much; one test of each program is enough. */
  readonly isMeasured?: boolean;
}

/** Starts a program of ours; stdout is a pipe. */
export function spawnProgram(script: string, options: ProgramOptions): Program {
  const { words: own = [], env = {}, isMeasured = false } = options;
  const [program = '', ...words] = [...(isMeasured ? [process.execPath] : UNMEASURED), script, ...own];
  const all = { ...process.env, ...env };
  return spawn(program, words, { cwd: ROOT, env: all, stdio: ['ignore', 'pipe', 'inherit'] });
}

/**
 * Ends a program, which may have ended by itself before: that says no more that it has.
 *
 * @returns  the exit code, or the signal that ended it
 */
export async function endProgram(child: ChildProcess, signal: NodeJS.Signals): Promise<number | string> {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }
  return child.exitCode ?? String(child.signalCode);
}

/**
 * Runs a program without the loaders that the test runner gives every child (it puts them back into NODE_OPTIONS):
 * they cost a second each, and the type checker does not start with them.
 *
 * @returns  what it printed
 * @throws the error of execFile, with stdout and stderr, when the program fails
 */
export async function runBare(program: string, words: readonly string[], cwd: string): Promise<string> {
  const all = ['-u', 'NODE_OPTIONS', program, ...words];
  const { stdout } = await promisify(execFile)('env', all, { cwd, maxBuffer: 1e8 });
  return stdout;
}
