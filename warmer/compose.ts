import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { Core } from '../server/compose/core.ts';
import { composeCore } from '../server/compose/core.ts';
import type { ExternalServices } from '../server/compose/external-services.ts';
import { composeWatcher } from '../server/compose/feeds.ts';
import { readFetches } from '../server/compose/fetch-metrics.ts';
import { composeManagement, lifetimeOf } from '../server/compose/management.ts';
import type { Rendering } from '../server/compose/rendering.ts';
import { readProgram } from '../server/compose/server-metrics.ts';
import { traceCore } from '../server/compose/traced.ts';
import type { Config } from '../server/config/settings.ts';
import type { Jobs } from '../server/stores/jobs.ts';
import type { Objects } from '../server/stores/objects.ts';
import type { Records, Stores } from '../server/stores/stores.ts';
import { countedStores } from '../server/telemetry/counted-stores.ts';
import { Metrics } from '../server/telemetry/metrics.ts';
import { ECHO, type Tracing } from '../server/telemetry/tracing.ts';
import { readJob } from '../server/warming/jobs.ts';
import type { Lifetime } from '../server/warming/lifetime.ts';
import type { Buckets } from '../server/warming/s3-events.ts';
import type { Fetches } from '../server/writing/fetches.ts';
import type { Intents } from '../server/writing/intents.ts';
import type { Management } from '../server/writing/management.ts';
import { type Reconciler, UPLOAD_SECONDS } from '../server/writing/reconciler.ts';
import type { Rewarm } from '../server/writing/rewarm.ts';
import { removeStaged } from '../server/writing/staging.ts';
import { failDeadLetters } from './dead-letters.ts';
import { type ExpiryOptions, followExpiry } from './expiry.ts';
import { readInvalidations } from './invalidation-metrics.ts';
import { countJobs, countVariants } from './job-metrics.ts';
import { OutdatedResults } from './outdated.ts';
import { rewarmRound } from './rewarm-round.ts';
import { Scheduler } from './scheduler.ts';
import { StatusRollup } from './status-rollup.ts';
import { StoredResults } from './stored-results.ts';
import { Sweep } from './sweep.ts';
import { tellOfStrange, tellOfUnservable } from './unservable.ts';
import { countUpgrades, Upgrade, type UpgradeReport } from './upgrade.ts';
import { Warm, type WarmReport } from './warm.ts';
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
  const atOnce = UPGRADES_PER_SLOT * config.renderSlots;
  return {
    warm: composeWarm(core, parts, metrics),
    upgrade: new Upgrade({ ...parts, ...core, admission, pool, atOnce }),
    onUpgraded: (report) => countUpgrades(metrics, report),
  };
}

/** Who hears of what comes up on the way. */
interface Ears {
  readonly buckets: Buckets;
  readonly onUnservable: (key: string) => void;
  readonly onStrange: (bucket: string) => void;
  readonly onReport: (report: WarmReport) => void;
  readonly expiry: ExpiryOptions;
}

/** What makes results. */
interface Makers {
  readonly warm: Warm;
  readonly upgrade: Upgrade;
  readonly onUpgraded: (report: UpgradeReport) => void;
}

/** What a message asks for; what it resolves to goes to the log. */
function handler(
  { warm, upgrade, onUpgraded }: Makers,
  {
    reconciler,
    notifier,
    invalidations,
    fetches,
  }: Pick<Management, 'reconciler' | 'notifier' | 'invalidations' | 'fetches'>,
  { buckets, onUnservable, onStrange, onReport, expiry }: Ears,
): WorkerOptions['handle'] {
  return async ({ body }, signal) => {
    const job = readJob(body, buckets);
    // Left alone, it becomes a dead letter that somebody can look at.
    if (job.kind === 'unknown') throw new Error(`Unknown message: ${job.reason}.`);
    if (job.kind === 'warm') {
      const report = await warm.run(job, signal);
      onReport(report);
      return { kind: 'warm', id: job.id, ...report };
    }
    if (job.kind === 'upgrade') {
      const report = await upgrade.run(job, signal);
      onUpgraded(report);
      return { kind: 'upgrade', id: job.id, ...report };
    }
    if (job.kind === 'notify') return { ...job, ...(await notifier.deliver(job)) };
    if (job.kind === 'invalidate') return { ...job, ...(await invalidations.deliver(job)) };
    if (job.kind === 'fetch') return { ...job, ...(await fetches.deliver(job, signal)) };
    for (const bucket of job.strange ?? []) onStrange(bucket);
    for (const key of job.unservable ?? []) onUnservable(key);
    for (const key of job.staged ?? []) await reconciler.formArrived(key);
    // Whatever the event says, the object as it stands decides.
    for (const { id } of job.events) await reconciler.reconcile(id);
    const expired = await followExpiry(job.expired ?? [], expiry);
    return { kind: 'objects', ids: job.events.map(({ id }) => id), ...(expired > 0 && { expired }) };
  };
}

