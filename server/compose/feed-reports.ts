import type { Logger } from 'pino';
import type { WatcherOptions } from '../feeds/watcher.ts';
import type { Metrics } from '../telemetry/metrics.ts';

interface FeedReportsOptions {
  readonly log: Pick<Logger, 'info' | 'warn'>;
  readonly metrics: Pick<Metrics, 'add'>;
}

/** What a run counts of its pictures. */
const PICTURES = ['new', 'changed', 'pending', 'vanished', 'failed'] as const;

/** Tells log and metrics how feeds go. What a person has to look at is one kind of line, which alarms can count. */
export function feedReports({
  log,
  metrics,
}: FeedReportsOptions): Pick<WatcherOptions, 'onRun' | 'onFailure'> {
  return {
    onRun: (feed, { summary }) => {
      const outcome = summary.error === undefined ? (summary.held ? 'held' : 'ok') : 'failed';
      metrics.add('feedRuns', { outcome });
      for (const what of PICTURES) metrics.add('feedPictures', { outcome: what }, summary[what]);
      const told = { feed, outcome, ...summary };
      if (outcome === 'ok') log.info(told, 'feed was run');
      else log.warn(told, 'feed not brought in');
    },
    onFailure: (err, feed) => {
      if (feed !== undefined) metrics.add('feedRuns', { outcome: 'failed' });
      // Without a name it is the list of feeds that cannot be read.
      log.warn({ err, feed, outcome: 'failed' }, 'feed not brought in');
    },
  };
}
