import { readId } from '../core/query/id.ts';
import type { Originals } from '../reading/originals.ts';
import { Problem } from '../shared/errors.ts';
import { newUlid } from '../shared/ulid.ts';
import { digestMetadata } from '../stores/checksum.ts';
import type { ImageRecord } from '../stores/images.ts';
import { buryIf, updateWithRetry } from '../stores/update-record.ts';
import { currentVersion, named } from '../warming/queue.ts';
import type { WarmSets } from '../warming/warm-set.ts';
import { type Claim, claimId } from './claim.ts';
import type { Details } from './details.ts';
import { openIngest } from './ingest.ts';
import type { Measured } from './measure.ts';
import { owing } from './owing.ts';
import { relateOne } from './relate.ts';
import { removeOwn } from './remove-own.ts';
import { type Repeated, Repeats, taken } from './repeats.ts';
import { deletedMeanwhile, type FinishedUpload, Replacement, type ReplacementOptions } from './replace.ts';

export interface UploadsOptions extends ReplacementOptions {
  readonly lookups: Pick<Originals, 'refresh'>;
  readonly maxUploads: number;
  readonly warmSets: Pick<WarmSets, 'formsFor'>;
}

/** An upload whose bytes are stored and good; nobody has been told of it yet. */
export interface Accepted extends Measured, Claim {
  /** SHA-256 of the bytes in hex. */
  readonly digest: string;
}

/** Takes originals in. Whatever goes wrong on the way, nothing of the file stays. */
export class Uploads {
  readonly #options: UploadsOptions;
  readonly #replacing: Replacement;
  readonly #repeats: Repeats;
  #inFlight = 0;

  constructor(options: UploadsOptions) {
    this.#options = options;
    this.#replacing = new Replacement(options);
    this.#repeats = new Repeats(options);
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
   * Stores a file under a new id, or a given one that is free. What lies there already is not stored again.
   *
   * @param said  what the form has said so far; `finish` says the rest
   * @throws Problem `unsupported_source`, `upload_too_large`, `source_too_large`, `damaged_source`, `unrenderable`,
   *         `too_many_pixels`, `conflict`, `invalid_parameter` for the id; the error of `source`
   */
  async accept(
    source: AsyncIterable<Uint8Array>,
    givenId?: string,
    said: Details = {},
  ): Promise<Accepted | Repeated> {
    const { originals, limits, now } = this.#options;
    const id = givenId === undefined ? newUlid(now().getTime()) : this.#readId(givenId);
    // Not every S3-compatible store knows conditional writes.
    const standing = givenId === undefined ? undefined : await this.#repeats.standing(id);
    if (standing) return this.#repeats.accept(standing, source);
    const { contentType, body, digest } = await openIngest(source, limits);
    const lateMetadata = digestMetadata(digest);
    const claim = await this.#claim(id, said);
    let etag: string | undefined;
    try {
      etag = (await originals.put(id, body, { contentType, ifAbsent: true, lateMetadata }))?.etag;
      if (etag === undefined) throw taken(id);
      const measured = await this.#options.measure.of(id);
      if (!measured) throw deletedMeanwhile(id);
      return { ...claim, ...measured, digest: digest() };
    } catch (error) {
      await this.#takeBack(claim, etag);
      throw error;
    }
  }

  /** @throws Problem `invalid_parameter`, `conflict` for one of a source */
  #readId(text: string): string {
    const id = readId(text);
    this.#options.sources.refuseUpload(id);
    return id;
  }

