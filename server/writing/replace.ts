import { STAGED } from '../core/query/id.ts';
import { clearMasters, copyMaster } from '../reading/masters.ts';
import { notFound } from '../reading/versions.ts';
import { isProblem, Problem } from '../shared/errors.ts';
import { newUlid } from '../shared/ulid.ts';
import type { ImageRecord, ObjectFacts, Objects, Owed, Records, VariantRecord } from '../stores/contracts.ts';
import { pause, updateWithRetry } from '../stores/update-record.ts';
import { VARIANTS_PAGE } from '../warming/queue.ts';
import { type IngestLimits, openIngest } from './ingest.ts';
import type { Intents } from './intents.ts';
import type { Measure, Measured } from './measure.ts';
import { type Debt, owedBy, owing } from './owing.ts';
import type { Reconciler } from './reconciler.ts';
import { removeOwn } from './remove-own.ts';

/** Replacements of one image at once are few; whoever is overtaken this often is told so. */
const ATTEMPTS = 10;

export interface ReplacementOptions {
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
   * @throws Problem `image_not_found`, `conflict` while the original has not arrived or when somebody else replaced it
   *         meanwhile, and those of accept
   */
  async replace(id: string, source: AsyncIterable<Uint8Array>): Promise<FinishedUpload> {
    const { originals, results, limits, measure, intents, now } = this.#options;
    await this.#arrived(id);
    const { contentType, body, digest } = await openIngest(source, limits);
    const staged = `${STAGED}${newUlid(now().getTime())}`;
    await originals.put(staged, body, { contentType });
    try {
      const measured = await measure.of(staged);
      if (!measured) throw deletedMeanwhile(id);
      // Whoever dies from here on leaves word that the original may be another one.
      const before = await this.#arrived(id);
      await intents.ask(id, { measure: true });
      const stored = await this.#publish(staged, id);
      if (!stored) throw deletedMeanwhile(id);
      await copyMaster(results, { id: staged, etag: measured.etag }, { id, etag: stored.etag });
      return await this.#replaced({ ...measured, etag: stored.etag }, digest(), before);
    } finally {
      await originals.remove([staged]);
      await clearMasters(results, staged, undefined);
    }
  }

  /** One conditional write after the other: of several at once each replaces the one before, and none is lost unseen. */
  async #publish(staged: string, id: string): Promise<ObjectFacts | undefined> {
    const { originals } = this.#options;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const there = await originals.head(id).catch(unlessDamaged);
      if (!there) return undefined;
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
    { etag, facts, isDecoded }: Measured,
    digest: string,
    before: ImageRecord,
  ): Promise<FinishedUpload> {
    const { originals, records, reconciler, intents } = this.#options;
    const { id, version: was } = before;
    const isUndecided = !isDecoded && (await records.variants.page(id, { limit: 1 })).items.length === 0;
    const changed = await updateWithRetry(records, id, (record) => {
      const owed = owedBy(record);
      const { measure: _done, ...debt } = owed ?? { token: '' };
      // The bucket's own event may have been faster: then the rest is done as well, or owed.
      if (record.version === etag && was !== etag) return { digest, owed: owed?.measure && rest(debt) };
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
      return { ...arrival, ...next, owed: owing(rest(debt), more) };
    });
    // Of two at once, the record may be that of one and the object that of the other.
    if (changed && (await originals.head(id))?.etag !== etag) await reconciler.reconcile(id);
    await intents.settle(id);
    if (isUndecided) await intents.sendArrival(id, etag);
    const [record, { items: variants }] = await Promise.all([
      records.images.get(id),
      records.variants.page(id, { limit: VARIANTS_PAGE }),
    ]);
    if (record) return { record, variants };
    await removeOwn(originals, id, etag);
    throw notFound(id);
  }
}

/** For `catch` of a look at an original that is there, but not whole. */
export function unlessDamaged(error: unknown): 'damaged' {
  if (isProblem(error) && error.code === 'damaged_store') return 'damaged';
  throw error;
}

function rest(owed: Owed): Owed | undefined {
  return Object.keys(owed).length > 1 ? owed : undefined;
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

export function deletedMeanwhile(id: string): Problem {
  return new Problem('conflict', `"${id}" was deleted while it was being uploaded.`, { param: 'id' });
}
