import { randomUUID } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { unavailable } from './errors.ts';
import { every } from './periodic.ts';

const PREFIX = 'rendition-scratch-';
/** A program that lives says so this often; what is silent for an hour is nobody's. */
const HEARTBEAT_MS = 600_000;
const STALE_MS = 3_600_000;

/** Read by a render process when it starts: a user that may not read it could not read an original either. */
export const PROBE = 'probe';

/**
 * A folder of this program alone in which originals lie for as long as they are read. Somebody else may remove it or what
 * lies in it while the program runs, as those do who clear temporary folders of what is old.
 */
export interface Scratch {
  readonly folder: string;
  /** Another folder, in which paths lie while nothing can be written to the first. */
  readonly spare?: string | undefined;
  /** Where render processes may write. */
  readonly writable: string;
  /**
   * A path where nothing lies yet, in a folder that is there.
   *
   * @throws Problem `store_unavailable`, `store_refused`, `storage_full` when it has gone and cannot be made anew
   */
  path(): string;
  /** Writes a file that stays as long as the folder is used; returns its path. */
  keep(name: string, text: string): string;
  /** Removes it all. */
  close(): Promise<void>;
}

/**
 * Makes the folder, and removes what killed programs left beside it.
 *
 * @param parent  made where there is none
 * @throws Error that names the folder when nothing can be written there
 */
export async function openScratch(parent: string): Promise<Scratch> {
  const folder = await create(parent);
  const writable = join(folder, 'tmp');
  const kept = new Map([[PROBE, 'probe']]);
  const restore = () => restoreFolder({ parent, folder, writable, kept });
  try {
    restore();
  } catch (error) {
    throw cannotLie(parent, error);
  }
  await removeStale(parent);
  const end = every(HEARTBEAT_MS, () => {
    try {
      restore();
    } catch {
      // Said by whoever needs it.
    }
    const now = new Date();
    const lasting = [folder, writable, ...[...kept.keys()].map((name) => join(folder, name))];
    for (const path of lasting) utimes(path, now, now).catch(() => undefined);
  });
  return {
    folder,
    writable,
    path: () => {
      try {
        restore();
      } catch (error) {
        throw unavailable(error);
      }
      return join(folder, randomUUID());
    },
    keep: (name, text) => {
      kept.set(name, text);
      restore();
      return join(folder, name);
    },
    close: async () => {
      end();
      await rm(folder, { recursive: true, force: true }).catch(() => undefined);
    },
  };
}

/** A scratch whose paths lie in another one while its own disk is read-only, as one is that had an error: it is read from. */
export const withSpare = (own: Scratch, spare: Scratch): Scratch => ({
  ...own,
  spare: spare.folder,
  path: () => (isReadOnly(own.folder) ? spare : own).path(),
  close: async () => {
    await Promise.all([own.close(), spare.close()]);
  },
});

/** Tried by a write: after an error ext4 says that it may be written to (access), and refuses all that is. */
function isReadOnly(folder: string): boolean {
  try {
    const now = new Date();
    utimesSync(folder, now, now);
    return false;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EROFS';
  }
}

async function create(parent: string): Promise<string> {
  try {
    await mkdir(parent, { recursive: true });
    return await mkdtemp(join(parent, PREFIX));
  } catch (error) {
    throw cannotLie(parent, error);
  }
}

const cannotLie = (parent: string, cause: unknown): Error =>
  new Error(`Originals lie in ${parent} for a while, and cannot (set TMPDIR or DATA_DIR): ${cause}`, {
    cause,
  });

interface Folder {
  readonly parent: string;
  readonly folder: string;
  readonly writable: string;
  /** Texts of the files in it that last, by their names. */
  readonly kept: ReadonlyMap<string, string>;
}

/**
 * Makes what is not there. Nothing above the parent: that is a data folder which was moved or is not mounted, and a new one
 * in its place would be in the way of the old.
 */
function restoreFolder({ parent, folder, writable, kept }: Folder): void {
  if (!existsSync(writable)) {
    if (!existsSync(parent)) mkdirSync(parent);
    if (!existsSync(folder)) mkdirSync(folder);
    // Render processes of another user pass through it and read what they are told of; they cannot list it.
    chmodSync(folder, 0o711);
    mkdirSync(writable);
    chmodSync(writable, 0o1777);
  }
  for (const [name, text] of kept) {
    const path = join(folder, name);
    if (!existsSync(path)) writeFileSync(path, text);
  }
}

async function removeStale(parent: string): Promise<void> {
  for (const name of await readdir(parent).catch(() => [])) {
    if (!name.startsWith(PREFIX)) continue;
    const path = join(parent, name);
    const facts = await stat(path).catch(() => undefined);
    if (!facts || Date.now() - facts.mtimeMs < STALE_MS) continue;
    // Another user's is none of ours.
    await rm(path, { recursive: true, force: true }).catch(() => undefined);
  }
}
