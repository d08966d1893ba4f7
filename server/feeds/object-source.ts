import { isProblem, Problem, reasonOf } from '../shared/errors.ts';
import { inLanes } from '../shared/in-lanes.ts';
import type { ImageRecord } from '../stores/images.ts';
import type { Objects } from '../stores/objects.ts';
import type { Library } from '../writing/library.ts';
import type { FinishedUpload } from '../writing/replace.ts';
import type { Uploads } from '../writing/uploads.ts';
import type { Feed } from './definition.ts';
import { type Listed, list, newListing } from './listing.ts';
import { ofAnother } from './owner.ts';
import { warmAgain } from './pending.ts';
import type { Brought, Fresh, Read, Source } from './source.ts';
import type { Known } from './state.ts';

const PAGE = 1000;

/** Objects of others, and what the keys of pictures begin with. */
export interface Foreign {
  readonly objects: Pick<Objects, 'list' | 'get'>;
  readonly prefix: string;
}

export interface ObjectSourceOptions {
  readonly open: (feed: Feed) => Promise<Foreign>;
  readonly library: Pick<Library, 'warm'>;
  readonly imageOf: (id: string) => Promise<ImageRecord | undefined>;
  /** Whether neither an image nor an object has an id. */
  readonly isFree: (id: string) => Promise<boolean>;
  readonly uploads: Pick<Uploads, 'accept' | 'finish' | 'discard' | 'replace'>;
}

/** Pictures in a bucket of others or in a folder: a listing says which of them are other ones by now. */
export class ObjectSource implements Source {
  readonly #options: ObjectSourceOptions;

  constructor(options: ObjectSourceOptions) {
    this.#options = options;
  }

  async read(feed: Feed, _before: object, signal: AbortSignal): Promise<Read> {
    const { objects, prefix } = await this.#options.open(feed);
    const listing = newListing();
    let cursor: string | undefined;
    do {
      const page = { prefix, limit: PAGE, ...(cursor !== undefined && { cursor }) };
      const { items, next } = await objects.list(page, signal);
      // A key that ends in a slash is the marker of a folder.
      for (const { key, etag } of items.filter((item) => !item.key.endsWith('/')))
        list(listing, feed, { id: feed.prefix + key.slice(prefix.length), from: key, mark: etag });
      cursor = next;
    } while (cursor !== undefined);
    return { listing, documents: {}, unchanged: new Set() };
  }

  async free(ids: readonly string[]): Promise<ReadonlySet<string>> {
    const { isFree } = this.#options;
    const free = await inLanes(ids, async (id) => ((await isFree(id)) ? [id] : []));
    return new Set(free.flat());
  }

  bring(feed: Feed, pictures: readonly Fresh[], signal: AbortSignal): Promise<Brought[]> {
    return this.#each(pictures, signal, async ({ listed, isTried }) => {
      try {
        return brought(await this.#accept(feed, listed, signal), 'new');
      } catch (error) {
        const isTaken = isProblem(error) && error.code === 'conflict';
        if (!isTaken || !isTried || (await this.#isOfAnother(feed, listed))) throw error;
        return this.#takeOver(feed, listed, signal);
      }
    });
  }

  async look(
    feed: Feed,
    pictures: readonly { listed: Listed; known: Known }[],
    signal: AbortSignal,
  ): Promise<Brought[]> {
    return this.#each(pictures, signal, async ({ listed, known }) => {
      if (listed.mark === known.mark) return {};
      // Somebody has put another original there, which is theirs.
      if (await this.#isOfAnother(feed, listed)) return {};
      return brought(await this.#replace(feed, listed, signal), 'changed');
    });
  }

  async #isOfAnother({ name }: Feed, { id }: Listed): Promise<boolean> {
    const image = await this.#options.imageOf(id);
    return image !== undefined && image.feed !== name;
  }

  /** One that cannot be taken in stops none of the others. */
  #each<T>(
    pictures: readonly T[],
    signal: AbortSignal,
    take: (picture: T) => Promise<Brought>,
  ): Promise<Brought[]> {
    return inLanes(pictures, async (picture) => {
      signal.throwIfAborted();
      try {
        return await take(picture);
      } catch (error) {
        signal.throwIfAborted();
        const isDeleted = isProblem(error) && error.code === 'image_not_found';
        return isDeleted ? { isDeleted } : { error: reasonOf(error) };
      }
    });
  }

  #accept(feed: Feed, { id, from, title }: Listed, signal: AbortSignal): Promise<FinishedUpload> {
    const { uploads, imageOf } = this.#options;
    const { name, collection, warm } = feed;
    const details = { title, collection, feed: name, variants: warm.forms, requested: warm.requested };
    return this.#withBody(feed, from, signal, async (body) => {
      const accepted = await uploads.accept(body, id, details);
      // The same bytes are as good as a new upload to whoever sends them, and may be anybody's.
      const there = 'isRepeated' in accepted ? await imageOf(id) : undefined;
      if (there && there.feed !== name) throw ofAnother(id, there.feed);
      try {
        return await uploads.finish(accepted, details);
      } catch (error) {
        await uploads.discard(accepted);
        throw error;
      }
    });
  }

  /** What lies there is of a run that was killed, and may be of other bytes than the object has now. */
  async #takeOver(feed: Feed, listed: Listed, signal: AbortSignal): Promise<Brought> {
    try {
      return brought(await this.#replace(feed, listed, signal), 'new');
    } catch (error) {
      signal.throwIfAborted();
      // Its claim has not ended yet.
      return { isTried: true, error: reasonOf(error) };
    }
  }

  async #replace(feed: Feed, { id, from }: Listed, signal: AbortSignal): Promise<FinishedUpload> {
    const { uploads, library } = this.#options;
    const replaced = await this.#withBody(feed, from, signal, (body) => uploads.replace(id, body, feed.name));
    await warmAgain(feed, [id], library);
    return replaced;
  }

  /** @throws Problem `source_error` where it has gone since it was listed; those of the store */
  async #withBody<T>(
    feed: Feed,
    key: string,
    signal: AbortSignal,
    take: (body: AsyncIterable<Uint8Array>) => Promise<T>,
  ): Promise<T> {
    const { objects } = await this.#options.open(feed);
    const object = await objects.get(key, signal);
    if (!object) throw new Problem('source_error', 'It has gone since it was listed.', { received: key });
    try {
      return await take(object.body);
    } finally {
      object.body.destroy();
    }
  }
}

const brought = ({ record: { version } }: FinishedUpload, outcome: 'new' | 'changed'): Brought => ({
  outcome,
  ...(version !== undefined && { version }),
});
