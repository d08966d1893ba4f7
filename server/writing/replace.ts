import { STAGED } from '../core/query/id.ts';
import { notFound } from '../reading/originals.ts';
import { Problem } from '../shared/errors.ts';
import { newUlid } from '../shared/ulid.ts';
import type { ImageRecord, Objects, Records, VariantRecord } from '../stores/contracts.ts';
import { updateWithRetry } from '../stores/update-record.ts';
import type { WarmQueue } from '../warming/queue.ts';
import { type IngestLimits, openIngest } from './ingest.ts';
import type { Measure, Measured } from './measure.ts';
import type { Purge } from './purge.ts';
import type { Reconciler } from './reconciler.ts';

export interface ReplacementOptions {
  readonly originals: Objects;
  readonly records: Records;
  readonly measure: Measure;
  readonly purge: Purge;
  readonly warmQueue: WarmQueue;
  readonly reconciler: Pick<Reconciler, 'reconcile'>;
  readonly limits: IngestLimits;
  readonly now: () => Date;
}

/** An image as an upload leaves it. */
export interface FinishedUpload {
  readonly record: ImageRecord;
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
   * @throws Problem `image_not_found`, `conflict` while the original has not arrived, and those of accept
   */
  async replace(id: string, source: AsyncIterable<Uint8Array>): Promise<FinishedUpload> {
    const { originals, limits, measure, now } = this.#options;
    await this.#arrived(id);
    const { contentType, body } = await openIngest(source, limits);
    const staged = `${STAGED}${newUlid(now().getTime())}`;
    await originals.put(staged, body, { contentType });
    try {
      const measured = await measure.of(staged);
      // Looked at again: the bytes took their time.
      const before = await this.#arrived(id);
      const object = measured && (await originals.get(staged));
      if (!measured || !object) throw deletedMeanwhile(id);
      const stored = await originals.put(id, object.body, { contentType });
      return await this.#replaced({ ...measured, etag: stored?.etag ?? measured.etag }, before);
    } finally {
      await originals.remove([staged]);
    }
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
    { id, version: was }: ImageRecord,
  ): Promise<FinishedUpload> {
    const { originals, records, reconciler } = this.#options;
    let isDone = false;
    const changed = await updateWithRetry(records, id, ({ version, status, generation = 0 }) => {
      // The bucket's own event may have written this version first. Its handler purges and warms as well, so doing
      // both here would render everything twice.
      isDone = version === etag && was !== etag && status !== 'uploaded';
      if (isDone) return undefined;
      // The same bytes give the same version. Without a new generation, results that the purge is about to remove
      // would still count as current.
      const next = was === etag ? { generation: generation + 1 } : {};
      return { version: etag, original: facts, status: 'uploaded', error: undefined, ...next };
    });
    if (changed) {
      // Two replacements at once may leave the record of one beside the object of the other.
      if ((await originals.head(id))?.etag !== etag) await reconciler.reconcile(id);
      else if (!isDone) await this.#renew(id, isDecoded ? undefined : etag);
    }
    const [record, variants] = await Promise.all([records.images.get(id), records.variants.list(id)]);
    if (record) return { record, variants };
    await removeOwn(originals, id, etag);
    throw notFound(id);
  }

  /**
   * Purges every result of the old bytes and queues the same variants for the new ones.
   *
   * @param undecided  ETag of an original of which it is not known yet whether it can be rendered
   */
  async #renew(id: string, undecided: string | undefined): Promise<void> {
    const { records, purge, warmQueue } = this.#options;
    await purge.clear(id);
    const known = (await records.variants.list(id)).map(({ variant }) => variant);
    if (undecided === undefined || known.length) await warmQueue.renew(id, known);
    else await warmQueue.sendArrival(id, undecided);
  }
}

/** Removes an object if it is still the one that we put. */
export async function removeOwn(originals: Objects, id: string, etag: string): Promise<void> {
  if ((await originals.head(id))?.etag === etag) await originals.remove([id]);
}

export function notArrived(id: string): Problem {
  return new Problem('conflict', `The original of "${id}" has not arrived yet.`, { param: 'id' });
}

export function deletedMeanwhile(id: string): Problem {
  return new Problem('conflict', `"${id}" was deleted while it was being uploaded.`, { param: 'id' });
}
