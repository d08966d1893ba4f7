import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { endProgram } from '../../test/support/command.ts';
import { freePort } from '../../test/support/ports.ts';
import { treeCpuMs, treeRssMb } from '../process-tree.ts';

/** A server under measurement: all its processes count. */
export interface Running {
  readonly name: string;
  readonly port: number;
  cpuMs(): number;
  rssMb(): number;
  stop(): Promise<unknown>;
}

export interface Command {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

const START_MS = 30_000;

async function accepts(port: number): Promise<boolean> {
  const socket = net.connect({ port, host: '127.0.0.1' });
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function untilListening(child: ChildProcess, name: string, port: number): Promise<void> {
  const until = performance.now() + START_MS;
  while (!(await accepts(port))) {
    if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode} when it was started.`);
    if (performance.now() > until) throw new Error(`${name} does not listen on ${port}.`);
    await sleep(50);
  }
}

/** Starts a server, its log going to a pipe that is read, as a supervisor would. */
export async function startCommand(make: (port: number) => Command | Promise<Command>): Promise<Running> {
  const port = await freePort();
  const { name, program, args, env = {} } = await make(port);
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      said = `${said}${text}`.slice(-2000);
    });
  child.once('error', (error) => {
    said = error.message;
  });
  try {
    await untilListening(child, name, port);
  } catch (error) {
    child.kill('SIGKILL');
    throw new Error(`${error instanceof Error ? error.message : error} ${said}`);
  }
  const pid = child.pid ?? 0;
  return {
    name,
    port,
    cpuMs: () => treeCpuMs(pid),
    rssMb: () => treeRssMb(pid),
    stop: () => endProgram(child, 'SIGTERM'),
  };
}
