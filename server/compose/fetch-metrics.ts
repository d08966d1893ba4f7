import type { Metrics, Readings } from '../telemetry/metrics.ts';
import type { Management } from '../writing/management.ts';

const byOutcome = (counts: object): Readings =>
  Object.entries(counts).map(([outcome, count]: [string, number]) => [{ outcome }, count]);

/** What a warmer has fetched from servers of others, or tried to. */
export function readFetches(
  metrics: Metrics,
  { fetches, fetched }: Pick<Management, 'fetches' | 'fetched'>,
): void {
  metrics.readAll('fetches', () => byOutcome(fetches.counts));
  metrics.read('fetchedBytes', () => fetched.bytes);
}

/** What a server has brought for those who waited. */
export function readPulls(metrics: Metrics, { pulls, fetched }: Pick<Management, 'pulls' | 'fetched'>): void {
  metrics.readAll('pulls', () => byOutcome(pulls.counts));
  metrics.read('fetchedBytes', () => fetched.bytes);
}
