import { closeSync, fstatSync, openSync, read, readSync, type Stats, statSync } from 'node:fs';
import { promisify } from 'node:util';
import { LRUCache } from 'lru-cache';
import { atMost } from '../../shared/at-most.ts';
import type { StoredFacts, WholeObject } from '../objects.ts';
import { ignoring } from './folders.ts';
import { factsAtEnd, readFacts } from './trailer.ts';

/**
 * Small objects are read at once, larger ones in one turn of the thread pool, the largest as a stream: at their limits
 * the first takes 0.4 ms of the event loop where a turn takes 0.6, the second half the time of a stream in pieces.
 */
const AT_ONCE_BYTES = 2 ** 20;
export const WHOLE_BYTES = 4 * 2 ** 20;

/** Asks first: an error that says what is nearly always so, of a result, costs ten times the question. */
export function openIfThere(path: string): number | undefined {
  if (!statSync(path, { throwIfNoEntry: false })) return undefined;
  try {
    return openSync(path, 'r');
  } catch (error) {
    return ignoring('ENOENT', 'ENOTDIR')(error);
  }
}

/** Undefined where no whole object of this key lies. */
export function openWhole(path: string, key: string): { fd: number; facts: StoredFacts } | undefined {
  const fd = openIfThere(path);
  if (fd === undefined) return undefined;
  let facts: StoredFacts | undefined;
  try {
    facts = readFacts(fd);
  } catch (error) {
    ignoring('EISDIR')(error);
  } finally {
    if (facts?.key !== key) closeSync(fd);
  }
  return facts?.key === key ? { fd, facts } : undefined;
}

export function factsAt(path: string, key: string): StoredFacts | undefined {
  const found = openWhole(path, key);
  if (found) closeSync(found.fd);
  return found?.facts;
}

const readInto = promisify(read);

/** The bytes of an object, which lie at the start of its file. */
export async function readAndClose(fd: number, size: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(size);
  try {
    const isSmall = size <= AT_ONCE_BYTES;
    const bytesRead = isSmall
      ? readSync(fd, buffer, 0, size, 0)
      : (await readInto(fd, buffer, 0, size, 0)).bytesRead;
    return buffer.subarray(0, bytesRead);
  } finally {
    closeSync(fd);
  }
}

/** Facts of this many files are kept, 1 kB each. */
const MAX_FACTS = 10_000;

/**
 * What was written that recently is read again: the clock of a file system ticks each 10 ms at the slowest, and within a
 * tick another file could have the number, the size and the time of this one. Where ticks take seconds (FAT, HFS+), no
 * number comes again so soon.
 */
const RECENT_MS = 100;

interface Seen {
  readonly device: number;
  readonly inode: number;
  readonly size: number;
  readonly modifiedMs: number;
  readonly facts: StoredFacts;
}

/**
 * Facts of files that have not changed, by what one look at a file says: they are the same value then, and neither read nor
 * parsed again. A new picture asks three times for those of its original.
 */
export class SeenFacts {
  readonly #seen = new LRUCache<string, Seen>(atMost(MAX_FACTS));

  /**
   * @param there  of the file that lies under `key`
   * @param read   reads what it says of itself; undefined for no whole object
   * @returns      undefined for no object under this key
   */
  of(
    key: string,
    { dev, ino, size, mtimeMs }: Stats,
    read: () => StoredFacts | undefined,
  ): StoredFacts | undefined {
    const seen = this.#seen.get(key);
    const isSame =
      seen?.inode === ino && seen.size === size && seen.modifiedMs === mtimeMs && seen.device === dev;
    if (isSame) return seen.facts;
    const facts = read();
    if (facts?.key !== key) return undefined;
    if (Date.now() - mtimeMs > RECENT_MS)
      this.#seen.set(key, { device: dev, inode: ino, size, modifiedMs: mtimeMs, facts });
    return facts;
  }
}

/**
 * A small object, read at once. Undefined for what is not there, too large, or no object under this key. Throws what the
 * file system does.
 */
export function readAtOnce(path: string, key: string, seen: SeenFacts): WholeObject | undefined {
  const there = statSync(path, { throwIfNoEntry: false });
  if (!there?.isFile() || there.size > AT_ONCE_BYTES) return undefined;
  const fd = openSync(path, 'r');
  try {
    // Another one may lie there by now, whose bytes are not those of the facts that are known of the first.
    const opened = fstatSync(fd);
    const { size } = opened;
    if (size > AT_ONCE_BYTES) return undefined;
    const file = Buffer.allocUnsafeSlow(size);
    if (readSync(fd, file, 0, size, 0) !== size) return undefined;
    const facts = seen.of(key, opened, () => factsAtEnd(file, size));
    return facts && { facts, bytes: file.subarray(0, facts.size) };
  } finally {
    closeSync(fd);
  }
}
