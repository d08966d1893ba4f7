import type { Tracing } from '../server/telemetry/tracing.ts';
import { readJob } from '../server/warming/jobs.ts';
import type { Buckets } from '../server/warming/s3-events.ts';
import type { Management } from '../server/writing/management.ts';
import { type ExpiryOptions, followExpiry } from './expiry.ts';
import type { Upgrade, UpgradeReport } from './upgrade.ts';
import type { Warm, WarmReport } from './warm.ts';
import type { WorkerOptions } from './worker.ts';

/** Who hears of what comes up on the way. */
interface Ears {
  readonly buckets: Buckets;
  readonly onUnservable: (key: string) => void;
  readonly onStrange: (bucket: string) => void;
  readonly onReport: (report: WarmReport) => void;
  readonly expiry: ExpiryOptions;
}

/** What makes results. */
export interface Makers {
  readonly warm: Warm;
  readonly upgrade: Upgrade;
  readonly onUpgraded: (report: UpgradeReport) => void;
}

/** What a message asks for; what it resolves to goes to the log. */
export function handler(
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
export function tracedJobs(handle: WorkerOptions['handle'], tracing: Tracing): WorkerOptions['handle'] {
  if (!tracing.isOn) return handle;
  return (message, signal) => {
    const job = readJob(message.body);
    const id = 'id' in job ? job.id : undefined;
    return tracing.job({ ...message, kind: job.kind, id }, () => handle(message, signal));
  };
}
