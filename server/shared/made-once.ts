import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, unlink, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * The text of a file that whoever comes first makes, readable by its owner alone; the same for all processes.
 *
 * @param make    called where there is none yet
 * @returns       the text, and whether it is the one that was made here
 */
export async function madeOnce(path: string, make: () => string): Promise<{ text: string; isMade: boolean }> {
  const existing = await readFile(path, 'utf8').catch((error: unknown) => unless(error, 'ENOENT'));
  if (existing !== undefined) return { text: existing, isMade: false };
  await mkdir(dirname(path), { recursive: true });
  // Written aside and linked: nobody reads half of it, and the first one wins.
  const aside = `${path}.${randomBytes(6).toString('hex')}`;
  const made = make();
  await writeFile(aside, made, { mode: 0o600, flag: 'wx' });
  await link(aside, path).catch((error: unknown) => unless(error, 'EEXIST'));
  await unlink(aside);
  const text = await readFile(path, 'utf8');
  return { text, isMade: text === made };
}

function unless(error: unknown, code: string): undefined {
  if (!(error instanceof Error && 'code' in error && error.code === code)) throw error;
}
