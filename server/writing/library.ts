import { notFound } from '../reading/absent.ts';
import { Problem } from '../shared/errors.ts';
import type { Blocks } from '../stores/blocks.ts';
import { countsOf } from '../stores/change.ts';
import type { FocalPoint, ImageQuery, ImageRecord } from '../stores/images.ts';
import type { Objects } from '../stores/objects.ts';
import type { Page } from '../stores/page.ts';
import type { Records } from '../stores/stores.ts';
import { buryIf, updateWithRetry } from '../stores/update-record.ts';
import type { VariantCounts, VariantRecord } from '../stores/variants.ts';
import { asOfNow, type Lifetime } from '../warming/lifetime.ts';
import { currentVersion, isFinished, named, VARIANTS_PAGE } from '../warming/queue.ts';
import type { WarmList } from '../warming/warm-request.ts';
import { hasResults, type Intents } from './intents.ts';
import { owedBy, owing } from './owing.ts';
import type { Purge, PurgeAnswer } from './purge.ts';
import type { Reconciler } from './reconciler.ts';
import { collectionNotFound } from './relate.ts';
import { notArrived, unlessDamaged } from './replace.ts';
import type { Sources } from './sources.ts';

export interface LibraryOptions {
  readonly originals: Objects;
  readonly records: Records;
  readonly results: Objects;
  readonly purge: Purge;
  readonly intents: Intents;
  readonly reconciler: Reconciler;
  readonly sources: Pick<Sources, 'has'>;
  readonly blocks: Blocks;
  readonly lifetime: Lifetime;
  readonly now: () => Date;
}

/** An image, and how far all of its variants are. */
export interface Counted {
  readonly record: ImageRecord;
  readonly counts: VariantCounts;
}

/** An image with its variants, or a page of them. */
export interface Described extends Counted {
  readonly variants: readonly VariantRecord[];
  /** Cursor of the variants behind these; absent where there are none. */
  readonly next?: string | undefined;
}

/** An image with the variants that a request has asked for. */
export type Asked = Pick<Described, 'record' | 'variants'>;

export interface VariantsPage {
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
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

  /** @throws Problem `image_not_found`, `invalid_parameter` for a cursor that is not ours */
  async describe(id: string, { limit = VARIANTS_PAGE, cursor }: VariantsPage = {}): Promise<Described> {
    const { records, lifetime, now } = this.#options;
    const page = { limit, ...(cursor !== undefined && { cursor }) };
    const [record, { items, next }] = await Promise.all([
      records.images.get(id),
      records.variants.page(id, page),
    ]);
    if (!record) throw notFound(id);
    const isAll = cursor === undefined && next === undefined;
    const counts = isAll ? countsOf(items) : await this.#counts(id);
    return { record, variants: items.map((one) => asOfNow(one, lifetime, now())), next, counts };
  }

  /** A page of images, newest first. */
  async list(query: ImageQuery): Promise<Page<Counted>> {
    const { records } = this.#options;
    const { items, ...rest } = await records.images.list(query);
    const counts = await records.variants.counts(items.map(({ id }) => id));
    return {
      items: items.map((record, index) => ({ record, counts: counts[index] ?? countsOf([]) })),
      ...rest,
    };
  }

