import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { type Core, composeCore } from '../server/compose/core.ts';
import type { ExternalServices } from '../server/compose/external-services.ts';
import { readFetches } from '../server/compose/fetch-metrics.ts';
import { composeManagement, lifetimeOf } from '../server/compose/management.ts';
import type { Rendering } from '../server/compose/rendering.ts';
import { readProgram } from '../server/compose/server-metrics.ts';
import { traceCore } from '../server/compose/traced.ts';
import type { Config } from '../server/config/settings.ts';
import type { Stores } from '../server/stores/stores.ts';
import { countedStores } from '../server/telemetry/counted-stores.ts';
import { Metrics } from '../server/telemetry/metrics.ts';
import { ECHO, type Tracing } from '../server/telemetry/tracing.ts';
import { readJob } from '../server/warming/jobs.ts';
import type { Management } from '../server/writing/management.ts';
import { handler, type Makers, tracedJobs } from './dispatch.ts';
import { readInvalidations } from './invalidation-metrics.ts';
import { countJobs, countVariants } from './job-metrics.ts';
import { OutdatedResults } from './outdated.ts';
import { Placeholders } from './placeholder.ts';
import { composeRounds, type Parts } from './rounds.ts';
import type { Scheduler } from './scheduler.ts';
import { StatusRollup } from './status-rollup.ts';
import { StoredResults } from './stored-results.ts';
import { Turns } from './turns.ts';
import { tellOfStrange, tellOfUnservable } from './unservable.ts';
import { countUpgrades, Upgrade } from './upgrade.ts';
import { Warm } from './warm.ts';
import { Watching } from './watching.ts';
import { Worker, type WorkerOptions } from './worker.ts';

export interface Warmer {
  readonly worker: Worker;
  readonly rounds: Scheduler;
  /** Of feeds; absent where no WATCH names any. */
  readonly watching: Watching | undefined;
  readonly metrics: Metrics;
}

/** Nobody waits for a warm render: it may take this many times the deadline of a request. */
const PATIENCE = 10;

/** Upgrades that wait for a slot which nobody else wants; those of one image share its decode. */
const UPGRADES_PER_SLOT = 2;

const monotonic = (): number => performance.now();

/** The settings of a server, as a warmer means them. */
function warmConfig(config: Config): Config {
  return {
    ...config,
    renderSlots: config.warmSlots,
    // The queue of admission is that of our own jobs: nobody is told to come back later.
    queueMs: Number.POSITIVE_INFINITY,
    deadlineMs: config.deadlineMs * PATIENCE,
    versionSeconds: 0,
    // What it makes is kept: it goes by what the stores say, or not at all.
    outageSeconds: 0,
  };
}

function composeWarm(
  core: Core,
  { records, reconciler, intents, finish, lifetime }: Parts,
  metrics: Metrics,
): Warm {
  const { originals, inputs, results, renderer, rendering, admissions } = core;
  return new Warm({
    originals,
    inputs,
    results,
    records,
    renderer,
    finish,
    intents,
    reconciler,
    lifetime,
    onReady: (seconds) => metrics.observe('variantReadySeconds', seconds),
    admission: admissions.render,
    pool: rendering.pool,
    now: monotonic,
  });
}

function composeMakers(config: Config, core: Core, parts: Parts, metrics: Metrics): Makers {
  const { pool } = core.rendering;
  const admission = core.admissions.render;
  const turns = new Turns({ atOnce: UPGRADES_PER_SLOT * config.renderSlots, now: monotonic });
  return {
    warm: composeWarm(core, parts, metrics),
    upgrade: new Upgrade({ ...parts, ...core, admission, pool, turns }),
    onUpgraded: (report) => countUpgrades(metrics, report),
  };
}

/** Undefined where WATCH names no feeds: what reads them is half of the modules of a warmer, and is not loaded then. */
async function composeWatching(
  config: Config,
  stores: Stores,
  parts: Pick<Core, 'renderer'> & { management: Management; log: Logger; metrics: Metrics },
): Promise<Watching | undefined> {
  const { watch } = config;
  if (watch === undefined) return undefined;
  const { composeWatcher } = await import('../server/compose/feeds.ts');
  const watcher = composeWatcher(config, stores, { ...parts, watch });
  const onFailure = (err: unknown) => parts.log.warn({ err }, 'round of feeds failed');
  const { sweepSeconds: seconds } = config;
  return new Watching({ watcher, records: stores.records, owner: randomUUID(), seconds, onFailure });
}

/** A warmer over the stores of a process. */
export async function composeWarmer(
  input: Config,
  uncounted: Stores,
  process: {
    log: Logger;
    external: ExternalServices;
    rendering: Rendering;
    version: string;
    /** Absent: none. */
    tracing?: Tracing;
  },
): Promise<Warmer> {
  const { log, external, rendering, version, tracing = ECHO } = process;
  const config = warmConfig(input);
  const metrics = new Metrics('warmer');
  const stores = countedStores(uncounted, metrics);
  const core = composeCore(config, stores, rendering, log);
  traceCore(core, tracing);
  const management = composeManagement(config, stores, core, { external, log });
  const { notifier, intents, fetches, reconciler, rewarm } = management;
  const { originals, records, jobs, collectGarbage } = stores;
  const finish = new StatusRollup({
    records,
    placeholders: new Placeholders({ ...core, scratch: rendering.scratch }),
    intents,
    channelsOf: (record) => notifier.channelsOf(record),
  });
  readProgram(metrics, core, { config, stores, version });
  readInvalidations(management.invalidations, metrics);
  readFetches(metrics, management);
  const expiry = { records, results: core.results, inputs: core.inputs };
  const outdated = new OutdatedResults(stores, log, metrics);
  const storedResults = new StoredResults(stores, { maxBytes: config.resultsBytes, log, metrics, expiry });
  const lifetime = lifetimeOf(config);
  const parts = {
    originals,
    collectGarbage,
    outdated,
    storedResults,
    records,
    jobs,
    reconciler,
    intents,
    fetches,
    finish,
    lifetime,
    rewarm,
  };
  const handle = handler(composeMakers(config, core, parts, metrics), management, {
    onReport: (report) => countVariants(metrics, report),
    onUnservable: tellOfUnservable(log, metrics),
    onStrange: tellOfStrange(log, metrics),
    buckets: { results: stores.results.bucket, originals: originals.bucket, sources: config.sources },
    expiry,
  });
  const isAside: WorkerOptions['isAside'] = ({ body }) =>
    ['notify', 'invalidate', 'fetch', 'upgrade'].includes(readJob(body).kind);
  const { renderSlots: slots, visibilitySeconds } = config;
  return {
    worker: new Worker({
      jobs,
      slots,
      visibilitySeconds,
      handle: tracedJobs(handle, tracing),
      isAside,
      log,
      onEnd: countJobs(metrics),
      now: monotonic,
    }),
    rounds: composeRounds(config, parts, log),
    watching: await composeWatching(config, stores, { ...core, management, log, metrics }),
    metrics,
  };
}
