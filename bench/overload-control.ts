import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { loadConfig } from '../server/config/settings.ts';
import { endProgram } from '../test/support/command.ts';
import { askHits, askNew, type Pace } from './asking.ts';
import { type Program, startProgram } from './program.ts';

/** Hits of a bare server, ms each. */
export interface Bare {
  readonly idle: readonly number[];
  readonly beside: readonly number[];
}

/** As many as the program has render processes, and with the priority that it gives them. */
const { renderSlots, renderNice } = loadConfig({});

async function startBusy(): Promise<ChildProcess> {
  const child = fork(new URL('./busy-sharp.ts', import.meta.url), {
    execPath: 'nice',
    execArgv: ['-n', String(renderNice), process.execPath],
  });
  await once(child, 'message');
  return child;
}

/**
 * What cores that are busy do to hits by themselves: a bare `node:http` that sends the same bytes, the same askers, and
 * sharp at work in processes beside it. What is new is a 404 there, at once.
 */
export class Control {
  readonly #server: Program;

  private constructor(server: Program) {
    this.#server = server;
  }

  /** @param url  of the hit, whose bytes and headers are copied */
  static async start(url: string): Promise<Control> {
    return new Control(await startProgram(['bench/bare-server.ts'], /listening/, { COPY_OF: url }));
  }

  async round(path: string, pace: Pace, load: Pace): Promise<Bare> {
    const base = `http://127.0.0.1:${this.#server.port}`;
    const idle = await askHits(base + path, pace);
    const busy = await Promise.all(Array.from({ length: renderSlots }, startBusy));
    const [beside] = await Promise.all([askHits(base + path, pace), askNew(base, 0, load)]);
    await Promise.all(busy.map((child) => endProgram(child, 'SIGKILL')));
    return { idle, beside };
  }

  stop(): Promise<unknown> {
    return this.#server.stop();
  }
}
