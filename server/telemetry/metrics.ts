import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry, register } from 'prom-client';
import {
  METRIC_KEYS,
  METRICS,
  type MetricKey,
  type MetricRow,
  nameOf,
  type Program,
} from './metrics-table.ts';
import { Observations } from './observations.ts';

export type Labels = Readonly<Record<string, string>>;
/** Values that somebody else counts, with what tells them from each other. */
export type Readings = readonly (readonly [labels: Labels, value: number])[];

/** Of prom-client, but gauges: `_total` is the ending of a counter (promtool check metrics). */
const MISNAMED = [
  'nodejs_active_resources_total',
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
];

/** The lag of the event loop is looked at so often. Its 10 ms by default woke an idle program for 0.4 % of a core. */
const LAG_EVERY_MS = 100;
/** Of the times from one look to the next. */
const LAGS = ['min', 'max', 'mean', 'p50', 'p90', 'p99', 'stddev'] as const;
/** What a minimum of no looks is more than. */
const LONGEST_LAG_SECONDS = 1e6;

/**
 * Lag is what comes on top of the time between two looks: without that an idle program would be a tenth of a second late.
 * Where nobody has looked since the last page, what that said stays.
 */
function countFromZero(lag: (typeof LAGS)[number]): void {
  const gauge = register.getSingleMetric(`nodejs_eventloop_lag_${lag}_seconds`);
  if (!(gauge instanceof Gauge)) return;
  const set = gauge.set.bind(gauge);
  const pauseSeconds = lag === 'stddev' ? 0 : LAG_EVERY_MS / 1000;
  gauge.set = (_labels: unknown, seconds: number = 0) => {
    if (seconds > 0 && seconds < LONGEST_LAG_SECONDS) set(Math.max(0, seconds - pauseSeconds));
  };
}

/**
 * Those of Node are of the process, and once: an observer of its collections of garbage stays for ever, and would keep all
 * of a program with it (11 MB for each server that a test starts).
 */
function collectOnce(): void {
  if (register.getSingleMetric('nodejs_version_info')) return;
  collectDefaultMetrics({ register, eventLoopMonitoringPrecision: LAG_EVERY_MS });
  for (const name of MISNAMED) register.removeSingleMetric(name);
  for (const lag of LAGS) countFromZero(lag);
}

type Metric = Counter | Gauge | Histogram;
type Read = () => Readings | Promise<Readings>;

/** What Prometheus sees of a program: the rows of the table that are its own, and those of Node. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #metrics = new Map<MetricKey, Metric>();
  readonly #reads = new Map<MetricKey, Read>();
  readonly #observations = new Map<MetricKey, readonly Observations[]>();

  constructor(program: Program) {
    collectOnce();
    for (const key of METRIC_KEYS) {
      const row: MetricRow = METRICS[key];
      if (row.programs.includes(program)) this.#metrics.set(key, this.#made(key, row));
    }
  }

  /** All of them, in the text format of Prometheus. */
  text(): Promise<string> {
    return Registry.merge([register, this.#registry]).metrics();
  }

  /** `text` as an answer to Prometheus. */
  async page(): Promise<{ type: string; body: string }> {
    return { type: this.#registry.contentType, body: await this.text() };
  }

  /** Counts one more, or so many. */
  add(key: MetricKey, labels: Labels = {}, amount = 1): void {
    const metric = this.#of(key);
    if (!(metric instanceof Counter)) throw new Error(`${nameOf(key)} is no counter.`);
    metric.inc({ ...labels }, amount);
  }

  set(key: MetricKey, value: number, labels: Labels = {}): void {
    const metric = this.#of(key);
    if (metric instanceof Gauge) metric.set({ ...labels }, value);
  }

  observe(key: MetricKey, seconds: number, labels: Labels = {}): void {
    this.#histogram(key).observe({ ...labels }, seconds);
  }

  /** A value that is asked for when Prometheus asks; undefined: there is none now. */
  read(key: MetricKey, value: () => number | undefined): void {
    this.readAll(key, () => {
      const now = value();
      return now === undefined ? [] : [[{}, now]];
    });
  }

  /** The same for each value of its labels. */
  readAll(key: MetricKey, read: Read): void {
    this.#of(key);
    this.#reads.set(key, read);
  }

  /** For who observes too often to have each looked up; to be asked for once for the same labels. */
  observations(key: MetricKey, labels: Labels): Observations {
    const made = new Observations(this.#histogram(key).labels({ ...labels }));
    this.#observations.set(key, [...(this.#observations.get(key) ?? []), made]);
    return made;
  }

  #histogram(key: MetricKey): Histogram {
    const metric = this.#of(key);
    if (metric instanceof Histogram) return metric;
    throw new Error(`${nameOf(key)} is no histogram.`);
  }

  #of(key: MetricKey): Metric {
    const metric = this.#metrics.get(key);
    if (!metric) throw new Error(`${nameOf(key)} is not a metric of this program.`);
    return metric;
  }

  #made(key: MetricKey, { kind, help, labels, buckets = [] }: MetricRow): Metric {
    const registers = [this.#registry];
    const options = { name: nameOf(key), help, labelNames: [...labels], registers };
    if (kind === 'histogram') {
      const collect = () => {
        for (const waiting of this.#observations.get(key) ?? []) waiting.handOver();
      };
      return new Histogram({ ...options, buckets: [...buckets], collect });
    }
    const collect = (metric: Counter | Gauge) => this.#collect(key, metric);
    if (kind === 'counter')
      return new Counter({
        ...options,
        collect() {
          return collect(this);
        },
      });
    return new Gauge({
      ...options,
      collect() {
        return collect(this);
      },
    });
  }

  async #collect(key: MetricKey, metric: Counter | Gauge): Promise<void> {
    const read = this.#reads.get(key);
    if (!read) return;
    const readings = await read();
    metric.reset();
    for (const [labels, value] of readings) metric.inc({ ...labels }, value);
    // A gauge without labels would be 0, which is another thing than not to know.
    if (readings.length === 0 && metric instanceof Gauge) metric.remove({});
  }
}
