import type { Identity } from './originals.ts';
import type { Result } from './result.ts';

/** Where an answer came from: the value of X-Image-Cache. `stale`: wherever from, the stores did not say which version is current. */
export type Tier = 'memory' | 'stored' | 'coalesced' | 'miss' | 'stale';

/** ms by stage, as Server-Timing shows them. */
export type Timings = Readonly<
  Partial<Record<'queue' | 'fetch' | 'decode' | 'transform' | 'encode', number>>
>;

export interface Answer {
  readonly result: Result;
  readonly tier: Tier;
  readonly timings: Timings;
}

/** Says so where nobody has said that the version is current. */
export const asAnswered = <T extends { readonly tier: Tier }>(answer: T, { isStale }: Identity): T =>
  isStale ? { ...answer, tier: 'stale' } : answer;
