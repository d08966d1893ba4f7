import { isProblem } from '../../shared/errors.ts';
import type { Metrics } from '../../telemetry/metrics.ts';

/**
 * Counts how a file ends.
 *
 * @param bytesOf  bytes that were stored; undefined for a file that was there already
 */
export async function counting<T>(
  metrics: Metrics,
  bytesOf: (done: T) => number | undefined,
  work: () => Promise<T>,
): Promise<T> {
  const done = await work().catch((error: unknown) => {
    countUnstored(metrics, error);
    throw error;
  });
  const bytes = bytesOf(done);
  metrics.add('uploads', { outcome: bytes === undefined ? 'repeated' : 'stored' });
  metrics.add('uploadedBytes', {}, bytes ?? 0);
  return done;
}

/** A file that was not taken in, by whoever's fault. */
export function countUnstored(metrics: Metrics, error: unknown): void {
  const isRefused = isProblem(error) && error.status < 500;
  metrics.add('uploads', { outcome: isRefused ? 'refused' : 'failed' });
}
