import type { Logger } from 'pino';
import { Counter, Gauge, type Registry } from 'prom-client';
import type { Stores } from '../server/stores/contracts.ts';

/** Keeps what results take of the disk below what they may, by removing those that were used least recently. */
export class StoredResults {
  readonly #stores: Pick<Stores, 'evictResults'>;
  readonly #maxBytes: number;
  readonly #log: Logger;
  readonly #bytes: Gauge;
  readonly #evicted: Counter;

  /** @param maxBytes  0: as many as there are */
  constructor(
    stores: Pick<Stores, 'evictResults'>,
    { maxBytes, log, registry }: { maxBytes: number; log: Logger; registry: Registry },
  ) {
    this.#stores = stores;
    this.#maxBytes = maxBytes || Number.POSITIVE_INFINITY;
    this.#log = log;
    const registers = [registry];
    this.#bytes = new Gauge({
      name: 'rendition_results_stored_bytes',
      help: 'What results take of the disk, by the last round.',
      registers,
    });
    this.#evicted = new Counter({
      name: 'rendition_results_evicted_total',
      help: 'Results that were removed since all took more than RESULTS_BYTES.',
      registers,
    });
  }

  async run(isStopping: () => boolean): Promise<void> {
    const evicted = await this.#stores.evictResults?.({ maxBytes: this.#maxBytes, isStopping });
    if (!evicted || isStopping()) return;
    this.#bytes.set(evicted.bytes);
    this.#evicted.inc(evicted.removed);
    if (evicted.removed) this.#log.info({ ...evicted }, 'results that were used least recently were removed');
  }
}
