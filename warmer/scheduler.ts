import type { Records } from '../server/stores/stores.ts';

export interface SchedulerOptions {
  readonly records: Pick<Records, 'locks'>;
  /** Of the lease; one per process. */
  readonly owner: string;
  /** Between two rounds. */
  readonly seconds: number;
  readonly tasks: Readonly<Record<string, () => Promise<void>>>;
  readonly onFailure: (error: unknown, task: string) => void;
}

/** Somebody whose clock or machine stands still for a moment keeps the lease. */
const GRACE = 2;

/** Does what one of all warmers has to do now and then; the others stand by for when it dies. */
export class Scheduler {
  readonly #options: SchedulerOptions;
  #timer: NodeJS.Timeout | undefined;
  #isStopping = false;
  #round: Promise<void> = Promise.resolve();

  constructor(options: SchedulerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setTimeout(() => {
      this.#round = this.run().finally(() => {
        // From its end: rounds that take longer than the time between them do not pile up.
        if (!this.#isStopping) this.start();
      });
    }, this.#options.seconds * 1000);
  }

  /** Of a task; one that takes longer than that renews it. */
  get leaseSeconds(): number {
    return this.#options.seconds * GRACE;
  }

  /** Asked by tasks that may be long. */
  get isStopping(): boolean {
    return this.#isStopping;
  }

  /** No further rounds, and no further task of the one under way; resolves when it has ended. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#timer);
    await this.#round;
    const { records, owner } = this.#options;
    for (const task of Object.keys(this.#options.tasks))
      await records.locks.release(task, owner).catch(() => {});
  }

  /** One round, each task where we hold its lease. Never rejects. */
  async run(): Promise<void> {
    const { records, owner, tasks, onFailure } = this.#options;
    for (const [task, work] of Object.entries(tasks)) {
      if (this.#isStopping) return;
      try {
        if (await records.locks.lease(task, owner, this.leaseSeconds)) await work();
      } catch (error) {
        onFailure(error, task);
      }
    }
  }
}
