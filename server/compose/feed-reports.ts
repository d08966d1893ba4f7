import type { Logger } from 'pino';
import type { WatcherOptions } from '../feeds/watcher.ts';
import type { Metrics } from '../telemetry/metrics.ts';

interface FeedReportsOptions {
  readonly log: Pick<Logger, 'info' | 'warn'>;
  readonly metrics: Pick<Metrics, 'add'>;
}

/** Tells log and metrics how feeds go. What a person has to look at is one kind of line, which alarms can count. */
export function feedReports({
  log,
  metrics,
}: FeedReportsOptions): Pick<WatcherOptions, 'onRun' | 'onFailure'> {
  return {
    onRun: (feed, { summary }) => {
      const outcome = summary.error === undefined ? (summary.held ? 'held' : 'ok') : 'failed';
      metrics.add('feedRuns', { outcome });
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
