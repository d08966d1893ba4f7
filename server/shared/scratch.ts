import { randomUUID } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { every } from './periodic.ts';

const PREFIX = 'rendition-scratch-';
/** A program that lives says so this often; what is silent for an hour is nobody's. */
const HEARTBEAT_MS = 600_000;
const STALE_MS = 3_600_000;

/** Read by a render process when it starts: a user that may not read it could not read an original either. */
export const PROBE = 'probe';

/** A folder of this program alone in which originals lie for as long as they are read. */
export interface Scratch {
  readonly folder: string;
  /** Where render processes may write. */
  readonly writable: string;
  /** A path where nothing lies yet. */
  path(): string;
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
  await removeStale(parent);
  const end = every(HEARTBEAT_MS, () => {
    const now = new Date();
    utimes(folder, now, now).catch(() => undefined);
  });
  return {
    folder,
    writable: join(folder, 'tmp'),
    path: () => join(folder, randomUUID()),
    close: async () => {
      end();
      await rm(folder, { recursive: true, force: true }).catch(() => undefined);
    },
  };
}

async function create(parent: string): Promise<string> {
  try {
    await mkdir(parent, { recursive: true });
    const folder = await mkdtemp(join(parent, PREFIX));
    // Render processes of another user pass through it and read what they are told of; they cannot list it.
    await chmod(folder, 0o711);
    await mkdir(join(folder, 'tmp'));
    await chmod(join(folder, 'tmp'), 0o1777);
    await writeFile(join(folder, PROBE), 'probe');
    return folder;
  } catch (error) {
    throw new Error(`Originals lie in ${parent} for a while, and cannot (set TMPDIR or DATA_DIR): ${error}`, {
      cause: error,
    });
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
