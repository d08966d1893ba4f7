import type { Page } from './page.ts';

/** Keys are ASCII, no leading or trailing slash, no empty, `.` or `..` segment, at most 1,024 bytes. */
export interface ObjectFacts {
  key: string;
  /** Without quotes. MD5 of the bytes in hex for single-part objects; otherwise opaque. */
  etag: string;
  size: number;
  lastModified: Date;
  /** CRC-32 of the bytes in hex, eight digits; absent where the store has noted none. */
  crc32?: string | undefined;
}

export interface StoredFacts extends ObjectFacts {
  contentType: string | undefined;
  cacheControl: string | undefined;
  /** Small ASCII values under lower-case names, as S3 user metadata. Empty object when none. */
  metadata: Record<string, string>;
}

export interface StoredObject extends StoredFacts {
  /**
   * Must be read to the end or destroyed; destroying it frees the connection or file. Begun reads see their
   * object to the end, whatever is written meanwhile. The signal of `get` ends the body too.
   */
  readonly body: NodeJS.ReadableStream & AsyncIterable<Uint8Array> & { destroy(error?: Error): unknown };
  /** Reads the body whole, instead of it: a store that has the bytes in memory hands them over as they are. */
  bytes(): Promise<Buffer>;
}

/** An object that is in memory. While nobody has written it, its facts are the same value at each read. */
export interface WholeObject {
  readonly facts: StoredFacts;
  readonly bytes: Buffer;
}

/** What must lie at a key for a write to happen; decided by the store in the same step. A refused write is undefined. */
export interface Condition {
  /** Nothing: refuses to overwrite. */
  ifAbsent?: boolean;
  /** An object with this ETag. */
  ifMatch?: string;
}

export interface NewObject extends Condition {
  contentType: string;
  cacheControl?: string;
  metadata?: Record<string, string>;
  /**
   * Metadata that is only known once the body has ended, as its digest. S3 keeps none of it for what is sent in parts (more
   * than 8 MiB), whose metadata goes first.
   */
  lateMetadata?: () => Record<string, string>;
}

/** What exactly may be posted through a form. */
export interface FormPolicy {
  readonly key: string;
  readonly contentType: string;
  /** Bytes, neither more nor fewer. */
  readonly size: number;
  /** From now. */
  readonly seconds: number;
}

/** A form that a browser posts, the file as its last field. */
export interface Form {
  readonly url: string;
  readonly fields: Readonly<Record<string, string>>;
}

export interface Objects {
  /**
   * Whether the store itself sends a message to the queue for every object that comes or goes. Of the others,
   * whoever writes or removes an original sends it.
   */
  readonly announces: boolean;
  /** Whether every ETag is the MD5 of its bytes in hex, so that what is read can be compared with it. */
  readonly hasMd5: boolean;
  /** Whether every write is refused, with Problem `not_allowed`. Absent: it takes them. */
  readonly isReadOnly?: boolean;
  /** What events that others send of it call the store; absent where there are none. */
  readonly bucket?: string;
  /** A form by which a browser posts straight to the store; absent where it must go through a server of ours. */
  readonly form?: (policy: FormPolicy) => Promise<Form>;
  /** @throws Problem `damaged_store` where the store is told to keep what cannot be made again, and has it no longer whole */
  head(key: string, signal?: AbortSignal): Promise<StoredFacts | undefined>;
  /** Throws as `head` does. */
  get(key: string, signal?: AbortSignal): Promise<StoredObject | undefined>;
  /**
   * Reads a small object without a turn of the event loop. Undefined says nothing of whether it is there: whoever gets
   * it asks `get`, which throws what there is to throw. Only where objects are files of this machine.
   */
  readonly getAtOnce?: (key: string) => WholeObject | undefined;
  /**
   * Last write wins; readers see the old object or the new one, never a mixture. Resolves once durable.
   * A body that errors or an aborted signal leaves nothing behind, neither object nor parts, and `put` rejects
   * with that error or reason. An answer that got lost is looked for; only where the store is away then as well does it stay
   * open whether the whole object is there.
   */
  put(
    key: string,
    body: Uint8Array | AsyncIterable<Uint8Array>,
    object: NewObject,
    signal?: AbortSignal,
  ): Promise<ObjectFacts | undefined>;
  /**
   * Copies bytes, type, cache control and metadata inside the store. What `put` says of readers, durability and
   * conditions holds here; undefined also when there is no object at `from`.
   */
  copy(
    from: string,
    to: string,
    condition?: Condition,
    signal?: AbortSignal,
  ): Promise<ObjectFacts | undefined>;
  /** Absent keys are not an error. */
  remove(keys: readonly string[], signal?: AbortSignal): Promise<void>;
  /**
   * Removes every object whose key is `prefix` plus a name without a slash; resolves to the count. So
   * `img/a/` clears the results of image `a` and leaves those of image `a/b`.
   */
  removeAll(prefix: string, signal?: AbortSignal): Promise<number>;
  /** Keys that start with `prefix`, bytewise ascending. `next` is absent on the last page. */
  list(
    page: { prefix: string; limit: number; cursor?: string },
    signal?: AbortSignal,
  ): Promise<Page<ObjectFacts>>;
  /** Resolves when the store answers. */
  ping(signal?: AbortSignal): Promise<void>;
  /**
   * Puts the object's own file at `path`, where nothing lies yet, without copying its bytes; what the store keeps behind
   * them comes along. Undefined when absent. Only where objects are files of this machine.
   */
  readonly link?: (key: string, path: string, signal?: AbortSignal) => Promise<ObjectFacts | undefined>;
  /** Notes that objects were used now, for `Stores.evictResults`. Absent ones are no error. */
  readonly markUsed?: (keys: readonly string[]) => Promise<void>;
}

/** What of the results nobody asks for any more. */
export interface OutdatedRound {
  /** What the answers of `isOutdated` depend on: all are looked at once for each. */
  readonly epoch: string;
  readonly isOutdated: (key: string) => boolean;
  /** Asked between two keys. */
  readonly isStopping: () => boolean;
  /** Looked at in this round; absent: what takes the store about a second. */
  readonly maxKeys?: number;
}

export interface RemovedOutdated {
  readonly removed: number;
  /** Whether all were looked at, by this round or an earlier one. */
  readonly isDone: boolean;
}

/** What results may take of a disk. */
export interface EvictionRound {
  readonly maxBytes: number;
  /** Asked between two results. */
  readonly isStopping: () => boolean;
  /** Removes these by `remove`, once it is written down of whoever is to know. */
  readonly removing: (keys: readonly string[], remove: () => Promise<void>) => Promise<void>;
}

export interface Evicted {
  /** What the results take now, in blocks of the disk. */
  readonly bytes: number;
  readonly removed: number;
}
