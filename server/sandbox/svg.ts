import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import type { Size } from '../core/operations/operation.ts';
import type { Raw } from '../core/render/pipeline.ts';
import { Problem } from '../shared/errors.ts';

export interface SvgTask {
  readonly task: number;
  /** Its bytes, or the path of a file of them. */
  readonly svg: Uint8Array | string;
  /** px to draw on; absent to ask for the natural size. */
  readonly size?: Size;
  /** Seconds after which libvips gives up by itself. */
  readonly timeoutSeconds: number;
}

export interface SvgAnswer {
  readonly task: number;
  readonly data?: Buffer;
  readonly width?: number;
  readonly height?: number;
  readonly error?: string;
}

export interface SvgLimits {
  /** Time for one drawing, waiting for the process excluded. */
  readonly deadlineMs: number;
  /** Resident memory at which the process is killed. Linux only; elsewhere time alone decides. */
  readonly maxResidentBytes: number;
}

const WATCH_MS = 50;
const PAGE_BYTES = 4096;

/** One child process that draws one SVG at a time; killed and started anew when a drawing goes wrong. */
export class SvgSandbox {
  readonly #limits: SvgLimits;
  #child: ChildProcess | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #task = 0;

  constructor(limits: SvgLimits) {
    this.#limits = limits;
  }

  /**
   * Natural size in px at 72 dpi.
   *
   * @param svg  its bytes, or the path of a file that need not lie in memory here
   * @throws Problem `damaged_source`, `deadline`
   */
  async measure(svg: Uint8Array | string, signal?: AbortSignal): Promise<Size> {
    const { width, height } = await this.#queue({ svg }, signal);
    if (!width || !height) throw new Problem('damaged_source', 'The SVG names no size.');
    return { width, height };
  }

  /** @throws Problem `damaged_source`, `too_many_pixels`, `deadline` */
  async draw(svg: Uint8Array, size: Size, signal?: AbortSignal): Promise<Raw> {
    const { data, width, height } = await this.#queue({ svg, size }, signal);
    if (!data || !width || !height) throw new Problem('damaged_source', 'The SVG cannot be drawn.');
    return { data: Buffer.from(data), width, height, channels: 4 };
  }

  close(): void {
    this.#child?.kill('SIGKILL');
    this.#child = undefined;
  }

  #queue(task: Pick<SvgTask, 'svg' | 'size'>, signal: AbortSignal | undefined): Promise<SvgAnswer> {
    const turn = this.#last.then(() => {
      signal?.throwIfAborted();
      return this.#run(task);
    });
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  #start(): ChildProcess {
    if (this.#child?.connected) return this.#child;
    const child = fork(new URL('./svg-child.ts', import.meta.url), {
      serialization: 'advanced',
      // Nothing of ours: no credentials, no configuration.
      env: { HOME: '/nonexistent' },
      execArgv: [],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    child.unref();
    child.channel?.unref();
    this.#child = child;
    return child;
  }

  #run(task: Pick<SvgTask, 'svg' | 'size'>): Promise<SvgAnswer> {
    const child = this.#start();
    const number = ++this.#task;
    const { deadlineMs, maxResidentBytes } = this.#limits;
    const timeoutSeconds = Math.ceil(deadlineMs / 1000);
    return new Promise<SvgAnswer>((resolve, reject) => {
      const settle = (finish: () => void) => {
        clearTimeout(timer);
        clearInterval(watch);
        child.off('message', answered).off('exit', died).off('error', died);
        child.channel?.unref();
        finish();
      };
      const kill = (problem: Problem) => {
        if (this.#child === child) this.#child = undefined;
        child.kill('SIGKILL');
        settle(() => reject(problem));
      };
      const answered = (answer: SvgAnswer) => {
        if (answer.task === number)
          settle(() => (answer.error ? reject(problemOf(answer.error)) : resolve(answer)));
      };
      const died = () => kill(new Problem('damaged_source', 'The SVG crashed the process that drew it.'));
      const timer = setTimeout(() => kill(tooSlow(deadlineMs)), deadlineMs);
      const watch = setInterval(async () => {
        if ((await residentBytes(child.pid)) > maxResidentBytes) kill(tooLarge());
      }, WATCH_MS);
      child.channel?.ref();
      child.on('message', answered).once('exit', died).once('error', died);
      child.send({ ...task, task: number, timeoutSeconds } satisfies SvgTask, (error) => error && died());
    });
  }
}

async function residentBytes(pid: number | undefined): Promise<number> {
  try {
    const pages = (await readFile(`/proc/${pid}/statm`, 'utf8')).split(' ')[1];
    return Number(pages) * PAGE_BYTES;
  } catch {
    return 0;
  }
}

const tooSlow = (ms: number) =>
  new Problem('deadline', `Drawing the SVG took longer than ${ms} ms and was stopped.`);
const tooLarge = () =>
  new Problem('too_many_pixels', 'Drawing the SVG took too much memory and was stopped.');

function problemOf(message: string): Problem {
  const cause = new Error(message);
  return /pixel limit/i.test(message)
    ? new Problem('too_many_pixels', 'The SVG is larger than is allowed.', {}, cause)
    : new Problem('damaged_source', 'The SVG cannot be read.', {}, cause);
}
