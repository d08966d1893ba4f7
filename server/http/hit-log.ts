import type { Logger } from 'pino';
import type { Config } from '../config/settings.ts';
import type { Result } from '../reading/result.ts';
import type { RequestTrace } from '../telemetry/tracing.ts';
import type { PictureMetrics } from './picture-metrics.ts';

/** An answer of the hit path. */
export interface Hit {
  readonly requestId: string;
  readonly traced?: RequestTrace | undefined;
  readonly tier: 'memory' | 'stored' | 'stale';
  readonly status: 200 | 304;
  readonly result: Result;
  readonly ms: number;
}

export interface HitLogOptions {
  readonly log: Logger;
  readonly metrics: Pick<PictureMetrics, 'request'>;
  readonly mode: Config['logHits'];
}

/** Hits of one tier and status since the last line about them. */
interface Tally {
  readonly tier: Hit['tier'];
  readonly status: Hit['status'];
  hits: number;
  bytes: number;
  maxMs: number;
  /** The first of them, of which the line says everything. */
  readonly sample: object;
}

const INTERVAL_MS = 1000;
/** A hit takes a tenth of a millisecond: one that takes this long is worth a line of its own. */
const SLOW_MS = 50;

/**
 * Counts hits and logs them. A line for each costs a third of the speed of a memory hit, so by default there is one a
 * second for each tier and status, which tells of one of them what a line of its own would.
 */
export class HitLog {
  readonly #options: HitLogOptions;
  /** By tier and status. */
  readonly #tallies = new Map<Hit['tier'], Map<Hit['status'], Tally>>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: HitLogOptions) {
    this.#options = options;
  }

  add(hit: Hit): void {
    const { metrics, log, mode } = this.#options;
    const bytes = hit.status === 200 ? hit.result.bytes.length : 0;
    metrics.request(hit.tier, hit.status, hit.ms, bytes);
    hit.traced?.end(hit.status, hit.ms, { 'http.route': '/img/*', 'rendition.tier': hit.tier });
    if (mode === 'none') return;
    if (mode === 'all' || hit.ms >= SLOW_MS) log.info(factsOf(hit), 'request');
    if (mode === 'sample') this.#tally(hit, bytes);
  }

  /** Writes what has been counted. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const statuses of this.#tallies.values())
      for (const tally of statuses.values()) this.#options.log.info(tally, 'hits');
    this.#tallies.clear();
  }

  #tally(hit: Hit, bytes: number): void {
    const { tier, status, ms } = hit;
    const statuses = this.#tallies.get(tier);
    const tally = statuses?.get(status);
    if (tally) {
      tally.hits += 1;
      tally.bytes += bytes;
      if (ms > tally.maxMs) tally.maxMs = ms;
      return;
    }
    const first = { tier, status, hits: 1, bytes, maxMs: ms, sample: factsOf(hit) };
    this.#tallies.set(tier, (statuses ?? new Map()).set(status, first));
    this.#timer ??= setTimeout(() => this.flush(), INTERVAL_MS).unref();
  }
}

/** As the line of any other request. */
function factsOf({ requestId, traced, status, tier, ms, result }: Hit): object {
  const { id, canonical, bytes } = result;
  const rounded = Math.round(ms * 10) / 10;
  const sent = status === 200 ? bytes.length : 0;
  return { requestId, ...traced?.ids, method: 'GET', status, ms: rounded, tier, id, canonical, bytes: sent };
}
