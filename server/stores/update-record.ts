import { setTimeout as sleep } from 'node:timers/promises';
import type { ImageChange, ImageRecord, Owed } from './images.ts';
import type { Records } from './stores.ts';

/** Sixty writers of one record at once are done in fewer; whoever loses this often has met a bug. */
const ATTEMPTS = 20;
const LONGEST_PAUSE_MS = 800;

/** Between two looks at a record that others write: full jitter, so that those who met once do not meet again. */
export function pause(attempt: number): Promise<void> {
  return sleep(Math.random() * Math.min(LONGEST_PAUSE_MS, 5 * 2 ** attempt));
}

/**
 * Changes a record by compare-and-set until it holds.
 *
 * @param change  from the record as it stands; undefined leaves it alone
 * @returns       the record as it then stands; undefined when there is none
 */
export async function updateWithRetry(
  records: Pick<Records, 'images'>,
  id: string,
  change: (record: ImageRecord) => ImageChange | undefined,
): Promise<ImageRecord | undefined> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const record = await records.images.get(id);
    const imageChange = record && change(record);
    if (!record || !imageChange) return record;
    const changed = await records.images.update(id, record.revision, imageChange);
    if (changed) return changed;
    await pause(attempt);
  }
  throw new Error(`The record of ${id} changed under our hands ${ATTEMPTS} times.`);
}

/**
 * Makes a tombstone of a record if it is the one that is meant, however it is written to meanwhile.
 *
 * @returns  whether it did
 */
export async function buryIf(
  records: Pick<Records, 'images'>,
  id: string,
  owed: Owed,
  isMeant: (record: ImageRecord) => boolean,
): Promise<boolean> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const record = await records.images.get(id);
    if (!record || !isMeant(record)) return false;
    if (await records.images.bury(id, owed, record)) return true;
    await pause(attempt);
  }
  throw new Error(`The record of ${id} changed under our hands ${ATTEMPTS} times.`);
}
