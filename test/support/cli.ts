import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { run } from '../../server/cli/run.ts';
import { PATIENT, SINGLE } from './env.ts';

const CALM = { ...PATIENT, ...SINGLE };

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Lines of stdout. */
  readonly lines: readonly string[];
}

/** `rendition …` in this process, with `env` beside its environment; one at a time. */
export async function rendition(
  words: readonly string[],
  { env = {}, input = '' }: { env?: Record<string, string>; input?: string } = {},
): Promise<Ended> {
  const streams = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() };
  const said = Promise.all([text(streams.stdout), text(streams.stderr)]);
  const before = { ...process.env };
  Object.assign(process.env, CALM, env);
  streams.stdin.end(input);
  const ended = await run(words, streams).finally(() => {
    for (const name of Object.keys({ ...CALM, ...env })) delete process.env[name];
    Object.assign(process.env, before);
  });
  streams.stdout.end(ended.stdout ?? '');
  streams.stderr.end(ended.stderr ?? '');
  const [stdout, stderr] = await said;
  return { code: ended.code, stdout, stderr, lines: stdout.split('\n').filter(Boolean) };
}
