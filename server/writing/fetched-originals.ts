import type { RemoteAnswer } from '../shared/remote.ts';
import type { ImageRecord, RemoteSource } from '../stores/images.ts';
import type { Objects } from '../stores/objects.ts';
import type { Records } from '../stores/stores.ts';
import { updateWithRetry } from '../stores/update-record.ts';
import type { Intents } from './intents.ts';
import { type Debt, owing, withoutDebt } from './owing.ts';
import type { Reconciler } from './reconciler.ts';
import { removeOwn } from './remove-own.ts';
import { holdsBytes, taken } from './repeats.ts';
import { ofOthers, type Replacement, type Staged } from './replace.ts';

export interface FetchedOriginalsOptions {
  readonly originals: Objects;
  readonly results: Objects;
  readonly records: Records;
  readonly intents: Intents;
  readonly reconciler: Pick<Reconciler, 'reconcile'>;
  readonly replacement: Replacement;
  readonly now: () => Date;
}

/** What an answer led to; nothing where nobody owes it any more. */
export type Taken = 'unchanged' | 'fetched' | 'nothing owed';

/** What an original is fetched for: an image, and the address that it had then. */
export interface Purpose {
  readonly record: Pick<ImageRecord, 'id' | 'createdAt' | 'version' | 'digest'>;
  readonly source: RemoteSource;
  /** Whether the source decides what the image is, whoever has put other bytes there. */
  readonly isRuledBySource: boolean;
}

/**
 * Whether that is still the image, and still its address: since then it may have been deleted, and its id given to another
 * import or upload, or its bytes be those that somebody has uploaded.
 */
export const isFor =
  ({ record, source }: Pick<Purpose, 'record' | 'source'>) =>
  ({ createdAt, source: now }: ImageRecord): boolean =>
    createdAt === record.createdAt && now?.url === source.url;

/** Takes in what servers of others have answered: nothing new, other bytes, or the first ones of an image. */
export class FetchedOriginals {
  /** Of all that was taken in. */
  bytes = 0;
  readonly #options: FetchedOriginalsOptions;

  constructor(options: FetchedOriginalsOptions) {
    this.#options = options;
  }

