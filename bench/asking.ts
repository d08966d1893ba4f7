import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { Paced } from './paced.ts';

/** What a program of this folder sends before it ends. @throws Error when it ends without */
async function sent(script: string, args: readonly (string | number)[]): Promise<unknown> {
  const child = fork(new URL(script, import.meta.url), args.map(String));
  // Not its exit, which may come before what it has sent.
  const ended = once(child, 'close').then(([code]) =>
    Promise.reject(new Error(`${script} ended with ${code}`)),
  );
  const [message] = await Promise.race([once(child, 'message'), ended]);
  await ended.catch(() => undefined);
  return message;
}

export interface Pace {
  readonly perSecond: number;
  readonly seconds: number;
}

/** ms of each hit, asked by a process that does nothing else. */
export async function askHits(url: string, { perSecond, seconds }: Pace): Promise<readonly number[]> {
  return (await sent('./hit-asker.ts', [url, perSecond, seconds])) as number[];
}

/** New pictures from a number on, asked by a process that does nothing else. */
export async function askNew(base: string, from: number, { perSecond, seconds }: Pace): Promise<Paced> {
  return (await sent('./load-asker.ts', [base, from, perSecond, seconds])) as Paced;
}
