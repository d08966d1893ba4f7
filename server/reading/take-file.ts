import { constants, createWriteStream } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';

/**
 * Copies what a render process wrote to a file of ours, and removes it: the process may put anything else in its place
 * later.
 *
 * @param own  where nothing lies yet
 * @returns    bytes
 * @throws     Error for what is no plain file; then nothing lies at `own`
 */
export async function takeFile(path: string, own: string): Promise<number> {
  let file: FileHandle | undefined;
  try {
    // A process that is not itself any more may have put a link to something of ours there, or what never ends.
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    if (!(await file.stat()).isFile()) throw new Error(`${path} is no file`);
    const copy = createWriteStream(own, { flags: 'wx' });
    await pipeline(file.createReadStream({ autoClose: false }), copy);
    return copy.bytesWritten;
  } catch (error) {
    await rm(own, { force: true });
    throw error;
  } finally {
    await file?.close();
    await rm(path, { force: true });
  }
}
