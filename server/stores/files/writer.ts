import { createHash, hash, randomUUID } from 'node:crypto';
import {
  appendFile,
  appendFileSync,
  closeSync,
  existsSync,
  fsync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
} from 'node:fs';
import { unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { unavailable } from '../../shared/errors.ts';
import { type Incoming, incoming } from '../body.ts';
import { Crc32 } from '../checksum.ts';
import { errorName } from '../errors.ts';
import { bytesOf } from '../key-order.ts';
import type { Condition, NewObject, ObjectFacts, StoredFacts } from '../objects.ts';
import { isBlocked, pruneFolders, syncFolders } from './folders.ts';
import { unlinkIfThere, withLock } from './lock.ts';
import type { KeyPaths } from './path.ts';
import { checkRoom } from './room.ts';
import { trailer } from './trailer.ts';

/** Where a store keeps what, and how careful it is. */
export interface Layout {
  readonly root: string;
  /** Of files that are being written; locks lie there too. */
  readonly aside: string;
  readonly paths: KeyPaths;
  readonly isCache: boolean;
  readonly minFreeBytes: number;
}

/** Writes and removes the files of a store: whole or not at all, beside other processes that do the same. */
export class Writer {
  readonly #layout: Layout;
  readonly #etagOf: (key: string) => string | undefined;

  /** @param etagOf  of what lies under a key now; undefined where nothing whole does */
  constructor(layout: Layout, etagOf: (key: string) => string | undefined) {
    this.#layout = layout;
    this.#etagOf = etagOf;
  }

  async put(
    key: string,
    body: Uint8Array | AsyncIterable<Uint8Array>,
    object: NewObject,
    signal?: AbortSignal,
  ): Promise<ObjectFacts | undefined> {
    const { aside: folder, minFreeBytes, isCache } = this.#layout;
    const source = incoming(body, signal);
    const aside = join(folder, randomUUID());
    let isPublished = false;
    try {
      checkRoom(folder, minFreeBytes);
      const facts = await writeAside(aside, source, { key, object, isSynced: !isCache });
      signal?.throwIfAborted();
      isPublished = await this.#publish(aside, key, object);
      if (!isPublished) return undefined;
      return { key, etag: facts.etag, size: facts.size, lastModified: facts.lastModified };
    } catch (error) {
      throw source.failure ? source.failure.error : unavailable(error, signal);
    } finally {
      if (!isPublished) await unlink(aside).catch(() => undefined);
    }
  }

  /** Makes the file visible under its key; false when the condition does not hold. */
  async #publish(aside: string, key: string, condition: Condition): Promise<boolean> {
    const { root, paths, isCache } = this.#layout;
    const path = paths.file(bytesOf(key));
    for (;;) {
      try {
        mkdirSync(dirname(path), { recursive: true });
        const isWritten = await this.#place(aside, path, { ...condition, key });
        if (isWritten === false) return false;
        if (isWritten) break;
      } catch (error) {
        // The folder was pruned between two steps, by others who then have got on. Ten tries in a row were not enough for
        // eight writers on a machine at a load of 14.
        const isPruned = PRUNED.includes(errorName(error)) && existsSync(aside);
        if (!isPruned || isBlocked(dirname(path))) throw error;
      }
    }
    if (!isCache) await syncFolders(dirname(path), root);
    return true;
  }

  /** Undefined: what stood in the way has gone meanwhile. */
  async #place(
    aside: string,
    path: string,
    { key, ...condition }: Condition & { key: string },
  ): Promise<boolean | undefined> {
    const link = condition.ifAbsent ? linkIfAbsent(aside, path) : 'impossible';
    if (link === 'made') return true;
    return withLock(this.#lockOf(path), () => {
      // A link needs no lock: it may be made at any moment where nothing lies, and is no reason to look a second time.
      if (link === 'refused' && !lstatSync(path, { throwIfNoEntry: false })) return undefined;
      if (!this.#holds(key, condition)) return false;
      renameSync(aside, path);
      return true;
    });
  }

  #holds(key: string, { ifAbsent, ifMatch }: Condition): boolean {
    if (!ifAbsent && ifMatch === undefined) return true;
    const etag = this.#etagOf(key);
    return ifAbsent ? etag === undefined : etag === ifMatch;
  }

  #lockOf(path: string): string {
    return join(this.#layout.aside, `lock-${hash('sha1', path)}`);
  }

  /** Resolves to how many of the files there were. */
  async unlink(paths: readonly string[]): Promise<number> {
    const { root, isCache } = this.#layout;
    let removed = 0;
    for (const path of paths) {
      const gone = await withLock(this.#lockOf(path), () => unlinkIfThere(path));
      if (gone) removed++;
    }
    for (const folder of new Set(paths.map((path) => dirname(path)))) {
      if (!isCache) await syncFolders(folder, root);
      await pruneFolders(folder, root);
    }
    return removed;
  }
}

/** Of a folder that was pruned. */
const PRUNED: readonly string[] = ['ENOENT', 'ENOTDIR'];

/**
 * Moves a file to where nothing lies. By a link, which is refused where something does: the file of a lock would take the
 * disk as long as that of the result, and a place among those that every new file is held against for a minute (ext4).
 */
function linkIfAbsent(from: string, to: string): 'made' | 'refused' | 'impossible' {
  try {
    linkSync(from, to);
  } catch (error) {
    if (errorName(error) === 'EEXIST') return 'refused';
    if (PRUNED.includes(errorName(error))) throw error;
    // File systems without links say so by a dozen errors (EISDIR: FAT on Windows). Any other keeps a rename from it as well.
    return 'impossible';
  }
  unlinkIfThere(from);
  return 'made';
}

/** On a descriptor: until all of it is written. */
const append = promisify(appendFile);
const sync = promisify(fsync);

const EMPTY = new Uint8Array();
/** Written with the trailer, in one call: most results. */
const AT_ONCE_BYTES = 64 * 1024;

/** Turns of the thread pool are for what may wait for the disk: each takes more than a call that does not. */
async function writeAside(
  path: string,
  source: Incoming,
  { key, object, isSynced }: { key: string; object: NewObject; isSynced: boolean },
): Promise<StoredFacts> {
  const fd = openSync(path, 'wx');
  try {
    const [md5, crc32] = [createHash('md5'), new Crc32()];
    let last: Uint8Array = EMPTY;
    for await (const chunk of source.chunks) {
      if (last.length) await append(fd, last);
      md5.update(chunk);
      crc32.update(chunk);
      last = chunk;
    }
    const { contentType, cacheControl } = object;
    const metadata = { ...object.metadata, ...object.lateMetadata?.() };
    const etag = md5.digest('hex');
    const facts = {
      key,
      etag,
      size: source.size,
      lastModified: new Date(),
      contentType,
      cacheControl,
      metadata,
      crc32: crc32.digest(),
    };
    if (last.length > AT_ONCE_BYTES) {
      await append(fd, last);
      last = EMPTY;
    }
    appendFileSync(fd, Buffer.concat([last, trailer(facts)]));
    if (isSynced) await sync(fd);
    return facts;
  } finally {
    closeSync(fd);
  }
}