  /** @throws Problem `conflict` */
  async #claim(
    id: string,
    { title, description, webhook, feed, variants = [], requested }: Details,
  ): Promise<Claim> {
    const { records, now } = this.#options;
    const owed = owing(undefined, {
      warm: await this.#warm(id, variants),
      ...(requested && { requested }),
    });
    const said = Object.entries({ title, description, webhook, feed }).filter(
      ([, text]) => text !== undefined,
    );
    const claim = await claimId(records, { id, ...Object.fromEntries(said), owed }, now);
    if (!claim) throw taken(id);
    return claim;
  }

  /** Moves an accepted upload to the id that was told too late, inside the store. */
  async rename(accepted: Accepted | Repeated, id: string, said: Details): Promise<Accepted | Repeated> {
    const standing = await this.#repeats.standing(this.#readId(id));
    const moved = standing
      ? await this.#repeats.compare(standing, accepted.digest)
      : await this.#copy(accepted, id, said);
    if ('isRepeated' in accepted) await this.#options.intents.bury(accepted.id, 'all');
    else await this.discard(accepted);
    return moved;
  }

  async #copy(from: Accepted | Repeated, id: string, said: Details): Promise<Accepted> {
    const { originals, measure } = this.#options;
    const measured = 'isRepeated' in from ? await measure.of(from.id) : from;
    if (!measured) throw deletedMeanwhile(from.id);
    const claim = await this.#claim(id, said);
    let etag: string | undefined;
    try {
      etag = (await originals.copy(from.id, id, { ifAbsent: true }))?.etag;
      if (etag === undefined) throw (await originals.head(from.id)) ? taken(id) : deletedMeanwhile(from.id);
      const { facts, isDecoded } = measured;
      return { ...claim, etag, facts, digest: from.digest, isDecoded };
    } catch (error) {
      await this.#takeBack(claim, etag);
      throw error;
    }
  }

  /** Takes an upload back that nobody was told of. */
  async discard(accepted: Accepted | Repeated): Promise<void> {
    if (!('isRepeated' in accepted)) await this.#takeBack(accepted, accepted.etag);
  }

  /**
   * Undoes an upload. What others put or wrote under its id meanwhile stays.
   *
   * @param etag  of the object; undefined when none was put
   */
  async #takeBack({ id, createdAt, end }: Claim, etag: string | undefined): Promise<void> {
    const { originals, results, records, intents, reconciler } = this.#options;
    end();
    const isOurs = (record: ImageRecord) =>
      record.createdAt === createdAt && (record.version === undefined || record.version === etag);
    const isThere = etag !== undefined && (await originals.head(id))?.etag === etag;
    // Word of it first: whoever dies in the middle leaves a tombstone, and not an upload that becomes an image.
    const owed = owing(undefined, { delete: isThere ? 'all' : 'rest' });
    const isBuried = await buryIf(records, id, owed, isOurs);
    // The record is somebody else's by now; the bytes are still ours.
    if (!isBuried && isThere) await removeOwn({ originals, results }, id, etag);
    await intents.trySettle(id);
    // Of somebody else: its event was left to us as long as we held the id.
    if (await originals.head(id)) await reconciler.reconcile(id);
  }

  /**
   * Makes an accepted upload an image: record, collection, variants, work for the warmer.
   *
   * @throws Problem `collection_not_found`, `conflict` when it was deleted meanwhile; the upload stays
   */
  async finish(accepted: Accepted | Repeated, details: Details): Promise<FinishedUpload> {
    const { records, intents, lookups, reconciler } = this.#options;
    const { title, description, webhook, collection, variants = [], requested = {} } = details;
    const warm = await this.#warm(accepted.id, variants);
    const asked = { warm, requested };
    if ('isRepeated' in accepted) return this.#repeats.finish(accepted, details, warm);
    const { id, owner, etag, facts, digest, isDecoded, end } = accepted;
    if (collection !== undefined) await relateOne(records, collection, id);
    // Of an original of which nothing is asked that would show whether it can be rendered, a warmer finds out.
    const isUndecided = !isDecoded && warm.length === 0;
    const said = { title, description, webhook, digest, claim: undefined, openUntil: undefined };
    const uploaded = await updateWithRetry(records, id, ({ claim, status, owed }) => {
      // Without our claim it is another one's, or the bucket's own event was faster and has the image on its way.
      if (claim !== owner) return status === 'uploading' ? undefined : said;
      const arrival = { version: etag, original: facts, status: 'uploaded' } as const;
      return { ...said, ...arrival, owed: owing(owed, isUndecided ? { ...asked, measure: true } : asked) };
    });
    end();
    if (!uploaded || uploaded.status === 'uploading') throw deletedMeanwhile(id);
    const seen = await lookups.refresh(id);
    // Overwritten or removed by others, whose event was left to us.
    if (seen?.version !== currentVersion(uploaded)) await reconciler.reconcile(id);
    const settled = await intents.ask(id, isSame(uploaded.owed?.warm, warm) ? undefined : asked);
    if (!settled) throw deletedMeanwhile(id);
    if (isUndecided) await intents.sendArrival(id, etag);
    return { record: settled.record, variants: named(await records.variants.list(id), warm) };
  }

  async #warm(id: string, variants: readonly string[]): Promise<string[]> {
    return [...new Set([...variants, ...(await this.#options.warmSets.formsFor(id))])];
  }

  /** @see Replacement.replace */
  replace(id: string, source: AsyncIterable<Uint8Array>, feed?: string): Promise<FinishedUpload> {
    return this.#replacing.replace(id, source, feed);
  }
}

function isSame(a: readonly string[] | undefined, b: readonly string[]): boolean {
  return b.every((one) => a?.includes(one));
}
