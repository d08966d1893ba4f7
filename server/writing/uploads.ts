import { randomUUID } from 'node:crypto';
import { readId } from '../core/query/id.ts';
import type { Originals } from '../reading/originals.ts';
import { Problem } from '../shared/errors.ts';
import { newUlid } from '../shared/ulid.ts';
import type { ImageRecord, Records } from '../stores/contracts.ts';
import { removeIf, updateWithRetry } from '../stores/update-record.ts';
import { currentVersion } from '../warming/queue.ts';
import { openIngest } from './ingest.ts';
import type { Measured } from './measure.ts';
import { uploadLease } from './reconciler.ts';
import {
  deletedMeanwhile,
  type FinishedUpload,
  Replacement,
  type ReplacementOptions,
  removeOwn,
} from './replace.ts';

/** A request lasts 300 s at most; a server that was killed holds an id no longer than this. */
const LEASE_SECONDS = 600;

export interface UploadsOptions extends ReplacementOptions {
  readonly lookups: Pick<Originals, 'refresh'>;
  readonly maxUploads: number;
  /** Canonical forms that every new image gets. */
  readonly defaults: readonly string[];
}

/** An id as one upload holds it. */
interface Claim {
  readonly id: string;
  /** Of its lease. Each upload has its own: of two in one process, the loser leaves the other's alone. */
  readonly owner: string;
  /** Of its record. */
  readonly createdAt: string;
}

/** An upload whose bytes are stored and good; nobody has been told of it yet. */
export interface Accepted extends Measured, Claim {}

/** What is said of an image beside its bytes. */
export interface Details {
  readonly title?: string | undefined;
  readonly description?: string | undefined;
  readonly collection?: string | undefined;
  readonly webhook?: string | undefined;
  /** Canonical forms. */
  readonly variants?: readonly string[] | undefined;
}

/** Takes originals in. Whatever goes wrong on the way, nothing of the file stays. */
export class Uploads {
  readonly #options: UploadsOptions;
  readonly #replacing: Replacement;
  #inFlight = 0;

  constructor(options: UploadsOptions) {
    this.#options = options;
    this.#replacing = new Replacement(options);
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /**
   * Does `work` in one of the slots for uploads.
   *
   * @throws Problem `overloaded` at once when none is free
   */
  async withSlot<T>(work: () => Promise<T>): Promise<T> {
    const { maxUploads } = this.#options;
    if (this.#inFlight >= maxUploads) {
      const detail = `${maxUploads} uploads are in flight; try again in 2 s.`;
      throw new Problem('overloaded', detail, { retryAfterSeconds: 2 });
    }
    this.#inFlight += 1;
    try {
      return await work();
    } finally {
      this.#inFlight -= 1;
    }
  }

  /**
   * Stores a file under a new id, or a given one that is free.
   *
   * @throws Problem `unsupported_source`, `upload_too_large`, `source_too_large`, `damaged_source`, `unrenderable`,
   *         `too_many_pixels`, `conflict`, `invalid_parameter` for the id; the error of `source`
   */
  async accept(source: AsyncIterable<Uint8Array>, givenId?: string): Promise<Accepted> {
    const { originals, limits, now } = this.#options;
    const id = givenId === undefined ? newUlid(now().getTime()) : readId(givenId);
    // Before a byte is read; and not every S3-compatible store knows conditional writes.
    if (givenId !== undefined && (await this.#isTaken(id))) throw taken(id);
    const { contentType, body } = await openIngest(source, limits);
    const claim = { id, owner: randomUUID(), createdAt: now().toISOString() };
    await this.#claim(claim);
    let etag: string | undefined;
    try {
      etag = (await originals.put(id, body, { contentType, ifAbsent: true }))?.etag;
      if (etag === undefined) throw taken(id);
      const measured = await this.#options.measure.of(id);
      if (!measured) throw deletedMeanwhile(id);
      return { ...claim, ...measured };
    } catch (error) {
      await this.#takeBack(claim, etag);
      throw error;
    }
  }

  async #isTaken(id: string): Promise<boolean> {
    const { originals, records } = this.#options;
    const [object, record] = await Promise.all([originals.head(id), records.images.get(id)]);
    return object !== undefined || record !== undefined;
  }

  /** @throws Problem `conflict` */
  async #claim({ id, owner, createdAt }: Claim): Promise<void> {
    const { records } = this.#options;
    if (!(await records.locks.lease(uploadLease(id), owner, LEASE_SECONDS))) throw taken(id);
    if (await records.images.create({ id, status: 'uploading', createdAt })) return;
    await records.locks.release(uploadLease(id), owner);
    throw taken(id);
  }

  /** Stores an accepted upload under the id that was told too late. */
  async rename(accepted: Accepted, id: string): Promise<Accepted> {
    const object = await this.#options.originals.get(accepted.id);
    if (!object) throw deletedMeanwhile(accepted.id);
    let renamed: Accepted | undefined;
    try {
      renamed = await this.accept(object.body, id);
      return renamed;
    } finally {
      object.body.destroy();
      await this.discard(accepted).catch(async (error) => {
        // The caller can only undo the upload that it knows of; the renamed copy would stay for ever.
        if (renamed) await this.discard(renamed);
        throw error;
      });
    }
  }

  /** Undoes an upload whose id has not been given out. */
  async discard(accepted: Accepted): Promise<void> {
    await this.#takeBack(accepted, accepted.etag);
  }

  /**
   * Undoes an upload. What others put or wrote under its id meanwhile stays.
   *
   * @param etag  of the object; undefined when none was put
   */
  async #takeBack({ id, owner, createdAt }: Claim, etag: string | undefined): Promise<void> {
    const { originals, records, purge, reconciler } = this.#options;
    if (etag !== undefined) await removeOwn(originals, id, etag);
    const isOurs = (record: ImageRecord) =>
      record.createdAt === createdAt && (record.version === undefined || record.version === etag);
    await removeIf(records, id, isOurs);
    await records.locks.release(uploadLease(id), owner);
    // A failure here may leave a result behind. It is never served: every answer looks up its original first, and
    // that is gone. Nobody has been told the id either.
    if (etag !== undefined) await purge.clearInside(id).catch(() => undefined);
    // An object that is still here was put by another writer. Its event was ignored while this upload held the lease,
    // so it is reconciled now.
    if (await originals.head(id)) await reconciler.reconcile(id);
  }

