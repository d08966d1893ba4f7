import { accessSync, constants, createReadStream, linkSync, statSync } from 'node:fs';
import { access, copyFile, mkdir, stat, unlink, utimes } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { isProblem, unavailable } from '../../shared/errors.ts';
import { held, streamed } from '../body.ts';
import { damaged, unchanged } from '../checksum.ts';
import { decodeCursor, encodeCursor } from '../cursor.ts';
import { attempt, errorName } from '../errors.ts';
import { bytesOf, keyOf } from '../key-order.ts';
import type {
  Condition,
  NewObject,
  ObjectFacts,
  Objects,
  StoredFacts,
  StoredObject,
  WholeObject,
} from '../objects.ts';
import type { Page } from '../page.ts';
import { ignoring, removeStale, syncFolders } from './folders.ts';
import { adoptNames } from './names.ts';
import { KeyPaths } from './path.ts';
import { factsAt, openWhole, readAndClose, readAtOnce, SeenFacts, WHOLE_BYTES } from './read.ts';
import { walk } from './walk.ts';
import { type Layout, Writer } from './writer.ts';

export interface OpenOptions {
  readonly folds?: boolean;
  readonly isCache?: boolean;
  readonly minFreeBytes?: number;
  readonly tellsDamage?: boolean;
}

/** No upload is silent for this long: its body would have met a deadline. */
const STALE_SECONDS = 3600;

/**
 * Objects as files under one folder, which belongs to the store. Several processes may share it.
 *
 * A file that is no whole object (torn by a failing disk, or dropped in by hand) is treated as absent, and `put` replaces
 * it: a result is then rendered again. Of originals `head`, `get` and `link` tell of it, since nobody makes them again.
 */
export class FileObjects implements Objects {
  /** Whoever writes or removes an original says so. */
  readonly announces = false;
  readonly hasMd5 = true;
  readonly #aside: string;
  readonly #paths: KeyPaths;
  readonly #tellsDamage: boolean;
  readonly #seen = new SeenFacts();
  readonly #writer: Writer;

  /** @see FileObjects.open */
  private constructor(layout: Layout, tellsDamage: boolean) {
    this.#aside = layout.aside;
    this.#paths = layout.paths;
    this.#tellsDamage = tellsDamage;
    this.#writer = new Writer(layout, (key) => factsAt(this.fileOf(key), key)?.etag);
  }

  /**
   * Makes `folder` where there is none, clears what killed writers left in it, and names its files as this file system
   * needs it.
   *
   * @param folds    whether the file system treats `a` and `A` as one name; found out when absent
   * @param isCache  what a power cut takes can be made again, so that nothing waits for the disk; who reads it tells by
   *                 a checksum of his own whether it is whole
   * @param tellsDamage   whether a file that is no whole object is Problem `damaged_store`, and not absent
   * @param minFreeBytes  of the disk: below it nothing is written, Problem `storage_full`
   */
  static async open(
    folder: string,
    { folds, isCache = false, minFreeBytes = 0, tellsDamage = false }: OpenOptions = {},
  ): Promise<FileObjects> {
    const root = resolve(folder);
    const aside = join(root, '.tmp');
    try {
      await mkdir(aside, { recursive: true });
      await syncFolders(aside, root);
      await removeStale(aside, STALE_SECONDS);
      const folded = await stat(join(root, '.TMP')).catch(ignoring('ENOENT'));
      const foldsCase = folds ?? folded !== undefined;
      const paths = new KeyPaths(root, { foldsCase });
      await adoptNames(root, paths, { foldsCase });
      return new FileObjects({ root, aside, paths, isCache, minFreeBytes }, tellsDamage);
    } catch (error) {
      throw unavailable(error);
    }
  }

