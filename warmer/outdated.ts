import type { Logger } from 'pino';
import { PIPELINE } from '../server/core/version.ts';
import { isOutdated } from '../server/reading/epoch.ts';
import type { Stores } from '../server/stores/stores.ts';
import type { Metrics } from '../server/telemetry/metrics.ts';

/** Removes stored results of former pipelines, some thousands a round. */
export class OutdatedResults {
  readonly #stores: Pick<Stores, 'removeOutdated'>;
  readonly #log: Logger;
  readonly #metrics: Metrics;

  constructor(stores: Pick<Stores, 'removeOutdated'>, log: Logger, metrics: Metrics) {
    this.#stores = stores;
    this.#log = log;
    this.#metrics = metrics;
  }

  async run(isStopping: () => boolean): Promise<void> {
    const { removed, isDone } = await this.#stores.removeOutdated({
      epoch: PIPELINE,
      isOutdated,
      isStopping,
    });
    if (removed === 0) return;
    this.#metrics.add('outdatedResults', {}, removed);
    this.#log.info({ removed, isDone, pipeline: PIPELINE }, 'results of former pipelines were removed');
  }
}
