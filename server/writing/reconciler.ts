import type { Problem } from '../shared/errors.ts';
import type { ImageRecord, Objects, Records } from '../stores/contracts.ts';
import type { WarmQueue } from '../warming/queue.ts';
import { isRefusal, type Measure, type Measured } from './measure.ts';
import type { Purge } from './purge.ts';

/** How long somebody may take to send the bytes of an upload that was announced. */
export const UPLOAD_SECONDS = 3600;
/** Held by a server that takes an upload in itself, and longer than any request may last. */
export const uploadLease = (id: string): string => `upload/${id}`;

/** An object that changes more often than this while one event is handled is handled by the next one. */
const ROUNDS = 5;

export interface ReconcilerOptions {
  readonly originals: Objects;
  readonly records: Records;
  readonly measure: Measure;
  readonly purge: Purge;
  readonly warmQueue: WarmQueue;
  /** Canonical forms that every new image gets. */
  readonly defaults: readonly string[];
  readonly now: () => Date;
}

/**
 * Brings the record of an image in line with the object that is there, put or removed by whatever hand.
 *
 * Events are hints: what counts is the object as it stands. So one that comes twice, late or in the wrong
 * order changes nothing, and the sweep may call this for any record that did not get on.
 */
export class Reconciler {
  readonly #options: ReconcilerOptions;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
  }

  /**
   * An object was put: a new one becomes known and warm, an overwritten one is purged and warmed again, an
   * announced upload is completed.
   *
   * @param _etag  as the event says; the object that is there now decides
   * @throws Problem `overloaded`, `store_unavailable`: worth another try
   */
  async created(id: string, _etag?: string): Promise<void> {
    await this.reconcile(id);
  }

  /** An object was removed: so are record, results and the edge's copies, unless it is there again. */
  async removed(id: string): Promise<void> {
    await this.reconcile(id);
  }

  async reconcile(id: string): Promise<void> {
    for (let round = 0; round < ROUNDS; round++) {
      const object = await this.#options.originals.head(id);
      const record = await this.#options.records.images.get(id);
      if (!object) {
        if (await this.#gone(id, record)) return;
        continue;
      }
      if (!(await this.#arrived(id, record, object.etag))) continue;
      const now = await this.#options.originals.head(id);
      if (now?.etag === object.etag) return;
    }
  }

  /** False when the record changed meanwhile, and all is to be looked at again. */
  async #gone(id: string, record: ImageRecord | undefined): Promise<boolean> {
    const { records, purge } = this.#options;
    if (!record) {
      await purge.clearStray(id);
      return true;
    }
    // A refused upload: the record says why until somebody deletes it.
    if (record.status === 'failed' && record.version === undefined) return true;
    if (record.status === 'uploading' && (await this.#mayStillCome(record))) return true;
    // The results go before the record: after a crash between the two, only the record says that there are results.
    await purge.clear(id);
    // A new upload may have the id by now.
    return (await records.images.remove(id, record)) !== undefined;
  }

  /**
   * Whether an upload of this id is under way. It writes the record itself, with the title, collection and variants
   * that the bucket's event does not know; reconciling beside it would make a record without them.
   */
  async #isTakenIn(id: string): Promise<boolean> {
    const { records } = this.#options;
    if (!(await records.locks.lease(uploadLease(id), 'reconciler', 1))) return true;
    await records.locks.release(uploadLease(id), 'reconciler');
    return false;
  }

  /** The bytes of an upload: while its form is open or, without one, while a server is at it. */
  async #mayStillCome({ id, openUntil }: ImageRecord): Promise<boolean> {
    if (openUntil === undefined) return this.#isTakenIn(id);
    return Date.parse(openUntil) > this.#options.now().getTime();
  }

  /** False when the record or the object changed meanwhile, and all is to be looked at again. */
  async #arrived(id: string, record: ImageRecord | undefined, etag: string): Promise<boolean> {
    if (record?.version === etag) {
      if (record.status !== 'uploaded') return true;
      // There was no slot to decode it in when it came.
      const known = record.original?.placeholder ? 'good' : await this.#known(id, record);
      // The writer of `uploaded` was killed before it purged and warmed, or is about to. Doing both twice is harmless;
      // leaving them out would serve old results of new bytes.
      await this.#options.purge.clear(id);
      if (known === 'good') await this.#warm(id);
      return known !== undefined;
    }
    if (record?.status === 'uploading' && (await this.#isTakenIn(id))) return true;
    const known = await this.#known(id, record);
    if (!known) return false;
    if (!record) await this.#options.purge.clearStray(id);
    else if (record.version !== undefined) await this.#options.purge.clear(id);
    if (known === 'good') await this.#warm(id);
    return true;
  }

  /** Measures the object into its record. Undefined when the object has gone or another writer changed the record. */
  async #known(
    id: string,
    before: ImageRecord | undefined,
  ): Promise<'good' | 'undecided' | 'refused' | undefined> {
    let measured: Measured | undefined;
    try {
      measured = await this.#options.measure.of(id);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      return this.#refused(id, before, error);
    }
    if (!measured) return undefined;
    const arrival = { version: measured.etag, original: measured.facts, status: 'uploaded' } as const;
    const change = { ...arrival, error: undefined };
    const written = before
      ? await this.#options.records.images.update(id, before.revision, change)
      : await this.#create({ id, ...arrival });
    if (!written) return undefined;
    if (measured.isDecoded || (await this.#asked(id)).length) return 'good';
    await this.#options.warmQueue.sendArrival(id, measured.etag);
    return 'undecided';
  }

  /**
   * Bytes that are no image. What was uploaded through us goes, and its record says why; what others keep in
   * their bucket is theirs and stays.
   */
  async #refused(id: string, before: ImageRecord | undefined, why: Problem): Promise<'refused' | undefined> {
    const { originals, records, warmQueue } = this.#options;
    const version = (await originals.head(id))?.etag;
    if (version === undefined) return undefined;
    const failure = { status: 'failed', error: why.detail } as const;
    if (!before) return (await this.#create({ id, ...failure, version })) ? 'refused' : undefined;
    const isOurs = before.status === 'uploading';
    const isAwaited = isOurs || before.status === 'uploaded';
    const change = isOurs ? failure : { ...failure, version, original: undefined };
    // Variants are given up before the record is written: after a crash between the two, this runs again.
    if (isAwaited) await warmQueue.giveUp(id, why.detail);
    const written = await records.images.update(id, before.revision, change);
    if (written && isOurs) await originals.remove([id]);
    if (written && isAwaited) await warmQueue.tell(written);
    return written ? 'refused' : undefined;
  }

  #create(image: Omit<ImageRecord, 'createdAt' | 'revision' | 'updatedAt' | 'collection'>): Promise<boolean> {
    return this.#options.records.images.create({ ...image, createdAt: this.#options.now().toISOString() });
  }

  async #warm(id: string): Promise<void> {
    await this.#options.warmQueue.renew(id, await this.#asked(id));
  }

  /** Everything that this image is known to be asked for, and what every image is. */
  async #asked(id: string): Promise<string[]> {
    const { records, defaults } = this.#options;
    const known = (await records.variants.list(id)).map(({ variant }) => variant);
    return [...new Set([...known, ...defaults])];
  }
}
