import { closeSync, openSync, renameSync, statSync, unlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorName } from '../errors.ts';

/**
 * Work under a lock takes microseconds; whoever holds one for this long was killed in the middle, and so was whoever made
 * one that lies so far ahead, before the clock was set back.
 */
const DEAD_MS = 5_000;
const LONGEST_PAUSE_MS = 20;

/**
 * Does `work` while no other process does any under the same lock, a file. The work is synchronous, so that in this
 * process nothing comes in between either.
 */
export async function withLock<T>(lock: string, work: () => T): Promise<T> {
  while (!isTaken(lock)) {
    if (isDead(lock)) steal(lock);
    else await sleep(Math.random() * LONGEST_PAUSE_MS);
  }
  try {
    return work();
  } finally {
    unlinkIfThere(lock);
  }
}

/** Whether there was one to remove. */
export function unlinkIfThere(path: string): boolean {
  return tolerating(['ENOENT', 'ENOTDIR'], () => unlinkSync(path));
}

function isTaken(lock: string): boolean {
  return tolerating(['EEXIST'], () => closeSync(openSync(lock, 'wx')));
}

function isDead(lock: string): boolean {
  const facts = statSync(lock, { throwIfNoEntry: false });
  return facts !== undefined && Math.abs(Date.now() - facts.mtimeMs) > DEAD_MS;
}

/** Of all that find it dead, one can rename it; the others find it gone. */
function steal(lock: string): void {
  const mine = `${lock}-${process.pid}`;
  if (tolerating(['ENOENT'], () => renameSync(lock, mine))) unlinkSync(mine);
}

/** False when `work` fails with one of these errors. */
function tolerating(names: readonly string[], work: () => void): boolean {
  try {
    work();
    return true;
  } catch (error) {
    if (!names.includes(errorName(error))) throw error;
    return false;
  }
}