  /**
   * Makes an accepted upload an image: record, collection, variants, work for the warmer.
   *
   * @throws Problem `collection_not_found`, `conflict` when it was deleted meanwhile; the upload stays
   */
  async finish({ id, owner, etag, facts, isDecoded }: Accepted, details: Details): Promise<FinishedUpload> {
    const { records, warmQueue, lookups, reconciler, defaults } = this.#options;
    const { title, description, webhook, collection, variants = [] } = details;
    const said = { title, description, webhook };
    const uploaded = await updateWithRetry(records, id, ({ status }) =>
      // The bucket's own event may have advanced the record already: its version and status are then the newer ones.
      status === 'uploading' ? { ...said, version: etag, original: facts, status: 'uploaded' } : said,
    );
    if (!uploaded) throw deletedMeanwhile(id);
    if (collection !== undefined) await relateOne(records, collection, id);
    const seen = await lookups.refresh(id);
    // Overwritten or removed by others, whose event was left to us.
    if (seen?.version !== currentVersion(uploaded)) await reconciler.reconcile(id);
    const asked = [...new Set([...variants, ...defaults])];
    const queued =
      isDecoded || asked.length ? await warmQueue.queue(id, asked) : await warmQueue.sendArrival(id, etag);
    const record = await records.images.get(id);
    if (!queued || !record) throw deletedMeanwhile(id);
    await records.locks.release(uploadLease(id), owner);
    return { record, variants: queued };
  }

  /** @see Replacement.replace */
  replace(id: string, source: AsyncIterable<Uint8Array>): Promise<FinishedUpload> {
    return this.#replacing.replace(id, source);
  }
}

async function relateOne(records: Records, collection: string, id: string): Promise<void> {
  const related = await records.collections.relate(collection, [id]);
  if (!('refused' in related)) return;
  if (related.refused === 'collection_absent') throw collectionNotFound(collection);
  throw deletedMeanwhile(id);
}

export function collectionNotFound(id: string): Problem {
  const facts = { param: 'collection', received: id };
  return new Problem('collection_not_found', `There is no collection "${id}".`, facts);
}

export function taken(id: string): Problem {
  const hint = 'To replace the bytes of an image: PUT /api/images/{id}/original.';
  return new Problem('conflict', `The id "${id}" is taken.`, { param: 'id', received: id, hint });
}
