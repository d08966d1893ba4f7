import { statfsSync } from 'node:fs';
import { Problem } from '../../shared/errors.ts';

/**
 * The last of a disk is for what is small and has to be written: records, jobs, what makes room.
 *
 * @param folder        on the disk in question
 * @param minFreeBytes  what has to stay free; 0: nothing
 * @throws Problem `storage_full`
 */
export function checkRoom(folder: string, minFreeBytes: number): void {
  if (minFreeBytes === 0) return;
  const { bavail, bsize } = statfsSync(folder);
  if (bavail * bsize >= minFreeBytes) return;
  const detail = `The disk has less than ${minFreeBytes} bytes free (MIN_FREE_BYTES): nothing is taken in until its operator makes room. Pictures are served, and can be deleted.`;
  throw new Problem('storage_full', detail);
}
