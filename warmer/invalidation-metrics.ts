import type { Metrics } from '../server/telemetry/metrics.ts';
import type { Invalidations } from '../server/writing/invalidations.ts';

/** What the CDN was asked to forget: orders and paths cost money, and what is refused stays public until it is taken. */
export function readInvalidations({ counts }: Pick<Invalidations, 'counts'>, metrics: Metrics): void {
  metrics.read('invalidationsTaken', () => counts.taken);
  metrics.read('invalidationsRefused', () => counts.refused);
  metrics.read('invalidationPaths', () => counts.paths);
  metrics.read('invalidationsWaiting', () => counts.waiting);
}
