/**
 * The three seams. Each has two implementations (AWS, embedded) and one conformance suite that both pass.
 *
 * Rules for all: absence is a value (`undefined`, `false`), failure is a rejection with Problem
 * `store_unavailable`; a store is handed a ready client; it translates foreign errors in its own file and
 * nowhere else; retries are the client's, deadlines are the caller's AbortSignal.
 */
import type { Answers } from './answers.ts';

// ---------------------------------------------------------------- Objects: bytes by key

/** Keys are ASCII, no leading or trailing slash, no empty, `.` or `..` segment, at most 1,024 bytes. */
export interface ObjectFacts {
  key: string;
  /** Without quotes. MD5 of the bytes in hex for single-part objects; otherwise opaque. */
  etag: string;
  size: number;
  lastModified: Date;
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

export interface Page<T> {
  items: T[];
  /** Opaque; hand it back to go on. */
  next?: string;
}

// ---------------------------------------------------------------- Records: what is known of an image

export const IMAGE_STATUSES = [
  'uploading',
  'uploaded',
  'processing',
  'completed',
  'partial',
  'failed',
] as const;
export type ImageStatus = (typeof IMAGE_STATUSES)[number];
/** `expired`: was ready; its result went with the lifetime of results, or is of a former pipeline. */
export const VARIANT_STATUSES = ['queued', 'rendering', 'ready', 'failed', 'skipped', 'expired'] as const;
export type VariantStatus = (typeof VARIANT_STATUSES)[number];

export interface FocalPoint {
  /** Fractions 0-1 of the upright image, from its top left. */
  x: number;
  y: number;
}

/** What is measured of an original; absent until someone has read it. */
export interface OriginalFacts {
  contentType: string;
  format: string;
  bytes: number;
  /** Upright size in px. */
  width: number;
  height: number;
  frames: number;
  /** Base64 ThumbHash and `#rrggbb`; computed from a rendered variant. */
  placeholder?: string;
  color?: string;
}

/**
 * What is still to be done for an image. It is written in the same step as the change that owes it and cleared when it
 * is done, so that a crash in between is found and finished later. Every part of it may be done twice.
 */
export interface Owed {
  /** Another one whenever something is added: who has done what was owed then clears just that. */
  token: string;
  /**
   * Results and record are to go, and the original where it is not gone already (`all`). Such a record is a
   * tombstone, which `get` and `list` do not show.
   */
  delete?: 'all' | 'rest';
  /** The original was refused and is to go; the record says why. */
  discard?: true;
  /** The original is to be looked at: it may be another one by now, or could not be decoded yet. */
  measure?: true;
  /** Results and the copies of every tier are to go: they are of another version. */
  purge?: true;
  /** Variants of older versions are to be queued again: all, or those that were under way. */
  rewarm?: 'all' | 'open';
  /** Canonical forms that are to be queued. */
  warm?: string[];
  /** By which texts callers asked for forms of `warm`. */
  requested?: Requested;
  /** Canonical forms that are asked for no more: records, results and copies of them are to go. */
  forget?: string[];
  /** Those who asked are to be told that the image is finished. */
  notify?: true;
  /** The original is to be fetched from its address, for the first time or anew; a new image then gets into the collection. */
  fetch?: { collection?: string };
}

/** Where an original was fetched from, and how that went. */
export interface RemoteSource {
  url: string;
  /** Of the original that was fetched, as it was stored; absent: none was. */
  version?: string;
  /** What the server said of those bytes: with them it is asked whether they are current. */
  etag?: string;
  lastModified?: string;
  /** When the server last said what is current, as toISOString writes it. */
  checkedAt?: string;
  /** Why it could not say so since. */
  error?: string;
  /** Of what is owed: so far, and not before when, as toISOString writes it. */
  tries?: number;
  notBefore?: string;
}

export interface ImageRecord {
  id: string;
  status: ImageStatus;
  title?: string;
  description?: string;
  collection?: string;
  focal?: FocalPoint;
  /** ETag of the original; absent while uploading. */
  version?: string;
  original?: OriginalFacts;
  /** Counts purges of unchanged bytes; part of the version that servers compare. Absent: never purged. */
  generation?: number;
  /** Counts rounds in which results were replaced by smaller ones of the same version. Absent: none. */
  upgraded?: number;
  /** Where to send the finished status, if anywhere (HTTPS). */
  webhook?: string;
  /** Of an upload: its bytes are awaited until then, as toISOString writes it. */
  openUntil?: string;
  /** Of an upload that a server takes in: which of them. Stays where that server died before the end of it. */
  claim?: string;
  /** Of an announced upload: what its form takes, and what the keys of its status are made with. */
  announced?: { contentType: string; bytes: number; secret?: string };
  /** The version whose variants we make again by ourselves, if that is all: nobody is told that it is finished. */
  quiet?: string;
  /** SHA-256 of the original in hex, where it was uploaded through us. */
  digest?: string;
  /** Name of the feed that has brought what is there; no other one changes or removes it. Absent: none, or somebody has replaced it since. */
  feed?: string;
  /** Since when that feed does not list it any more, as toISOString writes it. */
  vanishedAt?: string;
  /** What was tried in vain until it was given up: telling of the finished image. */
  undelivered?: string;
  /** Why the whole image failed. */
  error?: string;
  /** Of an image that was fetched from elsewhere. */
  source?: RemoteSource;
  /** Absent: nothing. */
  owed?: Owed;
  /** As toISOString writes it; lists are in this order. */
  createdAt: string;
  updatedAt: string;
  /** 1 at first; counts `updateImage`, and is its token. Being related or unrelated does not move it. */
  revision: number;
}

/** What a write may set; `undefined` removes all but the status. `collection` moves only by relate/unrelate. */
export type ImageChange = {
  [K in
    | 'status'
    | 'title'
    | 'description'
    | 'focal'
    | 'version'
    | 'original'
    | 'generation'
    | 'upgraded'
    | 'webhook'
    | 'openUntil'
    | 'claim'
    | 'quiet'
    | 'digest'
    | 'undelivered'
    | 'source'
    | 'feed'
    | 'vanishedAt'
    | 'owed'
    | 'error']?: ImageRecord[K] | undefined;
};

/** Canonical forms, and the texts by which callers asked for each, the oldest first. */
export type Requested = Readonly<Record<string, readonly string[]>>;

/** Texts that are kept of a variant: the last ones. */
export const MAX_REQUESTED = 10;

/** How many variants an image has, and how many of them are under way no more. */
export interface VariantCounts {
  done: number;
  total: number;
}

export interface VariantRecord {
  id: string;
  /** Canonical form, format resolved. */
  variant: string;
  status: VariantStatus;
  /** The original's version that this status speaks of. */
  version: string;
  attempts: number;
  /** When it was last queued; attempts do not move it. As toISOString writes it. */
  queuedAt: string;
  /** By which texts callers asked for it, the oldest first. Absent: by none, as of a default. Never removed by a change. */
  requested?: readonly string[];
  bytes?: number;
  ms?: number;
  error?: string;
  /** Of a result: the pipeline that made it. Absent also where an older program wrote the record. */
  epoch?: string;
  /** Of a result: from when on its store may remove it, as toISOString writes it. Absent: never. */
  expires?: string;
  /** Of one whose bytes are those of another canonical form: the result lies there. */
  sameAs?: string;
  updatedAt: string;
}

/** `bytes`, `ms`, `error`, `epoch`, `expires` and `sameAs` are said of the new status: what is not given here is removed. */
export interface VariantChange {
  status: VariantStatus;
  bytes?: number;
  ms?: number;
  error?: string;
  epoch?: string;
  expires?: string;
  sameAs?: string;
  /** Adds one to `attempts`. */
  attempt?: boolean;
}

/** One of many changes, as `VariantRecords.update` takes it. */
export interface VariantUpdate {
  readonly variant: string;
  readonly version: string;
  readonly from: readonly VariantStatus[];
  readonly change: VariantChange;
}

export interface Collection {
  id: string;
  name: string;
  description?: string;
  /** Images in it, always exact. */
  count: number;
  createdAt: string;
}

export interface ImageQuery {
  limit: number;
  cursor?: string;
  collection?: string;
  status?: ImageStatus;
  /** Of the id. The list is then in the bytewise order of ids. */
  prefix?: string;
  /** Somewhere in id or title, in upper or lower case. */
  text?: string;
}

/** Tells a record from what was written to it since, and from later ones of the same id. */
export type ImageAsRead = Pick<ImageRecord, 'createdAt' | 'revision'>;

export interface StalledQuery {
  before: Date;
  /** Who claims to have written later had a clock that has been set back since. */
  ahead: Date;
  limit: number;
  cursor?: string;
}

/** Why a collection operation was refused; `ids` are the images concerned. */
export type Refusal =
  | { refused: 'collection_absent' }
  | { refused: 'image_absent' | 'in_another_collection' | 'not_in_collection'; ids: string[] };

/** What `create` takes: the rest is the store's own. */
export type NewImage = Omit<ImageRecord, 'revision' | 'updatedAt' | 'collection'>;

export interface ImageRecords {
  /** False when the id is taken, be it by a tombstone. */
  create(image: NewImage): Promise<boolean>;
  /** Undefined also for a tombstone. */
  get(id: string): Promise<ImageRecord | undefined>;
  /**
   * Makes the image a tombstone, as one: it owes its deletion, and is in no collection and no list any more.
   *
   * @param as  only while it is still this one, at this revision
   * @returns   the tombstone, be it an older one; undefined when there is no image, or not that one
   */
  bury(id: string, owed: Owed, as?: ImageAsRead): Promise<ImageRecord | undefined>;
  /** The record of an image that is being deleted. */
  tombstone(id: string): Promise<ImageRecord | undefined>;
  /**
   * Compare-and-set on `revision`, of a tombstone too; undefined when it moved or the image is gone, and nothing is written.
   *
   * @param jobs  are sent as one with the change, or not at all; only where `Records.takesJobs`
   */
  update(
    id: string,
    revision: number,
    change: ImageChange,
    jobs?: readonly OutgoingJob[],
  ): Promise<ImageRecord | undefined>;
  /**
   * Removes the image, its variants and its membership (the collection's count follows) as one; the record as it was.
   *
   * @param as  only while it is still this one, at this revision; otherwise undefined, and nothing is removed
   */
  remove(id: string, as?: ImageAsRead): Promise<ImageRecord | undefined>;
  /**
   * Newest first by createdAt, then by id, also descending. Filters combine. A page may be short; only absent
   * `next` means the end. Lists may lag a moment behind writes. `prefix` is answered by an index on ids; a search for
   * `text` looks at some 1,000 images for each page, and its `next` says how far it looked.
   */
  list(query: ImageQuery): Promise<Page<ImageRecord>>;
  /**
   * The sweep's work list: images that owe something or are `uploading`, `uploaded` or `processing`, whose last write
   * is older than `before`, an upload only when it was closed before that as well; and all whose last write is later than
   * `ahead`. Tombstones are shown. In no order, but to its last page it
   * holds each image that is stalled all the while. A page may be short; only absent `next` means the end.
   */
  stalled(query: StalledQuery): Promise<Page<ImageRecord>>;
  /**
   * Puts images that a former program wrote into the index of ids, which it did not have; resolves to how many. Where
   * there was nothing to do it never looks again. Absent: the store has them all.
   */
  indexFormer?(progress: Progress): Promise<number>;
}

export interface VariantRecords {
  /** All variants of an image, ascending by canonical form; [] when it is gone. */
  list(id: string): Promise<VariantRecord[]>;
  /** The same by pages of `limit`; `next` is absent on the last. */
  page(id: string, page: { limit: number; cursor?: string }): Promise<Page<VariantRecord>>;
  /**
   * Puts each variant to `queued` for `version`, attempts 0, unless one is there for the same version that is
   * none of `failed`, `skipped` and `expired`. Resolves to the named variants, in that order, as they now stand; [] when the image is gone.
   *
   * @param requested  texts that are added to those of each variant, be it queued already
   */
  queue(
    id: string,
    version: string,
    variants: readonly string[],
    requested?: Requested,
  ): Promise<VariantRecord[]>;
  /** Of each image, in their order; none of one that is gone. Of several they may lag a moment behind writes, as lists do. */
  counts(ids: readonly string[]): Promise<VariantCounts[]>;
  /**
   * Forward only: applies `change` if the variant exists for `version` and its status is one of `from`.
   * False when not, and nothing is written.
   */
  update(
    id: string,
    variant: string,
    version: string,
    from: readonly VariantStatus[],
    change: VariantChange,
  ): Promise<boolean>;
  /** Each as `update`, many at a time and not as one; resolves to what each was told, in their order. */
  updateAll(id: string, updates: readonly VariantUpdate[]): Promise<boolean[]>;
  /** Forgets variants, many at a time and not as one. Absent ones are no error. */
  remove(id: string, variants: readonly string[]): Promise<void>;
}

/** What an edit of a collection may set; an undefined description removes it. */
export interface CollectionChange {
  name?: string;
  description?: string | undefined;
}

export interface CollectionRecords {
  /** False when the id is taken. */
  create(collection: Omit<Collection, 'count'>): Promise<boolean>;
  get(id: string): Promise<Collection | undefined>;
  /** Newest first, as images. */
  list(page: { limit: number; cursor?: string }): Promise<Page<Collection>>;
  update(id: string, change: CollectionChange): Promise<Collection | undefined>;
  /** Removes only an empty collection; a race with `relate` has one winner. */
  remove(id: string): Promise<'removed' | 'absent' | 'not_empty'>;
  /** All or nothing, 1-50 ids, none twice. An image already in this collection is fine. */
  relate(collection: string, ids: readonly string[]): Promise<Collection | Refusal>;
  unrelate(collection: string, ids: readonly string[]): Promise<Collection | Refusal>;
}

export interface Locks {
  /** True when `owner` holds `name` until `seconds` from now; renewing one's own lease succeeds. */
  lease(name: string, owner: string, seconds: number): Promise<boolean>;
  release(name: string, owner: string): Promise<void>;
}

/** How far long work has come, by the name of the work. */
export interface Progress {
  get(name: string): Promise<string | undefined>;
  /** The last write wins. */
  put(name: string, value: string): Promise<void>;
  /**
   * Writes what `change` makes of the value as it stands, with nobody else's write in between; resolves to what was
   * written.
   *
   * @param change  may be called several times; must not throw
   */
  update(name: string, change: (before: string | undefined) => string): Promise<string>;
}

export interface Records {
  /**
   * Whether a change and the jobs that it leads to are one write, since the queue lies in the same database. Of the
   * others jobs are sent before what owes them is cleared: whoever dies in between leaves them owed, and they come twice.
   * There a change that is handed jobs is refused with a TypeError.
   */
  readonly takesJobs: boolean;
  readonly images: ImageRecords;
  readonly variants: VariantRecords;
  readonly collections: CollectionRecords;
  readonly locks: Locks;
  readonly progress: Progress;
  readonly answers: Answers;
  ping(): Promise<void>;
}

// ---------------------------------------------------------------- Jobs: the warm queue

export interface ReceivedJob {
  /** JSON text as it was sent; also S3 event notifications, which arrive on the same queue. */
  body: string;
  /** Names this delivery; of no use after the visibility ran out and somebody else received it. */
  receipt: string;
  /** 1 on first delivery. */
  receives: number;
  /** When it was sent, or sent again by a redrive; to the ms, by the clock of the queue. */
  sentAt: Date;
}

export interface OutgoingJob {
  /** At most 256 KiB. */
  body: string;
  /**
   * What the job is about. Where one with the same key waits and was never received, a queue may leave the new one
   * out: SQLite does, a standard queue of SQS cannot tell and delivers both.
   */
  key?: string;
  /** Nobody receives it before; 0-900, 0 when not given. */
  delaySeconds?: number;
}

export interface Jobs {
  /** Resolves once durable; when it rejects, some may have been sent. */
  send(jobs: readonly (string | OutgoingJob)[]): Promise<void>;
  /**
   * Up to `max` (1-10) messages, hidden from others for `visibilitySeconds`. Waits up to `waitSeconds` (0-20)
   * for the first; [] when none came or the signal ended the wait. A message received more than the queue's
   * `maxReceives` times goes to the dead letters instead.
   */
  receive(
    options: { max: number; waitSeconds: number; visibilitySeconds: number },
    signal?: AbortSignal,
  ): Promise<ReceivedJob[]>;
  /** Hides it for `seconds` from now (0: give it back at once). False for a stale receipt, which SQS may miss. */
  extend(receipt: string, seconds: number): Promise<boolean>;
  /** Done: the message never comes back. A stale receipt is not an error. */
  remove(receipt: string): Promise<void>;
  /** Approximate on SQS. */
  depth(): Promise<{ ready: number; inFlight: number; dead: number }>;
  /**
   * When the oldest job was sent that waits, is delayed or is worked on; undefined when there is none. SQS does not
   * say: there it is the time of what was received last, and 1970 before anything was.
   */
  oldestSentAt(): Promise<Date | undefined>;
  /** The same operations on the dead letters; receiving from it counts nothing and moves nothing. */
  deadLetters: Pick<Jobs, 'receive' | 'extend' | 'remove'>;
  /** Moves dead letters back to the queue, on SQLite oldest first; resolves to how many. */
  redrive(max: number): Promise<number>;
  ping(): Promise<void>;
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

/** Every store of a process; nobody above compose/stores.ts knows which implementation it has. */
export interface Stores {
  readonly originals: Objects;
  readonly results: Objects;
  readonly records: Records;
  readonly jobs: Jobs;
  /** What they are, for people: the log line at the start. */
  readonly summary: string;
  /** A folder beside the objects that a file of theirs can be linked into; absent where they are no files here. */
  readonly scratchParent?: string | undefined;
  /** Clears what killed writers left; a bucket does that by a rule of its own. Resolves to how much it was. */
  collectGarbage(): Promise<number>;
  /** Looks at some thousands of results and removes the outdated ones; a bucket does that by a rule of its own. */
  removeOutdated(round: OutdatedRound): Promise<RemovedOutdated>;
  /**
   * Removes the results that were used least recently, where they take more than they may. Absent where a bucket removes
   * them by a rule of its own.
   */
  readonly evictResults?: ((round: EvictionRound) => Promise<Evicted>) | undefined;
  close(): void;
}
