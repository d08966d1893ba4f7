import { randomUUID } from 'node:crypto';
import { uploadLease } from './arrivals.ts';
import { readId } from './core/id.ts';
import { Problem } from './errors.ts';
import { type IntakeLimits, openIntake } from './intake.ts';
import type { Measure, Measured } from './measure.ts';
import { notFound, type Originals } from './originals.ts';
import type { Purge } from './purge.ts';
import { revise } from './revise.ts';
import type { ImageRecord, Objects, Records, VariantRecord } from './stores/contracts.ts';
import { newUlid } from './ulid.ts';
import type { Warming } from './warming.ts';

/** A request lasts 300 s at most; a server that was killed holds an id no longer than this. */
const LEASE_SECONDS = 600;

/** Where bytes lie that are to replace an original, until they are known to be good. No id begins like this. */
export const STAGED = '.incoming/';

export interface UploadsOptions {
  readonly originals: Objects;
  readonly records: Records;
  readonly measure: Measure;
  readonly purge: Purge;
  readonly warming: Warming;
  readonly lookups: Pick<Originals, 'refresh'>;
  readonly limits: IntakeLimits;
  readonly maxUploads: number;
  /** Canonical forms that every new image gets. */
  readonly defaults: readonly string[];
  readonly now: () => Date;
}

/** An upload whose bytes are stored and good; nobody has been told of it yet. */
export interface Accepted extends Measured {
  readonly id: string;
}

/** What is said of an image beside its bytes. */
export interface Details {
  readonly title?: string | undefined;
  readonly description?: string | undefined;
  readonly collection?: string | undefined;
  readonly webhook?: string | undefined;
  /** Canonical forms. */
  readonly variants?: readonly string[] | undefined;
}

export interface Finished {
  readonly record: ImageRecord;
  readonly variants: readonly VariantRecord[];
}

/** Takes originals in. Whatever goes wrong on the way, nothing of the file stays. */
export class Uploads {
  readonly #options: UploadsOptions;
  readonly #owner = randomUUID();
  #inFlight = 0;

  constructor(options: UploadsOptions) {
    this.#options = options;
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
   * @throws Problem `unsupported_source`, `upload_too_large`, `source_too_large`, `damaged_source`,
   *         `too_many_pixels`, `conflict`, `invalid_parameter` for the id; the error of `source`
   */
  async accept(source: AsyncIterable<Uint8Array>, givenId?: string): Promise<Accepted> {
    const { originals, records, limits, now } = this.#options;
    const id = givenId === undefined ? newUlid(now().getTime()) : readId(givenId);
    const { contentType, body } = await openIntake(source, limits);
    // Asked too, since not every S3-compatible store knows conditional writes.
    if (givenId !== undefined && (await originals.head(id))) throw taken(id);
    if (!(await records.lease(uploadLease(id), this.#owner, LEASE_SECONDS))) throw taken(id);
    const createdAt = now().toISOString();
    if (!(await records.createImage({ id, status: 'uploading', createdAt }))) {
      await records.release(uploadLease(id), this.#owner);
      throw taken(id);
    }
    let isStored = false;
    try {
      isStored = (await originals.put(id, body, { contentType, ifAbsent: true })) !== undefined;
      if (!isStored) throw taken(id);
      const measured = await this.#options.measure.of(id);
      if (!measured) throw deletedMeanwhile(id);
      return { id, ...measured };
    } catch (error) {
      await (isStored ? this.discard(id) : this.#forget(id));
      throw error;
    }
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
      await this.discard(accepted.id).catch(async (error) => {
        // The caller knows of the old id alone.
        if (renamed) await this.discard(id);
        throw error;
      });
    }
  }

  /** Takes an upload back that nobody was told of. */
  async discard(id: string): Promise<void> {
    const { originals, purge } = this.#options;
    await originals.remove([id]);
    await this.#forget(id);
    // At most an orphan of an id that nobody was told stays; without its original it is never served.
    await purge.clearInside(id).catch(() => undefined);
  }

  async #forget(id: string): Promise<void> {
    const { records } = this.#options;
    await records.removeImage(id);
    await records.release(uploadLease(id), this.#owner);
  }

  /**
   * Makes an accepted upload an image: record, collection, variants, work for the warmer.
   *
   * @throws Problem `collection_not_found`, `conflict` when it was deleted meanwhile; the upload stays
   */
  async finish({ id, etag, facts }: Accepted, details: Details): Promise<Finished> {
    const { records, warming, lookups, defaults } = this.#options;
    const { title, description, webhook, collection, variants = [] } = details;
    const said = { title, description, webhook };
    const uploaded = await revise(records, id, ({ status }) =>
      // The bucket's own event may have been faster; then the record has got on already.
      status === 'uploading' ? { ...said, version: etag, original: facts, status: 'uploaded' } : said,
    );
    if (!uploaded) throw deletedMeanwhile(id);
    if (collection !== undefined) await relateOne(records, collection, id);
    await lookups.refresh(id);
    const queued = await warming.queue(id, [...new Set([...variants, ...defaults])]);
    const record = await records.image(id);
    if (!queued || !record) throw deletedMeanwhile(id);
    await records.release(uploadLease(id), this.#owner);
    return { record, variants: queued };
  }

  /**
   * Replaces the bytes of an image: new version, every tier purged, its variants warmed again. What is not
   * good never touches the original that is there.
   *
   * @throws Problem `image_not_found` and those of accept
   */
  async replace(id: string, source: AsyncIterable<Uint8Array>): Promise<Finished> {
    const { originals, records, limits, measure, now } = this.#options;
    if (!(await records.image(id))) throw notFound(id);
    const { contentType, body } = await openIntake(source, limits);
    const staged = `${STAGED}${newUlid(now().getTime())}`;
    await originals.put(staged, body, { contentType });
    try {
      const measured = await measure.of(staged);
      const object = measured && (await originals.get(staged));
      if (!measured || !object) throw deletedMeanwhile(id);
      const stored = await originals.put(id, object.body, { contentType });
      return await this.#replaced(id, { ...measured, etag: stored?.etag ?? measured.etag });
    } finally {
      await originals.remove([staged]);
    }
  }

  async #replaced(id: string, { etag, facts }: Measured): Promise<Finished> {
    const { originals, records, purge, warming } = this.#options;
    const changed = await revise(records, id, ({ version, generation = 0 }) => ({
      ...{ version: etag, original: facts, status: 'uploaded', error: undefined },
      // Of the same bytes nothing would look changed, and results are about to go.
      generation: version === etag ? generation + 1 : generation,
    }));
    if (!changed) {
      await originals.remove([id]);
      throw notFound(id);
    }
    await purge.clear(id);
    const known = (await records.variants(id)).map(({ variant }) => variant);
    const variants = await warming.queue(id, known);
    const record = await records.image(id);
    if (!variants || !record) throw notFound(id);
    return { record, variants };
  }
}

async function relateOne(records: Records, collection: string, id: string): Promise<void> {
  const related = await records.relate(collection, [id]);
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

export function deletedMeanwhile(id: string): Problem {
  return new Problem('conflict', `"${id}" was deleted while it was being uploaded.`, { param: 'id' });
}

/** Removes staged bytes whose server was killed; resolves to how many there were. */
export async function removeStaged(originals: Objects, before: Date): Promise<number> {
  const { items } = await originals.list({ prefix: STAGED, limit: 1000 });
  const old = items.filter(({ lastModified }) => lastModified < before).map(({ key }) => key);
  await originals.remove(old);
  return old.length;
}
