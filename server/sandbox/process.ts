import { type ChildProcess, fork } from 'node:child_process';
import { closeSync, openSync, readSync } from 'node:fs';
import { lowerPriority } from '../shared/priority.ts';
import { errorOf } from './failure.ts';
import { type Launch, RENDER_PROCESS } from './launch.ts';
import type { FromProcess, GroupPart, Task, ToProcess } from './protocol.ts';

/** What goes on while a task is at work. */
export interface TaskEvents {
  readonly part?: ((part: GroupPart) => void) | undefined;
  /** A drawing has been drawn; what comes now is the work of the encoder. */
  readonly onDrawn?: (() => void) | undefined;
  /** Whether variants of a group are still wanted. */
  readonly begins?: ((canonicals: readonly string[]) => Promise<boolean>) | undefined;
}

/** The process ended under a task: by a crash of its own, or killed for what the pool says. */
export class ProcessEnded extends Error {
  override readonly name = 'ProcessEnded';
}

interface Running extends TaskEvents {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Of the scale of nice. */
const LEAST_PRIORITY = 19;
const PAGE_BYTES = 4096;
/** USER_HZ of Linux on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;

/**
 * A file of /proc about a process, undefined where there is none or the process has ended. Read at once, since it comes
 * from memory, and kept open: twice for each task, what a whole file takes (open, its size, its end) was a twentieth of
 * what this program does for a new picture.
 */
class Figures {
  static readonly #bytes = Buffer.alloc(1024);
  readonly #path: string;
  #fd: number | undefined;
  #isClosed = false;

  constructor(path: string) {
    this.#path = path;
  }

  read(): string | undefined {
    if (this.#isClosed) return undefined;
    try {
      this.#fd ??= openSync(this.#path, 'r');
      const length = readSync(this.#fd, Figures.#bytes, 0, Figures.#bytes.length, 0);
      return Figures.#bytes.toString('latin1', 0, length);
    } catch {
      return undefined;
    }
  }

  /** For good: the number of an ended process may be another's by now. */
  close(): void {
    this.#isClosed = true;
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}

/** One render process and the task that it is at. */
export class RenderProcess {
  readonly #child: ChildProcess;
  readonly #stat: Figures;
  readonly #statm: Figures;
  #running: Running | undefined;
  #task = 0;
  #ended: ProcessEnded | undefined;
  /** Tasks that it has done. */
  done = 0;
  #isDemoted = false;
  /** Resolves when it can take a task; rejects when it ends before. */
  readonly ready: Promise<void>;
  /** Resolves when it has ended. */
  readonly ended: Promise<void>;

  constructor(launch: Launch) {
    const [execPath = process.execPath, ...rest] = launch.wrapper;
    this.#child = fork(RENDER_PROCESS, [...(launch.fonts ?? [])], {
      execPath,
      execArgv: launch.wrapper.length
        ? [...rest, process.execPath, ...launch.nodeFlags]
        : [...launch.nodeFlags],
      env: { ...launch.env },
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    const { pid } = this.#child;
    this.#stat = new Figures(`/proc/${pid}/stat`);
    this.#statm = new Figures(`/proc/${pid}/statm`);
    this.ended = new Promise((resolve) => {
      const end = (why: string) => {
        this.#stat.close();
        this.#statm.close();
        this.#ended ??= new ProcessEnded(why);
        this.#running?.reject(this.#ended);
        this.#running = undefined;
        resolve();
      };
      this.#child.once('exit', (code, signal) => end(`The render process ended with ${signal ?? code}.`));
      this.#child.once('error', (error) => end(`The render process could not run: ${error.message}`));
    });
    this.ready = new Promise((resolve, reject) => {
      this.#child.once('message', () => resolve());
      void this.ended.then(() => reject(this.#ended));
    });
    this.ready.then(
      () => this.#child.on('message', (message: FromProcess) => this.#hear(message)),
      () => undefined,
    );
  }

  get hasEnded(): boolean {
    return this.#ended !== undefined;
  }

  /**
   * @param signal  fires when nobody waits any more: the task is told and ends before its next pass
   * @throws Problem of the task; ProcessEnded
   */
  async run(task: Task, events: TaskEvents, signal: AbortSignal | undefined): Promise<unknown> {
    const number = ++this.#task;
    const leave = () => this.#send({ task: number, abandon: true });
    try {
      return await new Promise<unknown>((resolve, reject) => {
        if (this.#ended) return reject(this.#ended);
        this.#running = { ...events, resolve, reject };
        this.#send({ task: number, run: task });
        if (signal?.aborted) leave();
        else signal?.addEventListener('abort', leave, { once: true });
      });
    } finally {
      signal?.removeEventListener('abort', leave);
      this.#running = undefined;
      this.done += 1;
    }
  }

  /** Ends it at once, for good. A task that is under way rejects with this reason. */
  kill(why: string): void {
    this.#ended ??= new ProcessEnded(why);
    this.#child.kill('SIGKILL');
  }

  /** Puts it behind everything else on the machine; for good, so the pool replaces it after its task. */
  demote(): void {
    if (this.#isDemoted || this.#child.pid === undefined) return;
    this.#isDemoted = true;
    lowerPriority(LEAST_PRIORITY, this.#child.pid);
  }

  get isDemoted(): boolean {
    return this.#isDemoted;
  }

  /** An idle process does not keep the program alive. */
  hold(isHeld: boolean): void {
    if (isHeld) this.#child.ref();
    else this.#child.unref();
    if (isHeld) this.#child.channel?.ref();
    else this.#child.channel?.unref();
  }

  /** Memory in RAM; 0 where the system does not say. From statm: smaps would stop the process while it is read. */
  residentBytes(): number {
    const pages = this.#statm.read()?.split(' ')[1];
    return Number(pages ?? 0) * PAGE_BYTES;
  }

  /** Processor time since it started; undefined where the system does not say. */
  cpuMs(): number | undefined {
    // Fields 14 and 15, counted behind the name, which may hold blanks and brackets.
    const fields = this.#stat
      .read()
      ?.replace(/^.*\) /s, '')
      .split(' ');
    return fields && ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SECOND;
  }

  #send(message: ToProcess): void {
    if (this.#child.connected) this.#child.send(message, () => undefined);
  }

  #hear(message: FromProcess): void {
    const running = this.#running;
    if (!running || 'ready' in message || message.task !== this.#task) return;
    if ('answer' in message) running.resolve(message.answer);
    else if ('failure' in message) running.reject(errorOf(message.failure));
    else if ('part' in message) running.part?.(message.part);
    else if ('drawn' in message) running.onDrawn?.();
    else {
      const { task } = message;
      const target = running.begins?.(message.begins) ?? Promise.resolve(true);
      target.then(
        (begin) => this.#send({ task, begin }),
        () => this.#send({ task, begin: false }),
      );
    }
  }
}
