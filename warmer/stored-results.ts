import type { Logger } from 'pino';
import type { Stores } from '../server/stores/stores.ts';
import type { Metrics } from '../server/telemetry/metrics.ts';
import { type ExpiryOptions, removeExpired } from './expiry.ts';

/** Keeps what results take of the disk below what they may, by removing those that were used least recently. */
export class StoredResults {
  readonly #stores: Pick<Stores, 'evictResults'>;
  readonly #maxBytes: number;
  readonly #log: Logger;
  readonly #metrics: Metrics;
  readonly #expiry: ExpiryOptions;

  /** @param maxBytes  0: as many as there are */
  constructor(
    stores: Pick<Stores, 'evictResults'>,
    {
      maxBytes,
      log,
      metrics,
      expiry,
    }: { maxBytes: number; log: Logger; metrics: Metrics; expiry: ExpiryOptions },
  ) {
    this.#expiry = expiry;
    this.#stores = stores;
    this.#maxBytes = maxBytes || Number.POSITIVE_INFINITY;
    this.#log = log;
    this.#metrics = metrics;
  }

  async run(isStopping: () => boolean): Promise<void> {
    const evicted = await this.#stores.evictResults?.({
      maxBytes: this.#maxBytes,
      isStopping,
      removing: (keys, remove) => removeExpired(keys, remove, this.#expiry),
    });
    if (!evicted || isStopping()) return;
    this.#metrics.set('resultsStoredBytes', evicted.bytes);
    this.#metrics.add('resultsEvicted', {}, evicted.removed);
    if (evicted.removed) this.#log.info({ ...evicted }, 'results that were used least recently were removed');
  }
}
