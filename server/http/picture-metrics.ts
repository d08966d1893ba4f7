import type { Counter, Histogram } from 'prom-client';
import type { Timings } from '../reading/images.ts';
import type { Metrics } from '../telemetry/metrics.ts';

interface Series {
  readonly requests: Counter.Internal;
  readonly seconds: Histogram.Internal<string>;
  readonly bytes: Counter.Internal;
}

/** What is counted of every picture that is sent. */
export class PictureMetrics {
  readonly #metrics: Metrics;
  readonly #series = new Map<string, Series>();

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  request(tier: string, status: number, ms: number, bytes: number): void {
    const series = this.#series.get(`${tier} ${status}`) ?? this.#bind(tier, status);
    series.requests.inc();
    series.seconds.observe(ms / 1000);
    series.bytes.inc(bytes);
  }

  stages(timings: Timings): void {
    for (const [stage, ms] of Object.entries(timings))
      this.#metrics.observe('stageSeconds', ms / 1000, { stage });
  }

  /** Looking labels up costs more than counting; tiers and statuses are few. */
  #bind(tier: string, status: number): Series {
    const metrics = this.#metrics;
    const series = {
      requests: metrics.counter('requests').labels(tier, String(status)),
      seconds: metrics.histogram('requestSeconds').labels(tier),
      bytes: metrics.counter('sentBytes').labels(tier),
    };
    this.#series.set(`${tier} ${status}`, series);
    return series;
  }
}
