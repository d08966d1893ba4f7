import { notFound } from '../reading/originals.ts';
import { Problem } from '../shared/errors.ts';
import type { FocalPoint, ImageRecord, Objects, Records, VariantRecord } from '../stores/contracts.ts';
import { updateWithRetry } from '../stores/update-record.ts';
import { currentVersion, type WarmQueue } from '../warming/queue.ts';
import type { Purge, PurgeAnswer } from './purge.ts';
import type { Reconciler } from './reconciler.ts';
import { notArrived } from './replace.ts';
import { collectionNotFound } from './uploads.ts';

export interface LibraryOptions {
  readonly originals: Objects;
  readonly records: Records;
  readonly purge: Purge;
  readonly warmQueue: WarmQueue;
  readonly reconciler: Reconciler;
}

/** An image with its variants. */
export interface Described {
  readonly record: ImageRecord;
  readonly variants: readonly VariantRecord[];
}

/** What an edit may change; null removes. */
export interface Edit {
  readonly title?: string | null;
  readonly description?: string | null;
  readonly focal?: FocalPoint | null;
  readonly collection?: string | null;
}

/** The images that are there: look at, edit, warm, purge, delete. */
export class Library {
  readonly #options: LibraryOptions;

  constructor(options: LibraryOptions) {
    this.#options = options;
  }

  /** @throws Problem `image_not_found` */
  async describe(id: string): Promise<Described> {
    const { records } = this.#options;
    const [record, variants] = await Promise.all([records.images.get(id), records.variants.list(id)]);
    if (!record) throw notFound(id);
    return { record, variants };
  }

  /**
   * A new focal point changes the pictures that follow it: all tiers are purged, and what was warm is warmed.
   *
   * @throws Problem `image_not_found`, `collection_not_found`, `conflict` when it is in another collection
   */
  async edit(id: string, { title, description, focal, collection }: Edit): Promise<Described> {
    const { records } = this.#options;
    const before = await this.#known(id);
    if (collection !== undefined) await this.#move(before, collection);
    const texts = {
      ...(title === undefined ? {} : { title: title ?? undefined }),
      ...(description === undefined ? {} : { description: description ?? undefined }),
    };
    const isMoved = focal !== undefined && !isSamePoint(before.focal, focal ?? undefined);
    await updateWithRetry(records, id, ({ generation = 0 }) => ({
      ...texts,
      ...(isMoved ? { focal: focal ?? undefined, generation: generation + 1 } : {}),
    }));
    if (isMoved) {
      await this.#options.purge.clear(id);
      await this.#requeue(id, () => true);
    }
    return this.describe(id);
  }

  /** @throws Problem `image_not_found`, `conflict` while the original is not there yet */
  async warm(id: string, variants: readonly string[]): Promise<Described> {
    await this.#known(id);
    const queued = await this.#options.warmQueue.queue(id, variants);
    if (!queued) throw notArrived(id);
    const { record } = await this.describe(id);
    return { record, variants: queued };
  }

  /**
   * Clears every tier. Work under way is begun again; what was ready is made again when it is asked for, or at
   * once with `warm`.
   *
   * @throws Problem `image_not_found`
   */
  async purge(id: string, { warm }: { warm: boolean }): Promise<PurgeAnswer> {
    const { records, purge } = this.#options;
    await this.#known(id);
    await updateWithRetry(records, id, ({ generation = 0 }) => ({ generation: generation + 1 }));
    const answer = await purge.clear(id);
    await this.#requeue(id, ({ status }) => warm || status === 'queued' || status === 'rendering');
    return answer;
  }

  /**
   * Removes original, record, relationship, results and copies at the edge. May be repeated: whatever an
   * earlier attempt left is removed then.
   */
  async remove(id: string): Promise<void> {
    const { originals, records, purge } = this.#options;
    // The original first: a render that is under way finds it gone when it stores, and takes its result back.
    await originals.remove([id]);
    const removed = await records.images.remove(id);
    // A form that was posted between the two found its record still there.
    if (removed?.status === 'uploading') await originals.remove([id]);
    await purge.clear(id);
  }

  /** The record; of an object that others put into the bucket it is made now. */
  async #known(id: string): Promise<ImageRecord> {
    const { records, reconciler } = this.#options;
    const record = await records.images.get(id);
    if (record) return record;
    await reconciler.reconcile(id);
    const made = await records.images.get(id);
    if (!made) throw notFound(id);
    return made;
  }

  /** Variants whose results were purged: those that `again` holds for are queued, the others say that they are gone. */
  async #requeue(id: string, again: (variant: VariantRecord) => boolean): Promise<void> {
    const { records, warmQueue } = this.#options;
    const record = await records.images.get(id);
    const version = record && currentVersion(record);
    // Ready for this version already: its result may have gone with the older ones.
    const old = (await records.variants.list(id)).filter(
      (item) => item.version !== version || item.status === 'ready',
    );
    const gone = { status: 'skipped', error: 'Purged; made again when it is asked for.' } as const;
    for (const variant of old.filter((entry) => !again(entry))) {
      await records.variants.update(id, variant.variant, variant.version, ['ready'], gone);
    }
    const wanted = old.filter(again).map(({ variant }) => variant);
    if (wanted.length) await warmQueue.renew(id, wanted);
  }

  async #move(image: ImageRecord, collection: string | null): Promise<void> {
    const { records } = this.#options;
    if (collection === (image.collection ?? null)) return;
    const outcome =
      collection === null
        ? await records.collections.unrelate(image.collection ?? '', [image.id])
        : await records.collections.relate(collection, [image.id]);
    if (!('refused' in outcome)) return;
    if (outcome.refused === 'collection_absent') throw collectionNotFound(collection ?? '');
    if (outcome.refused === 'image_absent') throw notFound(image.id);
    const hint = 'Take it out of the other collection first.';
    throw new Problem('conflict', `"${image.id}" is in another collection.`, { param: 'collection', hint });
  }
}

function isSamePoint(a: FocalPoint | undefined, b: FocalPoint | undefined): boolean {
  return a?.x === b?.x && a?.y === b?.y;
}