/** Each message as a trace of its own, if anybody watches. */
function tracedJobs(handle: WorkerOptions['handle'], tracing: Tracing): WorkerOptions['handle'] {
  if (!tracing.isOn) return handle;
  return (message, signal) => {
    const job = readJob(message.body);
    const id = 'id' in job ? job.id : undefined;
    return tracing.job({ ...message, kind: job.kind, id }, () => handle(message, signal));
  };
}

interface Parts {
  readonly originals: Objects;
  readonly collectGarbage: Stores['collectGarbage'];
  readonly outdated: OutdatedResults;
  readonly storedResults: StoredResults;
  readonly records: Records;
  readonly jobs: Jobs;
  readonly reconciler: Reconciler;
  readonly intents: Intents;
  readonly fetches: Fetches;
  readonly finish: StatusRollup;
  readonly lifetime: Lifetime;
  readonly rewarm: Rewarm;
}

function composeRounds(
  { visibilitySeconds, sweepSeconds, rewarmVariants }: Config,
  parts: Parts,
  log: Logger,
): Scheduler {
  const now = () => new Date();
  const onFailure = (err: unknown, id: string) => log.warn({ err, id }, 'sweep failed for an image');
  const isStopping = () => scheduler.isStopping;
  const staleSeconds = sweepSeconds + visibilitySeconds;
  const sweep = new Sweep({ ...parts, staleSeconds, now, onFailure, isStopping });
  const scheduler: Scheduler = new Scheduler({
    records: parts.records,
    owner: randomUUID(),
    seconds: sweepSeconds,
    tasks: {
      // Before the sweep: it would take variants whose message has died for lost, and send them again.
      'dead letters': () =>
        failDeadLetters({
          ...parts,
          quietSeconds: visibilitySeconds,
          now,
          onFailure: (err, id) => log.warn({ err, id }, 'a dead letter was not dealt with'),
        }),
      sweep: async () => {
        const sent = await sweep.run();
        if (sent) log.info({ sent }, 'images sent again');
      },
      'staged uploads': async () => {
        const removed = await removeStaged(parts.originals, new Date(Date.now() - UPLOAD_SECONDS * 1000));
        if (removed) log.info({ removed }, 'staged uploads of servers that were killed');
      },
      leftovers: async () => {
        const removed = await parts.collectGarbage();
        if (removed) log.info({ removed }, 'files of writers that were killed');
      },
      'former images': async () => {
        const indexed = await parts.records.images.indexFormer?.(parts.records.progress);
        if (indexed) log.info({ indexed }, 'images of a former program can be found by prefix');
      },
      'outdated results': () => parts.outdated.run(isStopping),
      'stored results': () => parts.storedResults.run(isStopping),
      rewarm: () => rewarmRound(parts, { variants: rewarmVariants, isStopping, log }),
    },
    onFailure: (err, task) => log.warn({ err, task }, 'round failed'),
  });
  return scheduler;
}

function composeWatching(
  config: Config,
  stores: Stores,
  core: Core,
  parts: { management: Management; log: Logger; metrics: Metrics },
): Watching | undefined {
  const watcher = composeWatcher(config, stores, core, parts);
  if (!watcher) return undefined;
  const onFailure = (err: unknown) => parts.log.warn({ err }, 'round of feeds failed');
  const { sweepSeconds: seconds } = config;
  return new Watching({ watcher, records: stores.records, owner: randomUUID(), seconds, onFailure });
}

/** A warmer over the stores of a process. */
export function composeWarmer(
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
): Warmer {
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
    results: core.results,
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
    watching: composeWatching(config, stores, core, { management, log, metrics }),
    metrics,
  };
}
