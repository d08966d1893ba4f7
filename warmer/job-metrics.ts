import type { ReceivedJob } from '../server/stores/jobs.ts';
import type { Metrics } from '../server/telemetry/metrics.ts';
import { readJob } from '../server/warming/jobs.ts';
import type { WarmReport } from './warm.ts';
import type { JobEnd } from './worker.ts';

/** Counts messages as they end. The wait of one that came again is that of its failures, and no part of this. */
export function countJobs(metrics: Metrics): (message: ReceivedJob, end: JobEnd) => void {
  return ({ body, receives, sentAt }, { outcome, ms }) => {
    const { kind } = readJob(body);
    metrics.add('jobsEnded', { kind, outcome });
    metrics.observe('jobSeconds', ms / 1000, { kind });
    const waitedMs = Date.now() - ms - sentAt.getTime();
    if (receives === 1) metrics.observe('jobWaitSeconds', Math.max(0, waitedMs) / 1000, { kind });
  };
}

export function countVariants(metrics: Metrics, { ready, current, failed, skipped }: WarmReport): void {
  for (const [outcome, count] of Object.entries({ ready, current, failed, skipped }))
    metrics.add('variantsWarmed', { outcome }, count);
}