  /**
   * @param purpose  as it was when the answer was asked for
   * @throws Problem those of openIngest, Measure and Replacement; `conflict` for an object of others
   */
  async take(purpose: Purpose, answer: RemoteAnswer): Promise<Taken> {
    const { record, source } = purpose;
    if (answer.isUnchanged) return this.#unchanged(purpose, { ...source, ...validatorsOf(answer) });
    const { replacement } = this.#options;
    const { url, version } = source;
    const fresh: RemoteSource = { url, ...(version !== undefined && { version }), ...validatorsOf(answer) };
    return replacement.withStaged(answer.body, async (staged) => {
      const checked = { ...fresh, checkedAt: this.#time() };
      if (record.version === undefined) return this.#arrive(purpose, staged, checked);
      if (await this.#isSame(record, staged))
        return this.#unchanged(purpose, { ...fresh, version: record.version });
      return this.#replace(purpose, staged, checked);
    });
  }

  async #replace(purpose: Purpose, staged: Staged, source: RemoteSource): Promise<Taken> {
    const { id, version } = purpose.record;
    // The last fetch that died may have left its own there, which are the same as these unless both times they were new.
    const isOverwritten = purpose.source.version !== undefined && purpose.source.version !== version;
    if (isOverwritten && !purpose.isRuledBySource) throw ofOthers(id);
    await this.#relate(id);
    await this.#options.replacement.publish(id, staged, {
      source,
      isMeant: isFor(purpose),
      replaces: purpose.isRuledBySource ? undefined : version,
    });
    this.bytes += staged.facts.bytes;
    return 'fetched';
  }

  /**
   * The first bytes of an id that is no image yet.
   *
   * @param claim  called once they are known to be good: makes the record of `id`, which owes them
   * @returns      how many there are
   * @throws Problem as `take`
   */
  takeNew(answer: RemoteAnswer, claim: () => Promise<Purpose>): Promise<number> {
    return this.#options.replacement.withStaged(answer.body, async (staged) => {
      const purpose = await claim();
      const { url } = purpose.source;
      await this.#arrive(purpose, staged, { url, ...validatorsOf(answer), checkedAt: this.#time() });
      return staged.facts.bytes;
    });
  }

  #time(): string {
    return this.#options.now().toISOString();
  }

  /** The server says that what we have is current. */
  async #unchanged(purpose: Purpose, source: RemoteSource): Promise<Taken> {
    const { id } = purpose.record;
    const isMeant = isFor(purpose);
    const { tries: _tries, notBefore: _notBefore, error: _error, ...rest } = source;
    const checked = { ...rest, checkedAt: this.#time() };
    await this.#relate(id);
    const record = await updateWithRetry(this.#options.records, id, (before) =>
      isMeant(before) ? { source: checked, owed: withoutDebt(before.owed, 'fetch') } : undefined,
    );
    await this.#options.intents.settle(id);
    return record && isMeant(record) ? 'unchanged' : 'nothing owed';
  }

  /** The first original of an image. */
  async #arrive(purpose: Purpose, staged: Staged, source: RemoteSource): Promise<Taken> {
    const { records, intents, replacement } = this.#options;
    const { id } = purpose.record;
    const isMeant = isFor(purpose);
    const now = await records.images.get(id);
    if (!now || !isMeant(now)) return 'nothing owed';
    const { etag: version, isNew } = await this.#place(id, staged);
    await replacement.moveMaster(staged, id, version);
    await this.#relate(id);
    const isUndecided =
      !staged.isDecoded && (await records.variants.page(id, { limit: 1 })).items.length === 0;
    const { facts: original, digest } = staged;
    const said = { version, original, digest, source: { ...source, version }, error: undefined };
    const more: Debt = { warm: [], rewarm: 'all', ...(isUndecided && { measure: true }) };
    const record = await updateWithRetry(records, id, (before) => {
      const { owed, status, version: was } = before;
      if (!isMeant(before)) return undefined;
      const rest = withoutDebt(owed, 'fetch');
      // The bucket's own event was faster.
      if (was === version) return { ...said, owed: rest };
      return status === 'uploading' ? { ...said, status: 'uploaded', owed: owing(rest, more) } : undefined;
    });
    const isTaken = record?.version === version;
    // What was there before is somebody else's to remove.
    if (!isTaken && isNew) await removeOwn(this.#options, id, version);
    await intents.trySettle(id);
    if (isTaken) this.bytes += staged.facts.bytes;
    if (isTaken && isUndecided) await intents.sendArrival(id, version);
    return isTaken ? 'fetched' : 'nothing owed';
  }

  /**
   * Puts the bytes where they are served; resolves to their ETag, and whether they were not there yet. What lies there already may be what a try put that died.
   *
   * @throws Problem `conflict` for an object of others, which becomes the original of the image
   */
  async #place(id: string, { key, digest }: Staged): Promise<{ etag: string; isNew: boolean }> {
    const { originals, reconciler } = this.#options;
    const stored = await originals.copy(key, id, { ifAbsent: true });
    if (stored) return { etag: stored.etag, isNew: true };
    const head = await originals.head(id);
    if (head && (await holdsBytes(originals, id, digest))) return { etag: head.etag, isNew: false };
    await reconciler.reconcile(id);
    throw taken(id);
  }

  async #isSame({ id, digest }: Purpose['record'], staged: Staged): Promise<boolean> {
    if (digest !== undefined) return digest === staged.digest;
    return holdsBytes(this.#options.originals, id, staged.digest);
  }

  /** Into the collection that was asked for; one that is gone by now holds no image up. */
  async #relate(id: string): Promise<void> {
    const { records } = this.#options;
    const collection = (await records.images.get(id))?.owed?.fetch?.collection;
    if (collection !== undefined) await records.collections.relate(collection, [id]);
  }
}

function validatorsOf({ etag, lastModified }: RemoteAnswer): Pick<RemoteSource, 'etag' | 'lastModified'> {
  return { ...(etag !== undefined && { etag }), ...(lastModified !== undefined && { lastModified }) };
}
