import type { OutgoingJob } from './jobs.ts';
import type { Progress } from './locks.ts';
import type { Page } from './page.ts';
import type { Requested } from './variants.ts';

export const IMAGE_STATUSES = [
  'uploading',
  'uploaded',
  'processing',
  'completed',
  'partial',
  'failed',
] as const;

export type ImageStatus = (typeof IMAGE_STATUSES)[number];

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
