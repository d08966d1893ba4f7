import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Timings } from '../reading/images.ts';

/** Reads a gauge when Prometheus asks. */
export type Reading = () => number;

const SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

interface Series {
  readonly requests: Counter.Internal;
  readonly seconds: Histogram.Internal<'tier'>;
  readonly bytes: Counter.Internal;
}

/** What Prometheus sees; DESIGN 2's words are the names. */
export class Metrics {
  readonly registry = new Registry();
  readonly #requests: Counter<'tier' | 'status'>;
  readonly #seconds: Histogram<'tier'>;
  readonly #stages: Histogram<'stage'>;
  readonly #bytes: Counter<'tier'>;
  readonly #series = new Map<string, Series>();

  constructor() {
    const registers = [this.registry];
    collectDefaultMetrics({ register: this.registry });
    this.#requests = new Counter({
      name: 'rendition_requests_total',
      help: 'Image requests by tier (memory, stored, coalesced, miss, stale, none) and status.',
      labelNames: ['tier', 'status'],
      registers,
    });
    this.#seconds = new Histogram({
      name: 'rendition_request_seconds',
      help: 'Time to answer an image request, by tier.',
      labelNames: ['tier'],
      buckets: SECONDS,
      registers,
    });
    this.#stages = new Histogram({
      name: 'rendition_stage_seconds',
      help: 'Time of the stages of a render.',
      labelNames: ['stage'],
      buckets: SECONDS,
      registers,
    });
    this.#bytes = new Counter({
      name: 'rendition_sent_bytes_total',
      help: 'Bytes of images sent, by tier.',
      labelNames: ['tier'],
      registers,
    });
  }

  gauge(name: string, help: string, read: Reading): void {
    new Gauge({
      name: `rendition_${name}`,
      help,
      registers: [this.registry],
      collect() {
        this.set(read());
      },
    });
  }

  /** Reads a gauge for each value of a label. */
  labelled(
    name: string,
    help: string,
    label: string,
    read: () => Promise<Readonly<Record<string, number>>>,
  ): void {
    new Gauge({
      name: `rendition_${name}`,
      help,
      labelNames: [label],
      registers: [this.registry],
      async collect() {
        for (const [value, amount] of Object.entries(await read())) this.set({ [label]: value }, amount);
      },
    });
  }

  /** Reads a counter that somebody else counts. */
  counter(name: string, help: string, read: Reading): void {
    new Counter({
      name: `rendition_${name}_total`,
      help,
      registers: [this.registry],
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  }

  request(tier: string, status: number, ms: number, bytes: number): void {
    const series = this.#series.get(`${tier} ${status}`) ?? this.#bind(tier, status);
    series.requests.inc();
    series.seconds.observe(ms / 1000);
    series.bytes.inc(bytes);
  }

  /** Looking labels up costs more than counting; tiers and statuses are few. */
  #bind(tier: string, status: number): Series {
    const series = {
      requests: this.#requests.labels(tier, String(status)),
      seconds: this.#seconds.labels(tier),
      bytes: this.#bytes.labels(tier),
    };
    this.#series.set(`${tier} ${status}`, series);
    return series;
  }

  stages(timings: Timings): void {
    for (const [stage, ms] of Object.entries(timings)) this.#stages.labels(stage).observe(ms / 1000);
  }
}
