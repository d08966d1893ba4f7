import type { Records } from '../server/stores/contracts.ts';

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
  #round: Promise<void> = Promise.resolve();

  constructor(options: SchedulerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.#round = this.#round.then(() => this.run());
    }, this.#options.seconds * 1000);
  }

  /** Resolves when the round under way has ended. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#round;
    const { records, owner } = this.#options;
    for (const task of Object.keys(this.#options.tasks))
      await records.locks.release(task, owner).catch(() => {});
  }

  /** One round, each task where we hold its lease. Never rejects. */
  async run(): Promise<void> {
    const { records, owner, seconds, tasks, onFailure } = this.#options;
    for (const [task, work] of Object.entries(tasks)) {
      try {
        if (await records.locks.lease(task, owner, seconds * GRACE)) await work();
      } catch (error) {
        onFailure(error, task);
      }
    }
  }
}
