import type { Feed } from './definition.ts';
import type { Read } from './source.ts';
import type { FeedState, Shard } from './state.ts';

/** A run on its way. */
export interface Turn {
  readonly feed: Feed;
  readonly state: FeedState;
  readonly read: Read;
  /** As they are written. */
  readonly shards: Map<number, Shard>;
  /** Ends the run between two batches; another one goes on with it. */
  readonly signal: AbortSignal;
}
