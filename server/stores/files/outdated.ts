import { randomUUID } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { attempt } from '../errors.ts';
import type { OutdatedRound, RemovedOutdated } from '../objects.ts';
import { ignoring } from './folders.ts';
import type { FileObjects } from './objects.ts';

/** How far the walk through a folder has come. */
interface Progress {
  readonly epoch: string;
  /** The last key that was looked at; undefined when all were. */
  readonly after: string | undefined;
}

/** Looked at in a round when nobody says how many: about a second, and a million results in three hours of rounds a minute apart. */
const KEYS = 5000;
/** Between two notes of how far it has come: what a kill makes it look at again. */
const KEYS_PER_NOTE = 500;
/** No key begins with a dot on disk, see KeyPaths. */
const NOTE = '.outdated';

/**
 * Looks at the next keys of a store and removes those that are outdated. How far it came lies beside the objects, so
 * that a killed process costs some hundred looks, and a walk that has ended is not begun again for the same epoch.
 */
export function removeOutdated(
  store: FileObjects,
  root: string,
  round: OutdatedRound,
): Promise<RemovedOutdated> {
  return attempt(undefined, async () => {
    const { epoch, isOutdated, isStopping, maxKeys = KEYS } = round;
    const begun = await progressOf(root, epoch);
    if (begun && begun.after === undefined) return { removed: 0, isDone: true };
    let [removed, seen] = [0, 0];
    for await (const key of store.keys(begun?.after ?? '')) {
      if (isOutdated(key)) {
        await store.remove([key]);
        removed += 1;
      }
      seen += 1;
      const isOver = seen === maxKeys || isStopping();
      if (isOver || seen % KEYS_PER_NOTE === 0) await note(root, { epoch, after: key });
      if (isOver) return { removed, isDone: false };
    }
    await note(root, { epoch, after: undefined });
    return { removed, isDone: true };
  });
}

/** Undefined where none was noted for the epoch, or none that can be read: then the walk begins anew. */
async function progressOf(root: string, epoch: string): Promise<Progress | undefined> {
  const text = await readFile(join(root, NOTE), 'utf8').catch(ignoring('ENOENT'));
  if (text === undefined) return undefined;
  try {
    const noted: Partial<Progress> = JSON.parse(text);
    return noted.epoch === epoch ? { epoch, after: noted.after } : undefined;
  } catch {
    return undefined;
  }
}

/** By a rename, so that a kill leaves a whole one. */
async function note(root: string, progress: Progress): Promise<void> {
  const aside = join(root, '.tmp', randomUUID());
  await writeFile(aside, JSON.stringify(progress));
  await rename(aside, join(root, NOTE));
}
