import { STAGED } from '../core/query/id.ts';
import { notFound } from '../reading/absent.ts';
import { clearMasters, copyMaster } from '../reading/masters.ts';
import { isProblem, Problem } from '../shared/errors.ts';
import { newUlid } from '../shared/ulid.ts';
import { digestMetadata } from '../stores/checksum.ts';
import type { ImageRecord, RemoteSource } from '../stores/images.ts';
import type { ObjectFacts, Objects } from '../stores/objects.ts';
import type { Records } from '../stores/stores.ts';
import { pause } from '../stores/until-written.ts';
import { updateWithRetry } from '../stores/update-record.ts';
import type { VariantRecord } from '../stores/variants.ts';
import { VARIANTS_PAGE } from '../warming/queue.ts';
import { type IngestLimits, openIngest } from './ingest.ts';
import type { Intents } from './intents.ts';
import type { Measure, Measured } from './measure.ts';
import { type Debt, owedBy, owing, withoutDebt } from './owing.ts';
import type { Reconciler } from './reconciler.ts';
import { removeOwn } from './remove-own.ts';
import type { Sources } from './sources.ts';

/** Replacements of one image at once are few; whoever is overtaken this often is told so. */
const ATTEMPTS = 10;

export interface ReplacementOptions {
  readonly sources: Pick<Sources, 'refuseUpload'>;
  readonly originals: Objects;
  readonly results: Objects;
  readonly records: Records;
  readonly measure: Measure;
  readonly intents: Intents;
  readonly reconciler: Pick<Reconciler, 'reconcile'>;
  readonly limits: IngestLimits;
  readonly now: () => Date;
}

/** An image as an upload leaves it. */
export interface FinishedUpload {
  readonly record: ImageRecord;
  /** The first of them, where it had more than a page before. */
  readonly variants: readonly VariantRecord[];
}

/** Bytes that are good and lie aside, until they are an image's. */
export interface Staged extends Measured {
  readonly key: string;
  /** SHA-256 of the bytes in hex. */
  readonly digest: string;
}

/** What was fetched for an image, and when it may take the place of its bytes. */
export interface Fetched {
  /** Absent: from a bucket or folder of others. */
  readonly source?: RemoteSource;
  /** Whether the image is still the one that the bytes were fetched for. */
  readonly isMeant: (record: ImageRecord) => boolean;
  /** ETag of the bytes that may be replaced; absent: whatever is there. */
  readonly replaces?: string | undefined;
}

/** Takes new bytes in for an image that is there. */
export class Replacement {
  readonly #options: ReplacementOptions;

  constructor(options: ReplacementOptions) {
    this.#options = options;
  }

  /**
   * Replaces the bytes of an image: new version, every tier purged, its variants warmed again. What is not
   * good never touches the original that is there.
   *
   * @param feed  whose the bytes are; absent: somebody's, and no feed touches the image any more
   * @throws Problem `image_not_found`, `conflict` while the original has not arrived or when somebody else replaced it
   *         meanwhile, for a feed also where it has not brought what is there, and those of accept
   */
  async replace(
    id: string,
    source: AsyncIterable<Uint8Array>,
    feed: string | undefined,
  ): Promise<FinishedUpload> {
    const { sources, records } = this.#options;
    sources.refuseUpload(id);
    if (feed !== undefined) return this.#replaceFor(feed, id, source);
    await this.#arrived(id);
    return this.withStaged(source, async (staged) => {
      // Before the bytes are there: whoever is killed in between leaves an image that no feed removes.
      await updateWithRetry(records, id, (record) =>
        record.feed === undefined ? undefined : { feed, vanishedAt: undefined },
      );
      return this.publish(id, staged);
    });
  }

