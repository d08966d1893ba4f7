import type { ImageChange, ImageRecord, Records } from './contracts.ts';

/** A record has few writers, so losing this many rounds in a row is a bug and not bad luck. */
const ATTEMPTS = 20;

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
    const wanted = record && change(record);
    if (!record || !wanted) return record;
    const changed = await records.images.update(id, record.revision, wanted);
    if (changed) return changed;
  }
  throw new Error(`The record of ${id} changed under our hands ${ATTEMPTS} times.`);
}

/**
 * Removes a record if it is the one that is meant, however it is written to meanwhile.
 *
 * @returns  whether it was removed
 */
export async function removeIf(
  records: Pick<Records, 'images'>,
  id: string,
  isMeant: (record: ImageRecord) => boolean,
): Promise<boolean> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const record = await records.images.get(id);
    if (!record || !isMeant(record)) return false;
    if (await records.images.remove(id, record)) return true;
  }
  throw new Error(`The record of ${id} changed under our hands ${ATTEMPTS} times.`);
}
