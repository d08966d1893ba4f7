import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { composeManagement, type Outside } from '../server/compose/management.ts';
import { type Core, composeCore } from '../server/compose/server.ts';
import type { Config } from '../server/config/settings.ts';
import type { Jobs, Objects, Records } from '../server/stores/contracts.ts';
import type { Stores } from '../server/stores/open.ts';
import { readJob } from '../server/warming/jobs.ts';
import type { Warming } from '../server/warming/queue.ts';
import type { Notifier } from '../server/writing/notify.ts';
import { type Arrivals, UPLOAD_SECONDS } from '../server/writing/reconciler.ts';
import { removeStaged } from '../server/writing/staging.ts';
import { buryDeadLetters } from './dead-letters.ts';
import { Rounds } from './scheduler.ts';
import { Finish } from './status-rollup.ts';
import { Sweep } from './sweep.ts';
import { Warm } from './warm.ts';
import { Worker, type WorkerOptions } from './worker.ts';

export interface Warmer {
  readonly worker: Worker;
  readonly rounds: Rounds;
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
    // The queue of the gate is that of our own jobs: nobody is told to come back later.
    queueMs: Number.POSITIVE_INFINITY,
    deadlineMs: config.deadlineMs * PATIENCE,
    versionSeconds: 0,
  };
}

function composeWarm(config: Config, core: Core, { records, arrivals, warming, finish }: Parts): Warm {
  const { originals, results, renderer, sandbox, gates } = core;
  const timeoutSeconds = Math.ceil(config.deadlineMs / 1000);
  return new Warm({
    ...{ originals, results, records, renderer, finish, warming, arrivals },
    gate: gates.render,
    slots: config.renderSlots,
    now: monotonic,
    shared: (opened, signal) => ({
      opened,
      maxPixels: config.maxSourcePixels,
      pass: { timeoutSeconds, signal },
      rasterize: (svg, size) => sandbox.draw(svg, size, signal),
      now: monotonic,
    }),
  });
}

/** What a message asks for; what it resolves to goes to the log. */
function handler(warm: Warm, arrivals: Arrivals, notifier: Notifier): WorkerOptions['handle'] {
  return async ({ body, receives }, signal) => {
    const job = readJob(body);
    // Left alone, it becomes a dead letter that somebody can look at.
    if (job.kind === 'unknown') throw new Error(`Unknown message: ${job.reason}.`);
    if (job.kind === 'warm') return { kind: 'warm', id: job.id, ...(await warm.run(job, receives, signal)) };
    if (job.kind === 'notify') return { ...job, ...(await notifier.deliver(job, receives)) };
    for (const { id, change, etag } of job.events) {
      await (change === 'created' ? arrivals.created(id, etag) : arrivals.removed(id));
    }
    return { kind: 'objects', ids: job.events.map(({ id }) => id) };
  };
}

interface Parts {
  readonly originals: Objects;
  readonly tidy: Stores['tidy'];
  readonly records: Records;
  readonly jobs: Jobs;
  readonly arrivals: Arrivals;
  readonly warming: Warming;
  readonly finish: Finish;
}

function composeRounds({ visibilitySeconds, sweepSeconds }: Config, parts: Parts, log: Logger): Rounds {
  const now = () => new Date();
  const onFailure = (err: unknown, id: string) => log.warn({ err, id }, 'sweep failed for an image');
  const sweep = new Sweep({ ...parts, staleSeconds: sweepSeconds + visibilitySeconds, now, onFailure });
  return new Rounds({
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
        const removed = await parts.tidy();
        if (removed) log.info({ removed }, 'files of writers that were killed');
      },
      'dead letters': () =>
        buryDeadLetters({
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
  { log, outside }: { log: Logger; outside: Outside },
): Warmer {
  const config = warmConfig(given);
  const core = composeCore(config, stores);
  const { notifier, warming, arrivals } = composeManagement(config, stores, core, { outside, log });
  const { originals, records, jobs, tidy } = stores;
  const finish = new Finish({
    records,
    results: core.results,
    notify: (record) => notifier.finished(record),
  });
  const parts = { originals, tidy, records, jobs, arrivals, warming, finish };
  const handle = handler(composeWarm(config, core, parts), arrivals, notifier);
  const isAside: WorkerOptions['isAside'] = ({ body }) => readJob(body).kind === 'notify';
  const { renderSlots: slots, visibilitySeconds } = config;
  return {
    worker: new Worker({ jobs, slots, visibilitySeconds, handle, isAside, log, now: monotonic }),
    rounds: composeRounds(config, parts, log),
    close: async () => {
      await notifier.settle();
      core.sandbox.close();
    },
  };
}
