import type { Refused } from './listing.ts';
import type { FeedState, Known, RefusedCount, Shard, Summary } from './state.ts';

/** Failures that a summary shows. */
const REASONS = 20;

export const newSummary = (startedAt: string): Summary => ({
  startedAt,
  seen: 0,
  new: 0,
  changed: 0,
  pending: 0,
  vanished: 0,
  failed: 0,
  reasons: [],
});

/** @param more  how many there are beside those */
export const firstOf = (refused: readonly Refused[], more = 0, most = REASONS): RefusedCount => ({
  count: refused.length + more,
  first: refused.slice(0, most),
});

/** What a run has come to, by what is known of each picture now. */
export function summarize(
  { run, summary, refused }: Pick<FeedState, 'run' | 'summary' | 'refused'>,
  shards: ReadonlyMap<number, Shard>,
): Summary {
  const all = [...shards.values()].flatMap((shard) => Object.values(shard));
  const entries = all.filter((known) => known.run === run);
  const count = (is: (known: Known) => boolean) => entries.filter(is).length;
  const failed = entries.flatMap(({ from, error }) => (error === undefined ? [] : [{ from, error }]));
  return {
    ...summary,
    seen: entries.length,
    new: count(({ outcome }) => outcome === 'new'),
    changed: count(({ outcome }) => outcome === 'changed'),
    pending: count(({ isPending }) => isPending === true),
    failed: refused.count + failed.length,
    reasons: [...refused.first, ...failed].slice(0, REASONS),
  };
}
