import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { endProgram } from '../test/support/command.ts';

/** A process under measurement: it reports its own CPU time and memory, so that the load generator's do not count. */
export interface Measured {
  readonly child: ChildProcess;
  readonly port: number;
  usage(): Promise<Usage>;
  stop(): Promise<unknown>;
}

export interface Usage {
  /** Since the last call. */
  readonly cpuMs: number;
  readonly peakRssMb: number;
}

export async function start(script: string, env: Record<string, string> = {}): Promise<Measured> {
  const child = fork(new URL(script, import.meta.url), {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const [message] = (await once(child, 'message')) as [{ port: number }];
  return {
    child,
    port: message.port,
    usage: async () => {
      child.send('usage');
      const [usage] = (await once(child, 'message')) as [Usage];
      return usage;
    },
    stop: () => endProgram(child, 'SIGKILL'),
  };
}

/** In the child: says where it listens, and answers what it has used. */
export function report(port: number): void {
  let before = process.cpuUsage();
  process.on('message', () => {
    const { user, system } = process.cpuUsage(before);
    before = process.cpuUsage();
    process.send?.({ cpuMs: (user + system) / 1000, peakRssMb: process.resourceUsage().maxRSS / 1024 });
  });
  process.send?.({ port });
}
