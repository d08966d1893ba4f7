import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

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
