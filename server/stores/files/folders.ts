import { statSync } from 'node:fs';
import { open, readdir, rmdir, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errorName } from '../errors.ts';

/**
 * Makes what happened inside `folder` survive a power cut, with the folders that lead to it: another writer
 * may have made them a moment ago and not synced them yet. Folders that are gone need no sync.
 */
export async function syncFolders(folder: string, root: string): Promise<void> {
  // Windows opens no folders; NTFS journals its entries.
  if (process.platform === 'win32') return;
  for (let path = folder; path.length >= root.length; path = dirname(path)) {
    const handle = await open(path, 'r').catch(ignoring('ENOENT'));
    try {
      await handle?.sync();
    } finally {
      await handle?.close();
    }
  }
}

/**
 * Removes `folder` and its parents below `root` while they are empty. rmdir refuses a folder with an entry,
 * so this cannot take an object with it; a writer whose folder vanished makes it again.
 */
export async function pruneFolders(folder: string, root: string): Promise<void> {
  for (let path = folder; path.length > root.length; path = dirname(path)) {
    try {
      await rmdir(path);
    } catch {
      return;
    }
  }
}

/**
 * Whether something that is no folder lies where `folder` or one above it should. mkdir alone does not tell: a folder that
 * vanishes between its two looks is ENOTDIR to it as well (once in 16,000 writes of eight writers who prune).
 */
export function isBlocked(folder: string): boolean {
  const parent = dirname(folder);
  const facts = statSync(folder, { throwIfNoEntry: false });
  return facts ? !facts.isDirectory() : parent !== folder && isBlocked(parent);
}

/** Removes files of `folder` not written to for `seconds`: what a killed writer left behind. Resolves to their number. */
export async function removeStale(folder: string, seconds: number): Promise<number> {
  let removed = 0;
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const facts = await stat(path).catch(ignoring('ENOENT'));
    if (!facts || Date.now() - facts.mtimeMs <= seconds * 1000) continue;
    if (await unlink(path).then(() => true, ignoring('ENOENT'))) removed += 1;
  }
  return removed;
}

/** For `catch`: the named errors are absence, others are thrown on. */
export function ignoring(...names: string[]): (error: unknown) => undefined {
  return (error) => {
    if (!names.includes(errorName(error))) throw error;
  };
}
