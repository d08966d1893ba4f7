import { statfs } from 'node:fs/promises';
import { Problem } from '../../shared/errors.ts';

/**
 * The last of a disk is for what is small and has to be written: records, jobs, what makes room.
 *
 * @param folder        on the disk in question
 * @param minFreeBytes  what has to stay free; 0: nothing
 * @throws Problem `storage_full`
 */
export async function checkRoom(folder: string, minFreeBytes: number): Promise<void> {
  if (minFreeBytes === 0) return;
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize >= minFreeBytes) return;
  const detail = `The disk has less than ${minFreeBytes} bytes free (MIN_FREE_BYTES): nothing is taken in until its operator makes room. Pictures are served, and can be deleted.`;
  throw new Problem('storage_full', detail);
}
