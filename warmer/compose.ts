import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { Registry } from 'prom-client';
import type { Core } from '../server/compose/core.ts';
import { composeCore } from '../server/compose/core.ts';
import type { ExternalServices } from '../server/compose/external-services.ts';
import { composeManagement } from '../server/compose/management.ts';
import type { Rendering } from '../server/compose/rendering.ts';
import type { Config } from '../server/config/settings.ts';
import type { Jobs, Objects, Records, Stores } from '../server/stores/contracts.ts';
import { readJob } from '../server/warming/jobs.ts';
import type { WarmQueue } from '../server/warming/queue.ts';
import type { Management } from '../server/writing/management.ts';
import { type Reconciler, UPLOAD_SECONDS } from '../server/writing/reconciler.ts';
import { removeStaged } from '../server/writing/staging.ts';
import { failDeadLetters } from './dead-letters.ts';
import { Scheduler } from './scheduler.ts';
import { StatusRollup } from './status-rollup.ts';
import { Sweep } from './sweep.ts';
import { tellOfUnservable } from './unservable.ts';
import { Warm } from './warm.ts';
import { Worker, type WorkerOptions } from './worker.ts';

export interface Warmer {
  readonly worker: Worker;
  readonly rounds: Scheduler;
  /** As Prometheus reads them. */
  metrics(): Promise<string>;
  /** After the worker has stopped: what is to be told is queued, children end. */
  close(): Promise<void>;
}

/** Nobody waits for a warm render: it may take this many times the deadline of a request. */
const PATIENCE = 10;

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
  };
}

function composeWarm(core: Core, { records, reconciler, warmQueue, finish }: Parts): Warm {
  const { originals, inputs, results, renderer, rendering, admissions } = core;
  return new Warm({
    ...{ originals, inputs, results, records, renderer, finish, warmQueue, reconciler },
    admission: admissions.render,
    pool: rendering.pool,
    now: monotonic,
  });
}

/** What a message asks for; what it resolves to goes to the log. */
function handler(
  warm: Warm,
  { reconciler, notifier }: Pick<Management, 'reconciler' | 'notifier'>,
  onUnservable: (key: string) => void,
): WorkerOptions['handle'] {
  return async ({ body, receives }, signal) => {
    const job = readJob(body);
    // Failing makes it a dead letter, where an operator sees it; removing it would lose a message of a newer version.
    if (job.kind === 'unknown') throw new Error(`Unknown message: ${job.reason}.`);
    if (job.kind === 'warm') return { kind: 'warm', id: job.id, ...(await warm.run(job, receives, signal)) };
    if (job.kind === 'notify') return { ...job, ...(await notifier.deliver(job, receives)) };
    for (const key of job.unservable ?? []) onUnservable(key);
    for (const { id, change, etag } of job.events) {
      await (change === 'created' ? reconciler.created(id, etag) : reconciler.removed(id));
    }
    return { kind: 'objects', ids: job.events.map(({ id }) => id) };
  };
}

interface Parts {
  readonly originals: Objects;
  readonly collectGarbage: Stores['collectGarbage'];
  readonly records: Records;
  readonly jobs: Jobs;
  readonly reconciler: Reconciler;
  readonly warmQueue: WarmQueue;
  readonly finish: StatusRollup;
}

function composeRounds({ visibilitySeconds, sweepSeconds }: Config, parts: Parts, log: Logger): Scheduler {
  const now = () => new Date();
  const onFailure = (err: unknown, id: string) => log.warn({ err, id }, 'sweep failed for an image');
  const sweep = new Sweep({ ...parts, staleSeconds: sweepSeconds + visibilitySeconds, now, onFailure });
  return new Scheduler({
    records: parts.records,
    owner: randomUUID(),
    seconds: sweepSeconds,
    tasks: {
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
      'dead letters': () =>
        failDeadLetters({
          ...{ ...parts, quietSeconds: visibilitySeconds, now },
          onFailure: (err, id) => log.warn({ err, id }, 'a dead letter was not dealt with'),
        }),
    },
    onFailure: (err, task) => log.warn({ err, task }, 'round failed'),
  });
}

/** A warmer over the stores of a process. */
export function composeWarmer(
  given: Config,
  stores: Stores,
  { log, external, rendering }: { log: Logger; external: ExternalServices; rendering: Rendering },
): Warmer {
  const config = warmConfig(given);
  const core = composeCore(config, stores, rendering);
  const { notifier, warmQueue, reconciler } = composeManagement(config, stores, core, { external, log });
  const { originals, records, jobs, collectGarbage } = stores;
  const finish = new StatusRollup({
    records,
    results: core.results,
    notify: (record) => notifier.finished(record),
  });
  const parts = { originals, collectGarbage, records, jobs, reconciler, warmQueue, finish };
  const registry = new Registry();
  const onUnservable = tellOfUnservable(log, registry);
  const handle = handler(composeWarm(core, parts), { reconciler, notifier }, onUnservable);
  const isAside: WorkerOptions['isAside'] = ({ body }) => readJob(body).kind === 'notify';
  const { renderSlots: slots, visibilitySeconds } = config;
  return {
    worker: new Worker({ jobs, slots, visibilitySeconds, handle, isAside, log, now: monotonic }),
    rounds: composeRounds(config, parts, log),
    metrics: () => registry.metrics(),
    close: () => notifier.settle(),
  };
}
