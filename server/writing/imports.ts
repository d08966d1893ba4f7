import { readId } from '../core/query/id.ts';
import { notFound } from '../reading/absent.ts';
import { isProblem, Problem } from '../shared/errors.ts';
import { inLanes } from '../shared/in-lanes.ts';
import type { Remote } from '../shared/remote.ts';
import { newUlid } from '../shared/ulid.ts';
import type { ImageRecord, NewImage, RemoteSource } from '../stores/images.ts';
import type { Objects } from '../stores/objects.ts';
import type { Records } from '../stores/stores.ts';
import { updateWithRetry } from '../stores/update-record.ts';
import { named } from '../warming/queue.ts';
import type { WarmSets } from '../warming/warm-set.ts';
import type { Details } from './details.ts';
import type { Intents } from './intents.ts';
import type { Asked } from './library.ts';
import { owedBy, owing } from './owing.ts';
import { AWAITED } from './presigned-uploads.ts';
import type { Reconciler } from './reconciler.ts';
import { collectionNotFound } from './relate.ts';
import { taken } from './repeats.ts';
import type { Sources } from './sources.ts';

/** What is sent to the queue before the rest is written down. */
const BATCH = 50;

/** An original that is to be fetched. */
export interface Import extends Omit<Details, 'webhook' | 'description'> {
  readonly url: string;
  /** Absent: one is made. */
  readonly id?: string | undefined;
}

/** A picture that its feed lists at another address. */
export interface Moved {
  readonly feed: string;
  readonly url: string;
}

export interface ImportsOptions {
  /** Absent: nothing is fetched from anywhere. */
  readonly remote: Pick<Remote, 'check'> | undefined;
  readonly sources: Pick<Sources, 'wayTo' | 'refuseUpload'>;
  readonly originals: Objects;
  readonly records: Records;
  readonly intents: Intents;
  readonly reconciler: Pick<Reconciler, 'reconcile'>;
  readonly warmSets: Pick<WarmSets, 'formsFor'>;
  readonly now: () => Date;
}

/**
 * Originals that are to be fetched from elsewhere. Nothing is fetched here: the record says what is owed, and a warmer
 * does it (Fetches). Whoever knows of addresses comes here, be it a call or a feed.
 */
export class Imports {
  readonly #options: ImportsOptions;

  constructor(options: ImportsOptions) {
    this.#options = options;
  }

  /**
   * Writes down what is to be fetched, each by itself. The same address under the same id once more is the same import.
   *
   * @returns  in their order what became of each: a Problem is `invalid_parameter`, `not_allowed`, `conflict`,
   *           `collection_not_found`
   */
  async request(imports: readonly Import[]): Promise<(Asked | Problem)[]> {
    const { intents } = this.#options;
    const outcomes: (Asked | Problem)[] = [];
    for (let start = 0; start < imports.length; start += BATCH) {
      const batch = await inLanes(imports.slice(start, start + BATCH), (one) => this.#tryWrite(one));
      const owing = batch.flatMap((one) =>
        'record' in one && one.record.owed?.fetch ? [one.record.id] : [],
      );
      await intents.sendFetches(owing);
      outcomes.push(...batch);
    }
    return outcomes;
  }

  /**
   * Has the original of an image fetched anew where its server has another one. Of one that could not be fetched it is
   * tried once more.
   *
   * @param moved  where it is to be fetched from now on
   * @throws Problem `image_not_found`, `conflict` for one that was not fetched, or not for that feed, `not_allowed`
   */
  async refresh(id: string, moved?: Moved): Promise<void> {
    const { records, intents } = this.#options;
    const before = await records.images.get(id);
    if (!before) throw notFound(id);
    const url = this.#options.sources.wayTo(id)?.url;
    if (!before.source || (url === undefined && isOverwritten(before))) throw notFetched(id);
    if (moved && moved.feed !== before.feed) throw taken(id);
    if (url === undefined) this.#check(moved?.url ?? before.source.url);
    const record = await updateWithRetry(records, id, (image) => {
      if (!image.source || image.owed?.fetch) return undefined;
      const { tries: _tries, notBefore: _notBefore, ...known } = image.source;
      const source = movedTo(url ?? moved?.url, known);
      const isNew = image.version === undefined;
      return {
        source,
        owed: owing(owedBy(image), { fetch: {} }),
        ...(isNew && { status: 'uploading', error: undefined }),
      };
    });
    if (!record) throw notFound(id);
    await intents.sendFetches([id]);
  }

  async #tryWrite(one: Import): Promise<Asked | Problem> {
    try {
      return await this.#write(one);
    } catch (error) {
      if (isProblem(error) && error.status < 500) return error;
      throw error;
    }
  }

  async #write({
    url,
    id: givenId,
    title,
    collection,
    feed,
    variants = [],
    requested = {},
  }: Import): Promise<Asked> {
    const { records, originals, sources, warmSets, now } = this.#options;
    this.#check(url);
    const id = givenId === undefined ? newUlid(now().getTime()) : readId(givenId);
    sources.refuseUpload(id);
    if (originals.isReadOnly)
      throw new Problem('not_allowed', 'The originals of this deployment are read only.');
    if (collection !== undefined && !(await records.collections.get(collection)))
      throw collectionNotFound(collection);
    const warm = [...new Set([...variants, ...(await warmSets.formsFor(id))])];
    const fetch = collection === undefined ? {} : { collection };
    const image: NewImage = {
      id,
      status: 'uploading',
      ...(title !== undefined && { title }),
      ...(feed !== undefined && { feed }),
      createdAt: now().toISOString(),
      source: { url },
      owed: owing(undefined, { warm, requested, fetch }),
    };
    const isNew = (givenId === undefined || (await this.#isFree(id))) && (await records.images.create(image));
    const record = await records.images.get(id);
    if (record?.source?.url !== url) throw taken(id);
    // Of a repetition what is there is told.
    if (!isNew) return { record, variants: named(await records.variants.list(id), warm) };
    return {
      record,
      variants: warm.length > 0 ? await records.variants.queue(id, AWAITED, warm, requested) : [],
    };
  }

  /** Neither an object of others nor an image that is being deleted has the id. */
  async #isFree(id: string): Promise<boolean> {
    const { records, originals, intents, reconciler } = this.#options;
    await intents.settle(id);
    if (await records.images.get(id)) return false;
    if (!(await originals.head(id))) return true;
    await reconciler.reconcile(id);
    return false;
  }

  /** @throws Problem `not_allowed`, `invalid_parameter` */
  #check(url: string): void {
    const { remote } = this.#options;
    if (remote) return void remote.check(url);
    const hint = 'IMPORT_HOSTS names the hosts that originals may be fetched from.';
    throw new Problem('not_allowed', 'This deployment fetches no originals.', {
      param: 'url',
      received: url,
      hint,
    });
  }
}

/** A source that has moved is asked at its new place, where other validators hold. */
function movedTo(url: string | undefined, known: RemoteSource): RemoteSource {
  if (url === undefined || url === known.url) return known;
  return { url, ...(known.version !== undefined && { version: known.version }) };
}

/** Whether others have put their bytes in the place of those that were fetched; not while that is still being found out. */
function isOverwritten({ version, source, owed }: ImageRecord): boolean {
  return !owed?.fetch && source?.version !== undefined && version !== undefined && source.version !== version;
}

function notFetched(id: string): Problem {
  const detail = `"${id}" was not fetched from anywhere: there is nothing to ask anew.`;
  return new Problem('conflict', detail, { param: 'id', received: id });
}
