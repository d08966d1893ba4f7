import { isProblem, reasonOf } from '../shared/errors.ts';
import { inLanes } from '../shared/in-lanes.ts';
import type { Objects } from '../stores/contracts.ts';
import type { FinishedUpload } from '../writing/replace.ts';
import type { Uploads } from '../writing/uploads.ts';
import type { Feed } from './definition.ts';
import { type Listed, list, newListing } from './listing.ts';
import type { Brought, Read, Source } from './source.ts';
import type { Known } from './state.ts';

const PAGE = 1000;

/** Objects of others, and what the keys of pictures begin with. */
export interface Foreign {
  readonly objects: Pick<Objects, 'list' | 'get'>;
  readonly prefix: string;
}

export interface ObjectSourceOptions {
  readonly open: (feed: Feed) => Promise<Foreign>;
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

  bring(feed: Feed, pictures: readonly Listed[], signal: AbortSignal): Promise<Brought[]> {
    return this.#each(feed, pictures, signal, async ({ id, title }, body) => {
      const { uploads } = this.#options;
      const { collection, warm } = feed;
      const details = { title, collection, variants: warm.forms, requested: warm.requested };
      const accepted = await uploads.accept(body, id, details);
      try {
        return brought(await uploads.finish(accepted, details), 'new');
      } catch (error) {
        await uploads.discard(accepted);
        throw error;
      }
    });
  }

  async look(
    feed: Feed,
    pictures: readonly { listed: Listed; known: Known }[],
    signal: AbortSignal,
  ): Promise<Brought[]> {
    const changed = pictures.filter(({ listed, known }) => listed.mark !== known.mark);
    const replaced = await this.#each(
      feed,
      changed.map(({ listed }) => listed),
      signal,
      async ({ id }, body) => brought(await this.#options.uploads.replace(id, body), 'changed'),
    );
    const outcomes = new Map(changed.map(({ listed }, index) => [listed, replaced[index] ?? {}]));
    return pictures.map(({ listed }) => outcomes.get(listed) ?? {});
  }

  /** One that cannot be taken in stops none of the others. */
  async #each(
    feed: Feed,
    pictures: readonly Listed[],
    signal: AbortSignal,
    take: (picture: Listed, body: AsyncIterable<Uint8Array>) => Promise<Brought>,
  ): Promise<Brought[]> {
    if (pictures.length === 0) return [];
    const { objects } = await this.#options.open(feed);
    return inLanes(pictures, async (picture) => {
      const object = await objects.get(picture.from, signal).catch((error: unknown) => ({ error }));
      if (!object) return { error: 'image_not_found: It has gone since it was listed.' };
      if ('error' in object) return failure(object.error, signal);
      try {
        return await take(picture, object.body);
      } catch (error) {
        return failure(error, signal);
      } finally {
        object.body.destroy();
      }
    });
  }
}

const brought = ({ record: { version } }: FinishedUpload, outcome: 'new' | 'changed'): Brought => ({
  outcome,
  ...(version !== undefined && { version }),
});

function failure(error: unknown, signal: AbortSignal): Brought {
  signal.throwIfAborted();
  const isDeleted = isProblem(error) && error.code === 'image_not_found';
  return isDeleted ? { isDeleted } : { error: reasonOf(error) };
}
