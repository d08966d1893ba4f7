import { Problem } from '../shared/errors.ts';
import { unlessAborted } from '../shared/single-flight.ts';
import type { Launch, Layer } from './launch.ts';
import { ProcessEnded, RenderProcess, type TaskEvents } from './process.ts';
import type { AnswerOf, AsksOf, Task, TaskKind } from './protocol.ts';
import { type Breach, type RunLimits, unrenderable, watchTask } from './watch.ts';

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

export interface RunOptions extends RunLimits, TaskEvents {
  /** Fires when nobody waits any more. */
  readonly signal?: AbortSignal | undefined;
}

/** Why a process ended. */
export type ProcessEnd = 'crashed' | 'too-slow' | 'too-large' | 'abandoned' | 'recycled';

export interface PoolEvent {
  readonly kind: ProcessEnd | 'fewer-layers' | 'broken';
  readonly reason: string;
}

export interface PoolLoad {
  readonly processes: number;
  readonly busy: number;
  readonly waiting: number;
}

/** Processes that ended before they were ready, in a row, after which there is no use in another try. */
const MAX_FAILED_STARTS = 3;

interface Waiter {
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
  /** A process has come up under this launch. */
  #hasStarted = false;
  #failedStarts = 0;
  #starting = 0;
  #isClosed = false;
  readonly #ends = { crashed: 0, 'too-slow': 0, 'too-large': 0, abandoned: 0, recycled: 0 };
  /** Why no process can be started any more. */
  #broken: Error | undefined;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#launch = options.launch;
  }

  get layers(): readonly Layer[] {
    return this.#launch.layers;
  }

  /** How many processes have ended, by reason. */
  get ends(): Readonly<Record<ProcessEnd, number>> {
    return this.#ends;
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
    const { now } = this.#options;
    const process = await this.#take(task.kind === 'open', signal);
    let limits: RunLimits = options;
    let breach: Breach | undefined;
    const onDrawn = () => {
      const { drawnResidentBytes: maxResidentBytes = limits.maxResidentBytes } = limits;
      limits = { ...limits, maxCpuMs: undefined, maxResidentBytes };
    };
    const onBreach = (found: Breach) => {
      breach = found;
      this.#tell(found);
      process.kill(found.reason);
    };
    process.hold(true);
    const unwatch = watchTask(process, { limits: () => limits, abandoned: signal, now, onBreach });
    const running = process.run(task, { ...options, onDrawn }, signal).catch((error: unknown) => {
      if (error instanceof ProcessEnded && !this.#isClosed && !breach && !signal?.aborted)
        this.#tell({ kind: 'crashed', reason: error.message });
      throw breach?.problem ?? error;
    });
    const free = () => {
      unwatch();
      process.hold(false);
      this.#giveBack(process);
    };
    running.then(free, free);
    // Who leaves is not kept: the process ends its pass, or is ended.
    return signal ? unlessAborted(running, signal) : running;
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
    const launch = this.#launch;
    const process = new RenderProcess(launch);
    this.#starting += 1;
    this.#all.add(process);
    void process.ended.then(() => this.#forget(process));
    process.ready.then(
      () => {
        this.#starting -= 1;
        this.#failedStarts = 0;
        this.#hasStarted = true;
        process.hold(false);
        this.#free(process);
      },
      (error: unknown) => {
        this.#starting -= 1;
        this.#notStarted(error, launch);
      },
    );
  }

  /**
   * Fewer layers where the system lets `true` run under them but not Node; none of them left: broken for good. Layers
   * under which a process has come up stay: what fails later is for want of memory or processes, not for the layers.
   */
  #notStarted(error: unknown, launch: Launch): void {
    if (this.#isClosed) return;
    // Another one that was started with it has failed before, and the next has fewer layers already.
    if (launch !== this.#launch) {
      this.#grow();
      return;
    }
    this.#failedStarts += 1;
    const reason = error instanceof Error ? error.message : String(error);
    const weaker = this.#hasStarted ? undefined : launch.weaker;
    if (weaker) {
      this.#launch = weaker();
      this.#failedStarts = 0;
      this.#tell({ kind: 'fewer-layers', reason });
    } else if (this.#failedStarts >= MAX_FAILED_STARTS) {
      this.#broken = new Error(`No render process can be started: ${reason}`, { cause: error });
      this.#tell({ kind: 'broken', reason });
      for (const waiter of this.#waiting.splice(0)) waiter.refuse(this.#broken);
    }
    this.#grow();
  }

  #tell(event: PoolEvent): void {
    const { kind } = event;
    if (kind !== 'fewer-layers' && kind !== 'broken') this.#ends[kind] += 1;
    this.#options.onEvent(event);
  }

  #forget(process: RenderProcess): void {
    this.#all.delete(process);
    const position = this.#idle.indexOf(process);
    if (position >= 0) this.#idle.splice(position, 1);
    this.#grow();
  }

  #giveBack(process: RenderProcess): void {
    const { recycleBytes, recycleTasks } = this.#options;
    if (process.hasEnded) return;
    const resident = process.residentBytes();
    if (process.done < recycleTasks && resident < recycleBytes && !process.isDemoted) this.#free(process);
    else {
      this.#tell({ kind: 'recycled', reason: `${process.done} tasks, ${resident} bytes` });
      process.kill('It has done its share.');
    }
  }

  #free(process: RenderProcess): void {
    if (process.hasEnded) return;
    const waiter = this.#waiting.shift();
    if (waiter) waiter.take(process);
    else this.#idle.push(process);
  }
}