  async #counts(id: string): Promise<VariantCounts> {
    const [counts] = await this.#options.records.variants.counts([id]);
    return counts ?? countsOf([]);
  }

  /**
   * A new focal point changes the pictures that follow it: all tiers are purged, and what was warm is warmed.
   *
   * @throws Problem `image_not_found`, `collection_not_found`, `conflict` when it is in another collection
   */
  async edit(id: string, { title, description, focal, collection }: Edit): Promise<Described> {
    const { intents, records } = this.#options;
    const before = await this.#known(id);
    if (collection !== undefined) await this.#move(before, collection);
    const texts = {
      ...(title === undefined ? {} : { title: title ?? undefined }),
      ...(description === undefined ? {} : { description: description ?? undefined }),
    };
    await updateWithRetry(records, id, (record) => {
      const isMoved = focal !== undefined && !isSamePoint(record.focal, focal ?? undefined);
      if (!isMoved) return texts;
      const generation = (record.generation ?? 0) + 1;
      const owed = owing(owedBy(record), { purge: true, rewarm: 'all' });
      return { ...texts, focal: focal ?? undefined, generation, owed };
    });
    // Also what a killed server has left of an earlier edit.
    await intents.settle(id);
    return this.describe(id);
  }

  /** @throws Problem `image_not_found`, `conflict` while the original is not there yet */
  async warm(id: string, { forms, requested }: WarmList): Promise<Asked> {
    const { intents, records } = this.#options;
    if (currentVersion(await this.#known(id)) === undefined) throw notArrived(id);
    await intents.ask(id, { warm: [...forms], requested }, () => ({ quiet: undefined }));
    const [record, items] = await Promise.all([records.images.get(id), records.variants.list(id)]);
    if (!record) throw notFound(id);
    return { record, variants: named(items, forms) };
  }

  /**
   * Asks for variants no more: their records, results and copies go. Absent ones are no error; who asks for the picture
   * gets it all the same, made then.
   *
   * @throws Problem `image_not_found`, `conflict` while the original is not there yet
   */
  async forget(id: string, variants: readonly string[]): Promise<void> {
    if (currentVersion(await this.#known(id)) === undefined) throw notArrived(id);
    await this.#options.intents.ask(id, { forget: [...variants] });
  }

  /**
   * Clears every tier. Work under way is begun again; what was ready is made again when it is asked for, or at
   * once with `warm`.
   *
   * @throws Problem `image_not_found`
   */
  async purge(id: string, { warm }: { warm: boolean }): Promise<PurgeAnswer> {
    const { intents, purge } = this.#options;
    await this.#known(id);
    const rewarm = warm ? 'all' : 'open';
    const settled = await intents.ask(id, { purge: true, rewarm }, ({ generation = 0 }) => ({
      generation: generation + 1,
    }));
    // Somebody else may have been faster with what we owed, or the image still be on its way.
    return settled?.purged ?? purge.clear(id);
  }

  /**
   * Tells those who are told of a finished image once more: what was given up, or got lost at their end. Of one that is
   * not finished they are told when it is.
   *
   * @throws Problem `image_not_found`, `conflict` for one of which nobody is told
   */
  async notify(id: string): Promise<Counted> {
    const { intents } = this.#options;
    const record = await this.#known(id);
    if (intents.channelsOf(record).length === 0) throw nobodyIsTold(id);
    const settled = isFinished(record) ? await intents.ask(id, { notify: true }) : undefined;
    return { record: settled?.record ?? record, counts: await this.#counts(id) };
  }

  /**
   * Removes original, record, relationship, results and copies at the edge. May be repeated: whatever an
   * earlier attempt left is removed then. One of a source stays away until its block is lifted.
   */
  async remove(id: string): Promise<void> {
    const { originals, records, results, intents, sources, blocks, now } = this.#options;
    // Before anything goes: whoever asks for it from now on may not bring it back.
    if (sources.has(id)) await blocks.block(id, now());
    if (await intents.bury(id, 'all')) return;
    const isThere =
      (await originals.head(id).catch(unlessDamaged)) !== undefined || (await hasResults(results, id));
    if (!isThere) return;
    const owed = owing(undefined, { delete: 'all' });
    await records.images.create({ id, status: 'failed', createdAt: now().toISOString(), owed });
    await intents.bury(id, 'all');
  }

  /** Removes an image as `remove` does, if it is the one that is meant. */
  async removeIf(id: string, isMeant: (record: ImageRecord) => boolean): Promise<void> {
    const { records, intents } = this.#options;
    if (await buryIf(records, id, owing(undefined, { delete: 'all' }), isMeant)) await intents.settle(id);
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

function nobodyIsTold(id: string): Problem {
  const detail = `"${id}" has no webhook, and this deployment no topic: nobody is told of it.`;
  return new Problem('conflict', detail, { param: 'id', received: id });
}

function isSamePoint(a: FocalPoint | undefined, b: FocalPoint | undefined): boolean {
  return a?.x === b?.x && a?.y === b?.y;
}
