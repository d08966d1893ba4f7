import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { UPLOAD_SECONDS } from '../server/arrivals.ts';
import { composeCore } from '../server/compose.ts';
import type { Config } from '../server/config.ts';
import { readJob } from '../server/jobs.ts';
import { composeManagement, type Outside } from '../server/management.ts';
import type { ReceivedJob } from '../server/stores/contracts.ts';
import type { Stores } from '../server/stores/open.ts';
import { removeStaged } from '../server/uploads.ts';
import { buryDeadLetters } from './dead-letters.ts';
import { Finish } from './finish.ts';
import { Rounds } from './rounds.ts';
import { Sweep } from './sweep.ts';
import { Warm } from './warm.ts';
import { Worker } from './worker.ts';

export interface Warmer {
  readonly worker: Worker;
  readonly rounds: Rounds;
  /** After the worker has stopped: notifications are sent or given up, children end. */
  close(): Promise<void>;
}

/** Nobody waits for a warm render: it may take this many times the deadline of a request. */
const PATIENCE = 10;

const monotonic = (): number => performance.now();

/** A warmer over the stores of a process. */
export function composeWarmer(
  given: Config,
  stores: Stores,
  { log, outside }: { log: Logger; outside: Outside },
): Warmer {
  const { warmSlots: slots, visibilitySeconds, sweepSeconds } = given;
  const config: Config = {
    ...given,
    renderSlots: slots,
    // The queue of the gate is that of our own jobs: nobody is told to come back later.
    queueMs: Number.POSITIVE_INFINITY,
    deadlineMs: given.deadlineMs * PATIENCE,
    versionSeconds: 0,
  };
  const core = composeCore(config, stores);
  const management = composeManagement(config, stores, core, { outside, log });
  const { records, jobs } = stores;
  const { originals, results, renderer, sandbox, gates } = core;
  const { notifier, warming, arrivals } = management;
  const finish = new Finish({
    records,
    results,
    notify: (record, variants) => notifier.notifyFinished(record, variants),
  });
  const timeoutSeconds = Math.ceil(config.deadlineMs / 1000);
  const warm = new Warm({
    ...{ originals, results, records, renderer, finish, warming, slots },
    gate: gates.render,
    now: monotonic,
    shared: (opened, signal) => ({
      opened,
      maxPixels: config.maxSourcePixels,
      pass: { timeoutSeconds, signal },
      rasterize: (svg, size) => sandbox.draw(svg, size, signal),
      now: monotonic,
    }),
  });
  const handle = async ({ body, receives }: ReceivedJob, signal: AbortSignal): Promise<object> => {
    const job = readJob(body);
    if (job.kind === 'unknown') throw new Error(`Unknown message: ${job.reason}.`);
    if (job.kind === 'warm') return { kind: 'warm', id: job.id, ...(await warm.run(job, receives, signal)) };
    for (const { id, change, etag } of job.events) {
      await (change === 'created' ? arrivals.created(id, etag) : arrivals.removed(id));
    }
    return { kind: 'objects', ids: job.events.map(({ id }) => id) };
  };
  const now = () => new Date();
  const staleSeconds = sweepSeconds + visibilitySeconds;
  const onFailure = (err: unknown, id: string) => log.warn({ err, id }, 'sweep failed for an image');
  const sweep = new Sweep({ records, jobs, arrivals, warming, finish, staleSeconds, now, onFailure });
  const quietSeconds = visibilitySeconds;
  const rounds = new Rounds({
    records,
    owner: randomUUID(),
    seconds: sweepSeconds,
    tasks: {
      sweep: async () => {
        const sent = await sweep.run();
        if (sent) log.info({ sent }, 'images sent again');
      },
      'staged uploads': async () => {
        const removed = await removeStaged(stores.originals, new Date(Date.now() - UPLOAD_SECONDS * 1000));
        if (removed) log.info({ removed }, 'staged uploads of servers that were killed');
      },
      'dead letters': () => buryDeadLetters({ jobs, records, finish, quietSeconds, now }),
    },
    onFailure: (err, task) => log.warn({ err, task }, 'round failed'),
  });
  const worker = new Worker({ jobs, slots, visibilitySeconds, handle, log, now: monotonic });
  const close = async () => {
    await notifier.stop();
    sandbox.close();
  };
  return { worker, rounds, close };
}
