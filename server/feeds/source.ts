import type { Feed } from './definition.ts';
import type { Listed, Listing } from './listing.ts';
import type { Documents, Known } from './state.ts';

/** All that a feed lists at a time. */
export interface Read {
  readonly listing: Listing;
  readonly documents: Documents;
  /** Those that are what they were: what they listed then they list now, and it is not in the listing. */
  readonly unchanged: ReadonlySet<string>;
}

/** A picture that is not here. */
export interface Fresh {
  readonly listed: Listed;
  readonly isTried: boolean;
}

/** What became of a picture; what is not said stays as it was known. */
export type Brought = Pick<Known, 'outcome' | 'version' | 'isPending' | 'isTried' | 'error' | 'isDeleted'>;

/** Where the pictures of feeds of some kinds are. */
export interface Source {
  /**
   * Reads a feed to its end.
   *
   * @param before  what was read last
   * @throws Problem `invalid_feed`, `source_refused`, `source_error`, `not_allowed`, `store_unavailable`: then nothing is
   *         known of what it lists
   */
  read(feed: Feed, before: Documents, signal: AbortSignal): Promise<Read>;
  /**
   * Which ids of pictures are to be noted as tried before they are brought, since what a killed run leaves under them could
   * not be told from what is somebody else's.
   */
  free(ids: readonly string[]): Promise<ReadonlySet<string>>;
  /** Brings pictures that are not here; in their order what became of each. */
  bring(feed: Feed, pictures: readonly Fresh[], signal: AbortSignal): Promise<Brought[]>;
  /** Looks whether pictures that were brought before are other ones by now, and brings those. */
  look(
    feed: Feed,
    pictures: readonly { readonly listed: Listed; readonly known: Known }[],
    signal: AbortSignal,
  ): Promise<Brought[]>;
}
