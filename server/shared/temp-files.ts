import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unavailable } from './errors.ts';

const PREFIX = 'rendition-scratch-';
/** Neither a job nor an upload takes this long. */
const STALE_MS = 3_600_000;

/**
 * Makes ready: removes what killed processes left an hour ago or longer.
 *
 * @throws Error when nothing can be written there: a program that started without it would fail every job
 */
export async function prepareTempFolder(): Promise<void> {
  try {
    await rm(await mkdtemp(join(tmpdir(), PREFIX)), { recursive: true });
  } catch (error) {
    throw new Error(
      `Originals are written to ${tmpdir()} for a while, and cannot be (set TMPDIR): ${error}`,
      {
        cause: error,
      },
    );
  }
  for (const name of await readdir(tmpdir()).catch(() => [])) {
    if (!name.startsWith(PREFIX)) continue;
    const path = join(tmpdir(), name);
    const facts = await stat(path).catch(() => undefined);
    // Another user's is none of ours.
    if (facts && Date.now() - facts.mtimeMs > STALE_MS) await removeFolder(path);
  }
}

const removeFolder = (path: string): Promise<void> =>
  rm(path, { recursive: true, force: true }).catch(() => undefined);

/** An original as a file of its own, from the first time that somebody asks for it. */
export class TempFile {
  readonly #bytes: Uint8Array | AsyncIterable<Uint8Array>;
  #written: Promise<string> | undefined;
  #folder: string | undefined;

  constructor(bytes: Uint8Array | AsyncIterable<Uint8Array>) {
    this.#bytes = bytes;
  }

  /** @throws Problem `store_unavailable`, when the disk is full or may not be written to; that of the bytes */
  readonly path = (): Promise<string> => {
    this.#written ??= this.#write();
    return this.#written;
  };

  /** Never rejects. What was written by half goes too: a full disk would stay full of it. */
  async remove(): Promise<void> {
    await this.#written?.catch(() => undefined);
    if (this.#folder) await removeFolder(this.#folder);
  }

  async #write(): Promise<string> {
    try {
      this.#folder = await mkdtemp(join(tmpdir(), PREFIX));
      const path = join(this.#folder, 'original');
      await writeFile(path, this.#bytes);
      return path;
    } catch (error) {
      throw unavailable(error);
    }
  }
}
