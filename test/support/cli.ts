import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../../server/cli/rendition.mjs', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Lines of stdout. */
  readonly lines: readonly string[];
}

/** `rendition …` in a process of its own, without the loaders that the test runner gives every child. */
export async function rendition(
  words: readonly string[],
  { env = {}, cwd, input = '' }: { env?: Record<string, string>; cwd?: string; input?: string } = {},
): Promise<Ended> {
  const { NODE_OPTIONS: _loaders, ...own } = process.env;
  const child = spawn(process.execPath, [PROGRAM, ...words], { env: { ...own, ...env }, cwd });
  child.stdin.end(input);
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await ended, stdout, stderr, lines: stdout.split('\n').filter(Boolean) };
}