  /** Clears what writers left that were killed since; resolves to how many files that were. */
  collectGarbage(): Promise<number> {
    return attempt(undefined, () => removeStale(this.#aside, STALE_SECONDS));
  }

  async head(key: string, signal?: AbortSignal): Promise<StoredFacts | undefined> {
    return attempt(signal, async () => {
      return this.#factsOf(key) ?? this.#missing(key);
    });
  }

  async get(key: string, signal?: AbortSignal): Promise<StoredObject | undefined> {
    return attempt(signal, async () => {
      const found = this.#open(key) ?? this.#missing(key);
      if (!found) return undefined;
      const { fd, facts } = found;
      if (facts.size <= WHOLE_BYTES) return held(facts, await readAndClose(fd, facts.size), signal);
      const pieces = createReadStream('', { fd, start: 0, end: facts.size - 1, highWaterMark: 256 * 1024 });
      return streamed(facts, pieces, signal);
    });
  }

  getAtOnce(key: string): WholeObject | undefined {
    return readAtOnce(this.fileOf(key), key, this.#seen);
  }

  put(
    key: string,
    body: Uint8Array | AsyncIterable<Uint8Array>,
    object: NewObject,
    signal?: AbortSignal,
  ): Promise<ObjectFacts | undefined> {
    return this.#writer.put(key, body, object, signal);
  }

  /** Copied as any other object is written: a link would share the trailer, which names the key. */
  async copy(
    from: string,
    to: string,
    condition: Condition = {},
    signal?: AbortSignal,
  ): Promise<ObjectFacts | undefined> {
    const source = await this.get(from, signal);
    if (!source) return undefined;
    const { contentType = 'application/octet-stream', cacheControl, metadata } = source;
    const object = {
      contentType,
      metadata,
      ...condition,
      ...(cacheControl !== undefined && { cacheControl }),
    };
    try {
      return await this.put(to, unchanged(source), object, signal);
    } catch (error) {
      if (!this.#tellsDamage && isProblem(error) && error.code === 'damaged_store') return undefined;
      throw error;
    }
  }

  async remove(keys: readonly string[], signal?: AbortSignal): Promise<void> {
    await this.#attempt(signal, () => this.#writer.unlink(keys.map((key) => this.#paths.file(bytesOf(key)))));
  }

  async removeAll(prefix: string, signal?: AbortSignal): Promise<number> {
    return this.#attempt(signal, async () => {
      const files: string[] = [];
      const span = { prefix: bytesOf(prefix), after: '', deep: false };
      for await (const key of walk(this.#paths, span)) files.push(this.#paths.file(key));
      return this.#writer.unlink(files);
    });
  }

  async list(
    page: { prefix: string; limit: number; cursor?: string },
    signal?: AbortSignal,
  ): Promise<Page<ObjectFacts>> {
    const after = bytesOf(decodeCursor(page.cursor, ['after'])?.after ?? '');
    return this.#attempt(signal, async () => {
      const span = { prefix: bytesOf(page.prefix), after, deep: true };
      const items: ObjectFacts[] = [];
      for await (const key of walk(this.#paths, span)) {
        signal?.throwIfAborted();
        // Not of those that are kept: a long page would take the place of all that are asked for.
        const facts = factsAt(this.#paths.file(key), keyOf(key));
        // Reading a head is synchronous: without a turn of the event loop, a long page would block every request.
        await setImmediate();
        if (!facts) continue;
        const last = items.at(-1);
        if (last && items.length === page.limit) return { items, next: encodeCursor({ after: last.key }) };
        items.push({ key: facts.key, etag: facts.etag, size: facts.size, lastModified: facts.lastModified });
      }
      return { items };
    });
  }

  /** Keys behind one, in order; also those whose file is no whole object. */
  async *keys(after: string): AsyncGenerator<string> {
    for await (const key of walk(this.#paths, { prefix: '', after: bytesOf(after), deep: true }))
      yield keyOf(key);
  }

  /** Where an object lies, if it is there. */
  fileOf(key: string): string {
    return this.#paths.file(bytesOf(key));
  }

  /** Said by the time of the last access, since file systems note that as they like or not at all. */
  async markUsed(keys: readonly string[]): Promise<void> {
    await attempt(undefined, async () => {
      for (const key of keys) {
        const path = this.fileOf(key);
        const facts = await stat(path).catch(ignoring('ENOENT', 'ENOTDIR'));
        if (facts) await utimes(path, Date.now() / 1000, facts.mtimeMs / 1000).catch(ignoring('ENOENT'));
      }
    });
  }

  async ping(signal?: AbortSignal): Promise<void> {
    await this.#attempt(signal, async () => {});
  }

  /** A link keeps the object whole, whatever is written under its key meanwhile. */
  async link(key: string, path: string, signal?: AbortSignal): Promise<ObjectFacts | undefined> {
    return attempt(signal, async () => {
      const file = this.#paths.file(bytesOf(key));
      const isThere = await linkOrCopy(file, path).then(
        () => true,
        (error: unknown) => {
          // Where the folder of the new name has gone, that says nothing of the object.
          accessSync(dirname(path));
          return ignoring('ENOENT', 'ENOTDIR')(error);
        },
      );
      const facts = isThere ? this.#seen.of(key, statSync(path), () => factsAt(path, key)) : undefined;
      if (!facts) {
        if (isThere) await unlink(path);
        accessSync(this.#aside);
        return this.#missing(key);
      }
      const { etag, size, lastModified, crc32 } = facts;
      return { key, etag, size, lastModified, crc32 };
    });
  }

  #factsOf(key: string): StoredFacts | undefined {
    const path = this.fileOf(key);
    const there = statSync(path, { throwIfNoEntry: false });
    if (!there) accessSync(this.#aside);
    return there?.isFile() ? this.#seen.of(key, there, () => factsAt(path, key)) : undefined;
  }

  /** Of a key without a whole object: undefined, or a word of what lies there instead. */
  #missing(key: string): undefined {
    if (!this.#tellsDamage) return undefined;
    if (!statSync(this.fileOf(key), { throwIfNoEntry: false })?.isFile()) return undefined;
    throw damaged(key);
  }

  /** A volume that is not mounted must not look like an empty store, whose 404s would be cached. */
  #attempt<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    return attempt(signal, async () => {
      await access(this.#aside, constants.W_OK);
      return work();
    });
  }

  /**
   * Opens at once, as SQLite reads its rows: four calls of 5 us each, where a turn in the thread pool for each would
   * take a request that has to wait for them half a millisecond.
   */
  #open(key: string): { fd: number; facts: StoredFacts } | undefined {
    const found = openWhole(this.fileOf(key), key);
    if (!found) accessSync(this.#aside);
    return found;
  }
}

/** Another file system has no links to this one. */
async function linkOrCopy(file: string, path: string): Promise<void> {
  try {
    linkSync(file, path);
  } catch (error) {
    if (errorName(error) !== 'EXDEV') throw error;
    await copyFile(file, path, constants.COPYFILE_FICLONE);
  }
}
