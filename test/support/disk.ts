import { execFileSync } from 'node:child_process';
import type { Test } from 'tap';
import { temporaryFolder } from './folders.ts';

/** A disk of its own, small, in memory. */
export interface Disk {
  readonly folder: string;
  readonly readOnly: (is: boolean) => void;
}

/** Undefined, and said so, where this process may mount nothing. */
export async function mountDisk(t: Test, bytes: number): Promise<Disk | undefined> {
  const folder = await temporaryFolder();
  const mount = (...words: string[]) => execFileSync('mount', words, { stdio: 'pipe' });
  try {
    mount('-t', 'tmpfs', '-o', `size=${bytes}`, 'rendition-test', folder);
  } catch (error) {
    t.comment(`skipped: a disk of its own cannot be mounted (${String(error).split('\n')[0]})`);
    return undefined;
  }
  t.teardown(() => execFileSync('umount', ['--lazy', folder]));
  const readOnly = (is: boolean) => {
    mount('-o', `remount,${is ? 'ro' : 'rw'},size=${bytes}`, folder);
  };
  return { folder, readOnly };
}
