import type { Watcher } from '../server/feeds/watcher.ts';
import { keepHeld } from '../server/shared/periodic.ts';
import type { Records } from '../server/stores/stores.ts';
import { Scheduler } from './scheduler.ts';

const TASK = 'feeds';

export interface WatchingOptions {
  readonly watcher: Pick<Watcher, 'round'>;
  readonly records: Pick<Records, 'locks'>;
  /** Of the lease; one per process. */
  readonly owner: string;
  /** Between two looks at which feeds are due. */
  readonly seconds: number;
  readonly onFailure: (error: unknown) => void;
}

/** Looks at the feeds now and then, where no other process does. A round may take hours, so it is none of the sweeps'. */
export class Watching {
  readonly #options: WatchingOptions;
  readonly #stopping = new AbortController();
  readonly #rounds: Scheduler;

  constructor(options: WatchingOptions) {
    this.#options = options;
    this.#rounds = new Scheduler({ ...options, tasks: { [TASK]: () => this.#round() } });
  }

  start(): void {
    this.#rounds.start();
  }

  /** What is under way ends between two pictures; the next watcher goes on with it. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('The watcher stops.'));
    await this.#rounds.stop();
  }

  /** One round, where nobody else is at it. Never rejects. */
  run(): Promise<void> {
    return this.#rounds.run();
  }

  /** With the lease renewed; whoever loses it ends, since another one has begun. */
  async #round(): Promise<void> {
    const { records, owner, seconds, watcher, onFailure } = this.#options;
    const losing = new AbortController();
    const renew = async () => {
      if (!(await records.locks.lease(TASK, owner, this.#rounds.leaseSeconds)))
        losing.abort(new Error('Another watcher has the lease.'));
    };
    const end = keepHeld(seconds, () => renew().catch(onFailure));
    try {
      await watcher.round(AbortSignal.any([this.#stopping.signal, losing.signal]));
    } finally {
      end();
    }
  }
}
