import { setTimeout as sleep } from 'node:timers/promises';
import { Problem } from '../shared/errors.ts';
import { unlessAborted } from '../shared/single-flight.ts';
import { isPlain, type Launch, type Layer, plainLaunch } from './launch.ts';
import { ProcessEnded, RenderProcess, type TaskEvents } from './process.ts';
import type { AnswerOf, AsksOf, Task, TaskKind } from './protocol.ts';

export interface PoolOptions {
  readonly launch: Launch;
  /** Renders at once; one process more reads headers, so that those never wait for a render. */
  readonly slots: number;
  /** Resident memory at which a process is replaced when its task is done. */
  readonly recycleBytes: number;
  /** Tasks after which a process is replaced, whatever it looks like. */
  readonly recycleTasks: number;
  /** Monotonic ms. */
  readonly now: () => number;
  readonly onEvent: (event: PoolEvent) => void;
}

/** What a task may take before its process is killed. */
export interface RunLimits {
  /** Processor time after which the original is to blame, however long it waited beside others; absent: never. */
  readonly maxCpuMs?: number | undefined;
  /** Real time after which it is given up, waiting for a process excluded. */
  readonly maxWallMs: number;
  /** Resident memory of its process. */
  readonly maxResidentBytes: number;
}

export interface RunOptions extends RunLimits, TaskEvents {
  /** Fires when nobody waits any more. */
  readonly signal?: AbortSignal | undefined;
}

export interface PoolEvent {
  readonly kind: 'crashed' | 'too-slow' | 'too-large' | 'recycled' | 'fewer-layers' | 'broken';
  readonly reason: string;
}

export interface PoolLoad {
  readonly processes: number;
  readonly busy: number;
  readonly waiting: number;
}

/** Processes that ended before they were ready, in a row, after which there is no use in another try. */
const MAX_FAILED_STARTS = 3;
const WATCH_MS = 50;
/** For a pass that nobody waits for any more to come to its end; a new process costs a third of a second. */
const GRACE_MS = 2_000;

interface Waiter {
  readonly isHeader: boolean;
  readonly take: (process: RenderProcess) => void;
  readonly refuse: (error: unknown) => void;
}

