import { hash } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { inLanes } from '../shared/in-lanes.ts';
import type { Records } from '../stores/stores.ts';
import type { Feed } from './definition.ts';
import type { Refused } from './listing.ts';

/**
 * Entries that what is known of pictures is spread over: of 100,000 pictures with the longest addresses, of which little
 * is alike, one stays below the 400 KB that an item of DynamoDB may have.
 */
const SHARDS = 256;

/** What is known of a picture that a feed listed. */
export interface Known {
  /** Its address, or its key. */
  readonly from: string;
  /** Of the feed's documents, those that name it. */
  readonly documents?: readonly string[];
  readonly title?: string;
  /** What the feed said of its version when it was brought. */
  readonly mark?: string;
  /** Number of the run that has dealt with it last. */
  readonly run: number;
  /** What that run has found. */
  readonly outcome?: 'new' | 'changed';
  /** Version of the image as it was brought; absent: it was not. */
  readonly version?: string;
  /** A warmer has still to fetch it, or to ask whether it is current. */
  readonly isPending?: true;
  /** Its id was free when it was to be brought: what a killed run has left there is of this feed. */
  readonly isTried?: true;
  /** Why it could not be brought. */
  readonly error?: string;
  /** Somebody has deleted the image: it is not brought again. */
  readonly isDeleted?: true;
  /** Number of the first run that did not list it any more and has held it. */
  readonly heldIn?: number;
  /** Since when the feed does not list it, as toISOString writes it. */
  readonly vanishedAt?: string;
}

export type Shard = Readonly<Record<string, Known>>;

/** A document of a feed, as it was read last. */
export interface ReadDocument {
  readonly etag?: string;
  readonly lastModified?: string;
  /** Of an index. */
  readonly sitemaps?: readonly string[];
  /** Of a page: the one behind it. */
  readonly next?: string;
  readonly refused?: RefusedCount;
}

/** What a feed names that cannot be images here. */
export interface RefusedCount {
  readonly count: number;
  readonly first: readonly Refused[];
}

export type Documents = Readonly<Record<string, ReadDocument>>;

/** Too many would vanish for nobody to look at it. */
export interface Held {
  readonly vanished: number;
  /** Of so many that the feed had. */
  readonly of: number;
  readonly examples: readonly string[];
}

/** What a run came to, as far as it has come. */
export interface Summary {
  readonly startedAt: string;
  /** Absent: it is under way. */
  readonly finishedAt?: string;
  readonly seen: number;
  readonly new: number;
  readonly changed: number;
  /** Still to be fetched or asked for. */
  readonly pending: number;
  readonly vanished: number;
  readonly failed: number;
  /** Of the first of them. */
  readonly reasons: readonly Refused[];
  /** Why the feed could not be read: nothing was changed. */
  readonly error?: string;
  readonly held?: Held;
}

export interface FeedState {
  /** Which feed it is of: another one begins with nothing to compare its documents with. */
  readonly source: string;
  /** Of the run that is under way or was last. */
  readonly run: number;
  readonly isRunning: boolean;
  /** Those that something is kept in. */
  readonly shards: readonly number[];
  readonly documents: Documents;
  /** Of that run: pictures that cannot be images here, and how many they are. */
  readonly refused: RefusedCount;
  readonly summary: Summary;
  /** The call for a run that was followed last. */
  readonly askedAt?: string;
}

/** A call for a run. */
export interface RunRequest {
  readonly at: string;
  /** What this run has held, as its number, is to vanish; absent: nothing. */
  readonly letsGoOf?: number;
}

/** What feeds there are, for those that do not read the file themselves. */
export interface FeedIndex {
  readonly readAt: string;
  /** Why the file could not be read; the feeds are those of before. */
  readonly error?: string;
  readonly feeds: readonly Omit<Feed, 'warm'>[];
}

export const shardOf = (id: string): number => Number.parseInt(hash('sha1', id).slice(0, 4), 16) % SHARDS;

/** With the prefix: under another one a document that is what it was lists other ids. */
export const sourceOf = ({ kind, from, path, next, prefix }: Feed): string =>
  JSON.stringify([kind, from, path, prefix, ...(next === undefined ? [] : [next])]);

/** Characters as they are written: below the 400 KB of DynamoDB with all else that a state has. */
const MAX_DOCUMENTS = 262_144;

/** What may be kept of documents: where all of them are too much none is, and each is read whole the next time. */
export const keptOf = (documents: Documents): Documents =>
  written(documents).length <= MAX_DOCUMENTS ? documents : {};

/** What is known of feeds, in the records. */
export class FeedStates {
  readonly #progress: Records['progress'];

  constructor(progress: Records['progress']) {
    this.#progress = progress;
  }

  async get(feed: string): Promise<FeedState | undefined> {
    return read(await this.#progress.get(`feed/${feed}`));
  }

  put(feed: string, state: FeedState): Promise<void> {
    return this.#progress.put(`feed/${feed}`, written(state));
  }

  async shard(feed: string, number: number): Promise<Shard> {
    return read(await this.#progress.get(`feed/${feed}/${number}`)) ?? {};
  }

  async shardsOf(feed: string, { shards }: Pick<FeedState, 'shards'>): Promise<Map<number, Shard>> {
    const read = await inLanes(shards, async (number) => [number, await this.shard(feed, number)] as const);
    return new Map(read);
  }

  putShard(feed: string, number: number, shard: Shard): Promise<void> {
    return this.#progress.put(`feed/${feed}/${number}`, written(shard));
  }

  async index(): Promise<FeedIndex | undefined> {
    return read(await this.#progress.get('feeds'));
  }

  putIndex(index: FeedIndex): Promise<void> {
    return this.#progress.put('feeds', written(index));
  }

  async request(feed: string): Promise<RunRequest | undefined> {
    return read(await this.#progress.get(`feed-run/${feed}`));
  }

  putRequest(feed: string, request: RunRequest): Promise<void> {
    return this.#progress.put(`feed-run/${feed}`, written(request));
  }
}

/** Addresses are much alike. */
const written = (value: object): string => deflateRawSync(JSON.stringify(value)).toString('base64');

/** The parse boundary: what this program wrote is taken at its word. */
function read<T>(text: string | undefined): T | undefined {
  if (text === undefined) return undefined;
  return JSON.parse(inflateRawSync(Buffer.from(text, 'base64')).toString()) as T;
}