  /** Whoever puts other bytes there takes the image from its feed before: what lies there now is asked for first. */
  async #replaceFor(feed: string, id: string, source: AsyncIterable<Uint8Array>): Promise<FinishedUpload> {
    const there = await this.#options.originals.head(id).catch(unlessDamaged);
    const before = await this.#arrived(id);
    if (before.feed !== feed) throw ofOthers(id);
    const isMeant = ({ createdAt }: ImageRecord) => createdAt === before.createdAt;
    const replaces = there === 'damaged' ? undefined : there?.etag;
    return this.withStaged(source, (staged) => this.publish(id, staged, { isMeant, replaces }));
  }

  /**
   * Stores bytes aside while `work` is done with them; nothing of them stays there.
   *
   * @throws Problem those of openIngest and Measure; what `work` throws
   */
  async withStaged<T>(source: AsyncIterable<Uint8Array>, work: (staged: Staged) => Promise<T>): Promise<T> {
    const { originals, results, limits, measure, now } = this.#options;
    const { contentType, body, digest } = await openIngest(source, limits);
    const key = `${STAGED}${newUlid(now().getTime())}`;
    await originals.put(key, body, { contentType, lateMetadata: digestMetadata(digest) });
    try {
      const measured = await measure.of(key);
      if (!measured) throw new Problem('store_unavailable', 'What was stored a moment ago is not there.');
      return await work({ ...measured, key, digest: digest() });
    } finally {
      await originals.remove([key]);
      await clearMasters(results, key, undefined);
    }
  }

  /**
   * Puts staged bytes in the place of those of an image.
   *
   * @param fetched  where from, which the image then owes no more; absent: they were uploaded, and are fetched from nowhere
   *                 any more
   * @throws Problem as `replace`
   */
  async publish(id: string, staged: Staged, fetched?: Fetched): Promise<FinishedUpload> {
    // Whoever dies from here on leaves word that the original may be another one.
    const before = await this.#arrived(id);
    if (fetched?.isMeant(before) === false) throw deletedMeanwhile(id);
    await this.#options.intents.ask(id, { measure: true });
    const stored = await this.#publish(staged.key, id, fetched?.replaces);
    if (!stored) throw deletedMeanwhile(id);
    await this.moveMaster(staged, id, stored.etag);
    return this.#replaced({ ...staged, etag: stored.etag }, before, fetched);
  }

  /** What renders read of bytes that had to be decoded at their arrival goes where their image is. */
  async moveMaster({ key, etag }: Staged, id: string, stored: string): Promise<void> {
    await copyMaster(this.#options.results, { id: key, etag }, { id, etag: stored });
  }

  /** One conditional write after the other: of several at once each replaces the one before, and none is lost unseen. */
  async #publish(staged: string, id: string, replaces?: string): Promise<ObjectFacts | undefined> {
    const { originals } = this.#options;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const there = await originals.head(id).catch(unlessDamaged);
      if (!there) return undefined;
      if (there !== 'damaged' && replaces !== undefined && there.etag !== replaces) throw ofOthers(id);
      // What is damaged is as good as absent to its store, and has no ETag that could be matched.
      const condition = there === 'damaged' ? { ifAbsent: true } : { ifMatch: there.etag };
      const stored = await originals.copy(staged, id, condition);
      if (stored) return stored;
      await pause(attempt);
    }
    throw overwrittenMeanwhile(id);
  }

  /** The record of an image whose original may be replaced: not of one that is still being uploaded. */
  async #arrived(id: string): Promise<ImageRecord> {
    const record = await this.#options.records.images.get(id);
    if (!record) throw notFound(id);
    if (record.status === 'uploading') throw notArrived(id);
    return record;
  }

  /** @param before  the record as it was before the new bytes were there */
  async #replaced(
    { etag, facts, isDecoded, digest }: Staged,
    before: ImageRecord,
    fetched: Fetched | undefined,
  ): Promise<FinishedUpload> {
    const { originals, results, records, reconciler, intents } = this.#options;
    const { id, version: was } = before;
    const isUndecided = !isDecoded && (await records.variants.page(id, { limit: 1 })).items.length === 0;
    // Of an upload undefined: what was fetched before would come in its place.
    const source = fetched?.source && { ...fetched.source, version: etag };
    const isMeant = fetched?.isMeant ?? ((record: ImageRecord) => record.createdAt === before.createdAt);
    const changed = await updateWithRetry(records, id, (record) => {
      if (!isMeant(record)) return undefined;
      const rest = withoutDebt(owedBy(record), 'measure', 'fetch');
      // The bucket's own event may have been faster: then the rest is done as well, or owed.
      if (record.version === etag && was !== etag) return { source, digest, owed: rest };
      // Of the same bytes nothing would look changed, and results are about to go.
      const next = was === etag ? { generation: (record.generation ?? 0) + 1 } : {};
      const arrival = {
        version: etag,
        original: facts,
        status: 'uploaded',
        error: undefined,
        claim: undefined,
        digest,
      } as const;
      const more: Debt = { purge: true, rewarm: 'all', ...(isUndecided && { measure: true }) };
      return { ...arrival, ...next, source, owed: owing(rest, more) };
    });
    // Of two at once, the record may be that of one and the object that of the other.
    if (changed && (await originals.head(id))?.etag !== etag) await reconciler.reconcile(id);
    await intents.settle(id);
    if (isUndecided) await intents.sendArrival(id, etag);
    const [record, { items: variants }] = await Promise.all([
      records.images.get(id),
      records.variants.page(id, { limit: VARIANTS_PAGE }),
    ]);
    if (record && changed && isMeant(changed)) return { record, variants };
    await removeOwn({ originals, results }, id, etag);
    throw record ? deletedMeanwhile(id) : notFound(id);
  }
}

/** For `catch` of a look at an original that is there, but not whole. */
export function unlessDamaged(error: unknown): 'damaged' {
  if (isProblem(error) && error.code === 'damaged_store') return 'damaged';
  throw error;
}

export function notArrived(id: string): Problem {
  return new Problem('conflict', `The original of "${id}" has not arrived yet.`, { param: 'id' });
}

function overwrittenMeanwhile(id: string): Problem {
  const detail = `The original of "${id}" is being replaced by others, again and again.`;
  return new Problem('conflict', detail, {
    param: 'id',
    hint: 'Look at what is there now, then send it again.',
  });
}

/** Of bytes that were fetched, where others have put theirs since they were fetched the last time. */
export function ofOthers(id: string): Problem {
  const detail = `The original of "${id}" is not what was fetched for it any more, and stays as it is.`;
  return new Problem('conflict', detail, { param: 'id' });
}

export function deletedMeanwhile(id: string): Problem {
  return new Problem('conflict', `"${id}" was deleted while it was being uploaded.`, { param: 'id' });
}
