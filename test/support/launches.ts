import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { Launch } from '../../server/sandbox/launch.ts';

interface Answer {
  got?: string;
  refused?: string;
}

/** A launch, and what is tried where it brings no process up. */
export function ladder(launch: Launch): Launch[] {
  return [launch, ...(launch.weaker ? ladder(launch.weaker()) : [])];
}

/** Runs the attempts of an exploit under a launch. */
export async function underLaunch(
  launch: Launch,
  work: (tries: (kind: string, target: string) => Promise<Answer>, pid: number) => Promise<void>,
) {
  const [execPath = process.execPath, ...rest] = launch.wrapper;
  const child = fork(new URL('./hostile.ts', import.meta.url), {
    execPath,
    execArgv: [...rest, process.execPath, ...launch.nodeFlags],
    env: { ...launch.env },
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const ended = once(child, 'exit');
  await once(child, 'message');
  try {
    await work(async (kind, target) => {
      child.send({ kind, target });
      const [answer] = await once(child, 'message');
      return answer as Answer;
    }, child.pid ?? 0);
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
}
