import type { Logger } from 'pino';
import { Counter, type Registry } from 'prom-client';
import { PIPELINE } from '../server/core/version.ts';
import { isOutdated } from '../server/reading/epoch.ts';
import type { Stores } from '../server/stores/contracts.ts';

/** Removes stored results of former pipelines, some thousands a round. */
export class OutdatedResults {
  readonly #stores: Pick<Stores, 'removeOutdated'>;
  readonly #log: Logger;
  readonly #count: Counter;

  constructor(stores: Pick<Stores, 'removeOutdated'>, log: Logger, registry: Registry) {
    this.#stores = stores;
    this.#log = log;
    this.#count = new Counter({
      name: 'rendition_outdated_results_total',
      help: 'Stored results of former pipelines that were removed.',
      registers: [registry],
    });
  }

  async run(isStopping: () => boolean): Promise<void> {
    const { removed, isDone } = await this.#stores.removeOutdated({
      epoch: PIPELINE,
      isOutdated,
      isStopping,
    });
    if (removed === 0) return;
    this.#count.inc(removed);
    this.#log.info({ removed, isDone, pipeline: PIPELINE }, 'results of former pipelines were removed');
  }
}
