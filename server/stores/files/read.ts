import { closeSync, openSync, read, readSync, type Stats, statSync } from 'node:fs';
import { promisify } from 'node:util';
import { LRUCache } from 'lru-cache';
import { atMost } from '../../shared/at-most.ts';
import type { StoredFacts, WholeObject } from '../objects.ts';
import { ignoring } from './folders.ts';
import { factsAtEnd } from './trailer.ts';

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

interface Seen {
  readonly inode: number;
  readonly size: number;
  readonly modifiedMs: number;
  readonly facts: StoredFacts;
}

/** Reads small objects at once. Of a file that has not changed the facts are the same value, and not parsed again. */
export class ReadsAtOnce {
  readonly #seen = new LRUCache<string, Seen>(atMost(MAX_FACTS));

  /** Undefined for what is not there, too large, or no object under this key. Throws what the file system does. */
  read(path: string, key: string): WholeObject | undefined {
    const there = statSync(path, { throwIfNoEntry: false });
    if (!there?.isFile() || there.size > AT_ONCE_BYTES) return undefined;
    const file = wholeFile(path, there);
    const facts = file && this.#factsOf(file, there, key);
    return file && facts && { facts, bytes: file.subarray(0, facts.size) };
  }

  #factsOf(file: Buffer, { ino, size, mtimeMs }: Stats, key: string): StoredFacts | undefined {
    const seen = this.#seen.get(key);
    if (seen?.inode === ino && seen.size === size && seen.modifiedMs === mtimeMs) return seen.facts;
    const facts = factsAtEnd(file, file.length);
    if (facts?.key !== key) return undefined;
    this.#seen.set(key, { inode: ino, size, modifiedMs: mtimeMs, facts });
    return facts;
  }
}

function wholeFile(path: string, { size }: Stats): Buffer | undefined {
  const fd = openSync(path, 'r');
  try {
    const file = Buffer.allocUnsafeSlow(size);
    return readSync(fd, file, 0, size, 0) === size ? file : undefined;
  } finally {
    closeSync(fd);
  }
}
