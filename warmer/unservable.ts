import type { Logger } from 'pino';
import { refusalOf } from '../server/core/query/id.ts';
import type { Metrics } from '../server/telemetry/metrics.ts';

/**
 * Tells of objects in the bucket of originals whose key no URL can name. Nobody sees that such an image is missing,
 * unless somebody says so.
 *
 * @returns to be called with such a key
 */
export function tellOfUnservable(log: Logger, metrics: Metrics): (key: string) => void {
  return (key) => {
    metrics.add('unservableKeys');
    log.warn(
      { key, reason: refusalOf(key) },
      'an object was put whose key cannot be an id; it is not served',
    );
  };
}

/** Tells of events of a bucket that is none of this deployment: whoever may send to its queue could name any. */
export function tellOfStrange(log: Logger, metrics: Metrics): (bucket: string) => void {
  return (bucket) => {
    metrics.add('strangeEvents');
    log.warn({ bucket }, 'events of a bucket that is neither ours nor a source were refused');
  };
}