/** Render processes, each at one task at a time; those that crash, hang or grow are replaced. */
export class RenderPool {
  readonly #options: PoolOptions;
  readonly #all = new Set<RenderProcess>();
  readonly #idle: RenderProcess[] = [];
  readonly #waiting: Waiter[] = [];
  #launch: Launch;
  #failedStarts = 0;
  #starting = 0;
  #isClosed = false;
  /** Why no process can be started any more. */
  #broken: Error | undefined;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#launch = options.launch;
  }

  get layers(): readonly Layer[] {
    return this.#launch.layers;
  }

  get load(): PoolLoad {
    const { size } = this.#all;
    return { processes: size, busy: size - this.#idle.length, waiting: this.#waiting.length };
  }

  /** Why nothing can be rendered; undefined as long as it can. */
  get broken(): Error | undefined {
    return this.#broken;
  }

  /**
   * Brings up the first process, so that a program that cannot render says so when it starts.
   *
   * @throws Error that names what is wrong
   */
  async start(): Promise<void> {
    this.#free(await this.#take(false));
  }

  /**
   * @throws Problem of the task; `unrenderable` for an original that crashes, hangs or fills a process;
   *         `deadline` for one that was given up without that; the signal's reason
   */
  async run<K extends TaskKind>(kind: K, asks: AsksOf<K>, options: RunOptions): Promise<AnswerOf<K>> {
    const task = { kind, ...asks } as Task;
    try {
      return (await this.#attempt(task, options)) as AnswerOf<K>;
    } catch (error) {
      if (!(error instanceof ProcessEnded)) throw error;
      // A crash may be a neighbour's doing or the system's: once more, in a process that nobody has used.
      options.signal?.throwIfAborted();
      return (await this.#attempt(task, options).catch((again: unknown) => {
        throw again instanceof ProcessEnded
          ? unrenderable('crashed the process that decoded it', again)
          : again;
      })) as AnswerOf<K>;
    }
  }

  /** Ends every process; tasks under way reject. */
  close(): void {
    this.#isClosed = true;
    for (const process of this.#all) process.kill('The program ends.');
    const error = new Problem('draining', 'This server is shutting down; try again in 1 s.', {
      retryAfterSeconds: 1,
    });
    for (const waiter of this.#waiting.splice(0)) waiter.refuse(error);
  }

  async #attempt(task: Task, options: RunOptions): Promise<unknown> {
    const { signal } = options;
    const process = await this.#take(task.kind === 'open', signal);
    const watch = new AbortController();
    let verdict: Problem | undefined;
    const stop = (problem: Problem) => {
      verdict = problem;
      process.kill(problem.detail);
    };
    process.hold(true);
    const watched = { ...options, stop, ended: watch.signal };
    void this.#watch(process, watched);
    const onDrawn = () => {
      // A slow encode says nothing of the drawing.
      watched.maxCpuMs = undefined;
    };
    const running = process.run(task, { ...options, onDrawn }, signal).catch((error: unknown) => {
      if (error instanceof ProcessEnded && !this.#isClosed && !verdict && !signal?.aborted)
        this.#options.onEvent({ kind: 'crashed', reason: error.message });
      throw verdict ?? error;
    });
    const free = () => {
      watch.abort();
      process.hold(false);
      void this.#giveBack(process);
    };
    running.then(free, free);
    // Who leaves is not kept: the process ends its pass, or is ended.
    return signal ? unlessAborted(running, signal) : running;
  }

  /** Kills a process whose task takes too long or too much memory, or goes on for nobody; until the task has ended. */
  async #watch(
    process: RenderProcess,
    options: RunOptions & { stop: (problem: Problem) => void; ended: AbortSignal },
  ): Promise<void> {
    const { now } = this.#options;
    const { stop, ended, signal } = options;
    const [started, before] = [now(), await process.cpuMs()];
    let abandoned: number | undefined;
    while (!ended.aborted && !process.hasEnded) {
      await sleep(WATCH_MS, undefined, { signal: ended, ref: false }).catch(() => undefined);
      if (ended.aborted) return;
      if (signal?.aborted) abandoned ??= now();
      if (abandoned !== undefined && now() - abandoned > GRACE_MS) return stop(tooLate(GRACE_MS));
      const cpu = await process.cpuMs();
      const cpuMs = cpu === undefined || before === undefined ? undefined : cpu - before;
      const problem = await this.#verdict(process, { ...options, cpuMs, wallMs: now() - started });
      if (problem) return stop(problem);
    }
  }

  async #verdict(
    process: RenderProcess,
    {
      cpuMs,
      wallMs,
      maxCpuMs = Number.POSITIVE_INFINITY,
      maxWallMs,
      maxResidentBytes,
    }: RunOptions & { cpuMs: number | undefined; wallMs: number },
  ): Promise<Problem | undefined> {
    const { onEvent } = this.#options;
    if ((await process.residentBytes()) > maxResidentBytes) {
      onEvent({ kind: 'too-large', reason: `more than ${maxResidentBytes} bytes` });
      return unrenderable(`took more than ${maxResidentBytes} bytes of memory`);
    }
    if (cpuMs !== undefined && cpuMs > maxCpuMs) {
      onEvent({ kind: 'too-slow', reason: `${Math.round(cpuMs)} ms of the processor` });
      return unrenderable(`took more than ${maxCpuMs} ms of the processor`);
    }
    if (wallMs <= (cpuMs === undefined ? Math.min(maxCpuMs, maxWallMs) : maxWallMs)) return undefined;
    onEvent({ kind: 'too-slow', reason: `${Math.round(wallMs)} ms` });
    return tooLate(Math.round(wallMs));
  }

  /** A process for one task: an idle one, a new one, or the next that is free. */
  #take(isHeader: boolean, signal?: AbortSignal): Promise<RenderProcess> {
    if (this.#broken) return Promise.reject(this.#broken);
    const process = this.#idle.pop();
    if (process) return Promise.resolve(process);
    return new Promise<RenderProcess>((resolve, reject) => {
      const leave = () => {
        const position = this.#waiting.indexOf(waiter);
        if (position >= 0) this.#waiting.splice(position, 1);
        reject(signal?.reason);
      };
      const waiter: Waiter = {
        isHeader,
        take: (found) => {
          signal?.removeEventListener('abort', leave);
          resolve(found);
        },
        refuse: reject,
      };
      signal?.addEventListener('abort', leave, { once: true });
      // A header takes a millisecond: it goes before the renders.
      if (isHeader) this.#waiting.unshift(waiter);
      else this.#waiting.push(waiter);
      this.#grow();
    });
  }

  /** Starts a process where somebody waits and there is room for one. */
  #grow(): void {
    const { slots } = this.#options;
    if (this.#isClosed || this.#broken) return;
    if (this.#starting >= this.#waiting.length || this.#all.size > slots) return;
    const process = new RenderProcess(this.#launch);
    this.#starting += 1;
    this.#all.add(process);
    void process.ended.then(() => this.#forget(process));
    process.ready.then(
      () => {
        this.#starting -= 1;
        this.#failedStarts = 0;
        process.hold(false);
        this.#free(process);
      },
      (error: unknown) => {
        this.#starting -= 1;
        this.#notStarted(error);
      },
    );
  }

  /** Fewer layers where the system lets `true` run under them but not Node; none of them left: broken for good. */
  #notStarted(error: unknown): void {
    if (this.#isClosed) return;
    this.#failedStarts += 1;
    const reason = error instanceof Error ? error.message : String(error);
    if (!isPlain(this.#launch)) {
      this.#launch = plainLaunch(this.#launch);
      this.#options.onEvent({ kind: 'fewer-layers', reason });
    } else if (this.#failedStarts >= MAX_FAILED_STARTS) {
      this.#broken = new Error(`No render process can be started: ${reason}`, { cause: error });
      this.#options.onEvent({ kind: 'broken', reason });
      for (const waiter of this.#waiting.splice(0)) waiter.refuse(this.#broken);
    }
    this.#grow();
  }

  #forget(process: RenderProcess): void {
    this.#all.delete(process);
    const position = this.#idle.indexOf(process);
    if (position >= 0) this.#idle.splice(position, 1);
    this.#grow();
  }

  async #giveBack(process: RenderProcess): Promise<void> {
    const { recycleBytes, recycleTasks, onEvent } = this.#options;
    if (process.hasEnded) return;
    const resident = await process.residentBytes();
    if (process.done < recycleTasks && resident < recycleBytes) return this.#free(process);
    onEvent({ kind: 'recycled', reason: `${process.done} tasks, ${resident} bytes` });
    process.kill('It has done its share.');
  }

  #free(process: RenderProcess): void {
    if (process.hasEnded) return;
    const waiter = this.#waiting.shift();
    if (waiter) waiter.take(process);
    else this.#idle.push(process);
  }
}

function unrenderable(what: string, cause?: unknown): Problem {
  return new Problem('unrenderable', `The original ${what}; it is not tried again for a while.`, {}, cause);
}

const tooLate = (ms: number): Problem =>
  new Problem('deadline', `The render took longer than ${ms} ms and was stopped.`, { retryAfterSeconds: 1 });
