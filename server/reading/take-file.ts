import { constants, createWriteStream } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';

/**
 * Copies what a render process wrote to a file of ours: the process may put anything else in its place later.
 *
 * @param path      chosen by us: one that the process names could be that of anything we may read
 * @param own       where nothing lies yet
 * @param maxBytes  that are read, whatever the process goes on to write
 * @returns         bytes
 * @throws          Error for what is no plain file, or a larger one; then nothing lies at `own`
 */
export async function takeFile(path: string, own: string, maxBytes: number): Promise<number> {
  let file: FileHandle | undefined;
  try {
    // A process that is not itself any more may have put a link to something of ours there, or what never ends.
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    if (!(await file.stat()).isFile()) throw new Error(`${path} is no file`);
    const copy = createWriteStream(own, { flags: 'wx' });
    // The last byte that is read is inclusive, so that one too many shows.
    await pipeline(file.createReadStream({ autoClose: false, start: 0, end: maxBytes }), copy);
    if (copy.bytesWritten > maxBytes) throw new Error(`${path} has more than ${maxBytes} bytes`);
    return copy.bytesWritten;
  } catch (error) {
    await rm(own, { force: true });
    throw error;
  } finally {
    await file?.close();
  }
}
