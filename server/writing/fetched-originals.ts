import type { RemoteAnswer } from '../shared/remote.ts';
import type { ImageRecord, Objects, Records, RemoteSource } from '../stores/contracts.ts';
import { updateWithRetry } from '../stores/update-record.ts';
import type { Intents } from './intents.ts';
import { type Debt, owing, withoutDebt } from './owing.ts';
import type { Reconciler } from './reconciler.ts';
import { removeOwn } from './remove-own.ts';
import { holdsBytes, taken } from './repeats.ts';
import type { Replacement, Staged } from './replace.ts';

export interface FetchedOriginalsOptions {
  readonly originals: Objects;
  readonly records: Records;
  readonly intents: Intents;
  readonly reconciler: Pick<Reconciler, 'reconcile'>;
  readonly replacement: Replacement;
  readonly now: () => Date;
}

/** What an answer led to. */
export type Taken = 'unchanged' | 'fetched';

/** Takes in what servers of others have answered: nothing new, other bytes, or the first ones of an image. */
export class FetchedOriginals {
  readonly #options: FetchedOriginalsOptions;

  constructor(options: FetchedOriginalsOptions) {
    this.#options = options;
  }

  /**
   * @param source  of the record, as it was when the answer was asked for
   * @throws Problem those of openIngest, Measure and Replacement; `conflict` for an object of others
   */
  async take(record: ImageRecord, source: RemoteSource, answer: RemoteAnswer): Promise<Taken> {
    if (answer.isUnchanged) return this.#unchanged(record, { ...source, ...validatorsOf(answer) });
    const { replacement } = this.#options;
    const { url, version } = source;
    const fresh: RemoteSource = { url, ...(version !== undefined && { version }), ...validatorsOf(answer) };
    return replacement.withStaged(answer.body, async (staged) => {
      const checked = { ...fresh, checkedAt: this.#time() };
      if (record.version === undefined) return this.#arrive(record.id, staged, checked);
      if (await this.#isSame(record, staged))
        return this.#unchanged(record, { ...fresh, version: record.version });
      await this.#relate(record.id);
      await replacement.publish(record.id, staged, checked);
      return 'fetched';
    });
  }

  /**
   * The first bytes of an id that is no image yet.
   *
   * @param claim  called once they are known to be good: makes its record, which owes them
   * @returns      how many there are
   * @throws Problem as `take`
   */
  takeNew(id: string, answer: RemoteAnswer, claim: () => Promise<RemoteSource>): Promise<number> {
    return this.#options.replacement.withStaged(answer.body, async (staged) => {
      const { url } = await claim();
      await this.#arrive(id, staged, { url, ...validatorsOf(answer), checkedAt: this.#time() });
      return staged.facts.bytes;
    });
  }

  #time(): string {
    return this.#options.now().toISOString();
  }

  /** The server says that what we have is current. */
  async #unchanged({ id }: ImageRecord, source: RemoteSource): Promise<Taken> {
    const { tries: _tries, notBefore: _notBefore, error: _error, ...rest } = source;
    const checked = { ...rest, checkedAt: this.#time() };
    await this.#relate(id);
    await updateWithRetry(this.#options.records, id, ({ owed }) => ({
      source: checked,
      owed: withoutDebt(owed, 'fetch'),
    }));
    await this.#options.intents.settle(id);
    return 'unchanged';
  }

  /** The first original of an image. */
  async #arrive(id: string, staged: Staged, source: RemoteSource): Promise<Taken> {
    const { originals, records, intents, replacement } = this.#options;
    const version = await this.#place(id, staged);
    await replacement.moveMaster(staged, id, version);
    await this.#relate(id);
    const isUndecided =
      !staged.isDecoded && (await records.variants.page(id, { limit: 1 })).items.length === 0;
    const { facts: original, digest } = staged;
    const said = { version, original, digest, source: { ...source, version }, error: undefined };
    const more: Debt = { warm: [], rewarm: 'all', ...(isUndecided && { measure: true }) };
    const record = await updateWithRetry(records, id, ({ owed, status, version: was }) => {
      const rest = withoutDebt(owed, 'fetch');
      // The bucket's own event was faster.
      if (was === version) return { ...said, owed: rest };
      return status === 'uploading' ? { ...said, status: 'uploaded', owed: owing(rest, more) } : undefined;
    });
    if (record?.version !== version) await removeOwn(originals, id, version);
    await intents.trySettle(id);
    if (isUndecided) await intents.sendArrival(id, version);
    return 'fetched';
  }

  /**
   * Puts the bytes where they are served; resolves to their ETag. What lies there already may be what a try put that died.
   *
   * @throws Problem `conflict` for an object of others, which becomes the original of the image
   */
  async #place(id: string, { key, digest }: Staged): Promise<string> {
    const { originals, reconciler } = this.#options;
    const stored = await originals.copy(key, id, { ifAbsent: true });
    if (stored) return stored.etag;
    const head = await originals.head(id);
    if (head && (await holdsBytes(originals, id, digest))) return head.etag;
    await reconciler.reconcile(id);
    throw taken(id);
  }

  async #isSame({ id, digest }: ImageRecord, staged: Staged): Promise<boolean> {
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
