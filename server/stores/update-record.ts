import type { ImageChange, ImageRecord, Owed } from './images.ts';
import type { Records } from './stores.ts';
import { AGAIN, untilWritten } from './until-written.ts';

/** What it is that writers of a record take turns at. */
export const recordOf = (id: string): string => `The record of ${id}`;

/**
 * Changes a record by compare-and-set until it holds.
 *
 * @param change  from the record as it stands; undefined leaves it alone
 * @returns       the record as it then stands; undefined when there is none
 * @throws Problem `store_unavailable`
 */
export function updateWithRetry(
  records: Pick<Records, 'images'>,
  id: string,
  change: (record: ImageRecord) => ImageChange | undefined,
): Promise<ImageRecord | undefined> {
  return untilWritten(recordOf(id), async () => {
    const record = await records.images.get(id);
    const imageChange = record && change(record);
    if (!record || !imageChange) return record;
    return (await records.images.update(id, record.revision, imageChange)) ?? AGAIN;
  });
}

/**
 * Makes a tombstone of a record if it is the one that is meant, however it is written to meanwhile.
 *
 * @returns  whether it did
 * @throws Problem `store_unavailable`
 */
export function buryIf(
  records: Pick<Records, 'images'>,
  id: string,
  owed: Owed,
  isMeant: (record: ImageRecord) => boolean,
): Promise<boolean> {
  return untilWritten(recordOf(id), async () => {
    const record = await records.images.get(id);
    if (!record || !isMeant(record)) return false;
    return (await records.images.bury(id, owed, record)) ? true : AGAIN;
  });
}
