import { createHash } from 'node:crypto';
import { type BigIntStats, constants } from 'node:fs';
import { access, type FileHandle, lstat, open, readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { Problem } from '../../shared/errors.ts';
import { streamed } from '../body.ts';
import { decodeCursor, encodeCursor } from '../cursor.ts';
import { attempt, errorName, readOnly } from '../errors.ts';
import { bytesOf, isInSpan, keyOf, leadsTo, type Span } from '../key-order.ts';
import type { ObjectFacts, Objects, StoredFacts, StoredObject } from '../objects.ts';
import type { Page } from '../page.ts';

const ABSENT = ['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP'];
const READ_BYTES = 256 * 1024;
/** A pipe would wait for its writer. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;

interface Opened {
  readonly file: FileHandle;
  readonly stats: BigIntStats;
}

/**
 * Somebody's folder of pictures, as it stands: a key is the path of a file. Nothing is written to it. What begins with
 * a dot is absent and no link is followed: `.git`, and what lies elsewhere, is nobody's picture.
 *
 * There is no place for a checksum, so a file is identified by its size and the nanosecond of its last change; one that
 * changes while it is read is refused.
 */
export class FolderObjects implements Objects {
  readonly announces = false;
  readonly hasMd5 = false;
  readonly isReadOnly = true;
  readonly #root: string;
  /** Of the file system that it was on. */
  readonly #device: number;

  /** @see FolderObjects.open */
  private constructor(root: string, device: number) {
    this.#root = root;
    this.#device = device;
  }

  /** @throws Problem `store_unavailable` where there is no such folder */
  static open(folder: string): Promise<FolderObjects> {
    return attempt(undefined, async () => {
      const root = await realpath(folder);
      return new FolderObjects(root, (await stat(root)).dev);
    });
  }

  head(key: string, signal?: AbortSignal): Promise<StoredFacts | undefined> {
    return attempt(signal, async () => {
      const opened = await this.#open(key);
      await opened?.file.close();
      return opened && storedFacts(key, opened.stats);
    });
  }

  get(key: string, signal?: AbortSignal): Promise<StoredObject | undefined> {
    return attempt(signal, async () => {
      const opened = await this.#open(key);
      return opened && streamed(storedFacts(key, opened.stats), bodyOf(opened), signal);
    });
  }

  async put(): Promise<undefined> {
    throw readOnly();
  }

  async copy(): Promise<undefined> {
    throw readOnly();
  }

  async remove(): Promise<void> {
    throw readOnly();
  }

  async removeAll(): Promise<number> {
    throw readOnly();
  }

  list(
    { prefix, limit, cursor }: { prefix: string; limit: number; cursor?: string },
    signal?: AbortSignal,
  ): Promise<Page<ObjectFacts>> {
    const after = bytesOf(decodeCursor(cursor, ['after'])?.after ?? '');
    const span = { prefix: bytesOf(prefix), after, deep: true };
    return attempt(signal, async () => {
      const items: ObjectFacts[] = [];
      for await (const key of keysBelow(this.#root, '', span)) {
        signal?.throwIfAborted();
        if (items.length === limit) return { items, next: encodeCursor({ after: items.at(-1)?.key ?? '' }) };
        const facts = await this.head(key, signal);
        if (facts) items.push(facts);
      }
      if (items.length === 0) await this.#checkThere();
      return { items };
    });
  }

  ping(signal?: AbortSignal): Promise<void> {
    return attempt(signal, async () => {
      await access(this.#root, constants.R_OK);
      await this.#checkThere();
    });
  }

  /** A folder that was moved away, or is not mounted, must not look like one without pictures, whose 404s are cached. */
  async #checkThere(): Promise<void> {
    if ((await stat(this.#root)).dev === this.#device || (await readdir(this.#root)).length > 0) return;
    throw new Error(`${this.#root} is empty, and was on another file system: it is not mounted.`);
  }

  async #open(key: string): Promise<Opened | undefined> {
    const path = join(this.#root, key);
    if (key.split('/').some((segment) => segment === '' || segment.startsWith('.'))) return undefined;
    let file: FileHandle | undefined;
    try {
      if (!(await lstat(path)).isFile() || (await realpath(path)) !== path) return undefined;
      file = await open(path, FLAGS);
      const stats = await file.stat({ bigint: true });
      if (stats.isFile()) return { file, stats };
    } catch (error) {
      await file?.close();
      if (!ABSENT.includes(errorName(error))) throw error;
      await this.#checkThere();
      return undefined;
    }
    await file.close();
    return undefined;
  }
}

function storedFacts(key: string, { size, mtimeNs, mtimeMs }: BigIntStats): StoredFacts {
  const etag = createHash('sha256').update(`${size} ${mtimeNs}`).digest('hex').slice(0, 32);
  const lastModified = new Date(Number(mtimeMs));
  return {
    key,
    etag,
    size: Number(size),
    lastModified,
    // What a file is, its bytes say.
    contentType: undefined,
    cacheControl: undefined,
    metadata: {},
  };
}

function bodyOf({ file, stats }: Opened): Readable {
  const body = Readable.from(pieces(file, stats), { objectMode: false });
  // A body that is never begun does not come to its own end.
  body.once('close', () => file.close().catch(() => undefined));
  return body;
}

async function* pieces(file: FileHandle, before: BigIntStats): AsyncGenerator<Buffer> {
  const size = Number(before.size);
  for (let position = 0; position < size; ) {
    const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, size - position));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
    if (bytesRead === 0) break;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
  const after = await file.stat({ bigint: true });
  if (after.mtimeNs === before.mtimeNs && after.size === before.size) return;
  const detail = 'The file was changed while it was read. The same request may work in a moment.';
  throw new Problem('store_unavailable', detail, { retryAfterSeconds: 1 });
}

/**
 * Keys of files, bytewise ascending.
 *
 * @param parent  what the keys of the folder begin with, as bytes
 */
async function* keysBelow(folder: string, parent: string, span: Span): AsyncGenerator<string> {
  const entries = await readdir(folder, { withFileTypes: true });
  const starts = entries
    .filter((entry) => !entry.name.startsWith('.') && (entry.isFile() || entry.isDirectory()))
    // All keys of a folder begin with its slash.
    .map((entry) => ({ entry, start: parent + bytesOf(entry.isDirectory() ? `${entry.name}/` : entry.name) }))
    .sort((a, b) => (a.start < b.start ? -1 : 1));
  for (const { entry, start } of starts) {
    if (!entry.isDirectory() && isInSpan(start, span)) yield keyOf(start);
    if (entry.isDirectory() && leadsTo(start, span)) yield* keysBelow(join(folder, entry.name), start, span);
  }
}
