import { placeIsReadOnly } from './errors.ts';
import type { Objects, StoredFacts, StoredObject } from './objects.ts';
import type { Page } from './page.ts';

/** A part of another store, whose objects are read where they are. */
export interface Place {
  /** First segment of keys that lie there. */
  readonly name: string;
  readonly objects: Pick<Objects, 'head' | 'get' | 'list' | 'ping'>;
  /** What stands there in the place of the name and its slash. */
  readonly path: string;
}

/** Behind an ETag of a place: the stores of originals may have ETags that say what the bytes are. */
const FOREIGN = '-in-place';

/**
 * A store some of whose keys lie in other stores. Nothing is written there; what was deleted here is hidden, since its
 * bytes are somebody else's.
 *
 * @param isHidden  whether a key of a place was deleted here
 */
export function withPlaces(
  own: Objects,
  places: readonly Place[],
  isHidden: (key: string) => Promise<boolean>,
): Objects {
  if (places.length === 0) return own;
  const placeOf = (key: string) => places.find(({ name }) => key.startsWith(`${name}/`));
  const isOwn = (key: string) => placeOf(key) === undefined;
  const read = readers(placeOf, isHidden);
  const { bucket, isReadOnly, form, link, getAtOnce, markUsed } = own;
  return {
    announces: own.announces,
    hasMd5: own.hasMd5,
    ...(bucket !== undefined && { bucket }),
    ...(isReadOnly !== undefined && { isReadOnly }),
    ...(form && { form: (policy) => form.call(own, policy) }),
    ...(link && {
      link: async (key, path, signal) => (isOwn(key) ? link.call(own, key, path, signal) : undefined),
    }),
    ...(getAtOnce && { getAtOnce: (key) => (isOwn(key) ? getAtOnce.call(own, key) : undefined) }),
    ...(markUsed && { markUsed: (keys) => markUsed.call(own, keys.filter(isOwn)) }),
    head: (key, signal) => read.head(key, signal) ?? own.head(key, signal),
    get: (key, signal) => read.get(key, signal) ?? own.get(key, signal),
    list: (page, signal) => read.list(page, signal) ?? own.list(page, signal),
    put: async (key, ...rest) => {
      if (!isOwn(key)) throw placeIsReadOnly(key);
      return own.put(key, ...rest);
    },
    copy: async (from, to, ...rest) => {
      for (const key of [from, to]) if (!isOwn(key)) throw placeIsReadOnly(key);
      return own.copy(from, to, ...rest);
    },
    // To be hidden is all that can be done to the others, and who removes them has seen to that.
    remove: (keys, signal) => own.remove(keys.filter(isOwn), signal),
    removeAll: (prefix, signal) => own.removeAll(prefix, signal),
    ping: (signal) => own.ping(signal),
  };
}

/** Each is undefined for a key of no place. */
function readers(placeOf: (key: string) => Place | undefined, isHidden: (key: string) => Promise<boolean>) {
  const found = async <T extends StoredFacts | StoredObject>(
    key: string,
    look: (place: Place, there: string) => Promise<T | undefined>,
  ): Promise<T | undefined> => {
    const place = placeOf(key);
    if (!place || key.length === place.name.length + 1) return undefined;
    const there = place.path + key.slice(place.name.length + 1);
    if (await isHidden(key)) return undefined;
    const object = await look(place, there);
    return object && Object.assign(object, { key, etag: object.etag + FOREIGN });
  };
  return {
    head: (key: string, signal?: AbortSignal) =>
      placeOf(key) && found(key, ({ objects }, there) => objects.head(there, signal)),
    get: (key: string, signal?: AbortSignal) =>
      placeOf(key) && found(key, ({ objects }, there) => objects.get(there, signal)),
    list: (page: Parameters<Objects['list']>[0], signal?: AbortSignal) => {
      const place = placeOf(page.prefix);
      return place && listed(place, page, signal);
    },
  };
}

async function listed(
  { name, path, objects }: Place,
  { prefix, ...page }: Parameters<Objects['list']>[0],
  signal: AbortSignal | undefined,
): Promise<Page<Awaited<ReturnType<Objects['list']>>['items'][number]>> {
  const there = { ...page, prefix: path + prefix.slice(name.length + 1) };
  const { items, ...rest } = await objects.list(there, signal);
  const here = items.map((facts) => ({
    ...facts,
    key: `${name}/${facts.key.slice(path.length)}`,
    etag: facts.etag + FOREIGN,
  }));
  return { items: here, ...rest };
}
