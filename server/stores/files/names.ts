import { closeSync } from 'node:fs';
import { link, mkdir, readdir, rmdir, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { bytesOf } from '../key-order.ts';
import { ignoring, pruneFolders, syncFolders } from './folders.ts';
import type { KeyPaths } from './path.ts';
import { openIfThere } from './read.ts';
import { readFacts } from './trailer.ts';

/** Empty folders that say by which names all files of a store go. No key is called so. */
const MARKS = { folding: '.names-folding', plain: '.names-plain' } as const;

/**
 * Gives files the names that `paths` looks for: those of an older version, or of a folder that comes from a file system
 * which treats case otherwise. Looks at every name once, and then no more. May be repeated, and done by several at once.
 */
export async function adoptNames(root: string, paths: KeyPaths, { foldsCase }: { foldsCase: boolean }) {
  const [mark, other] = foldsCase ? [MARKS.folding, MARKS.plain] : [MARKS.plain, MARKS.folding];
  if (await stat(join(root, mark)).catch(ignoring('ENOENT'))) return;
  await rmdir(join(root, other)).catch(ignoring('ENOENT'));
  for await (const path of strangers(root, paths, false)) await adopt(root, paths, path);
  await mkdir(join(root, mark), { recursive: true });
  await syncFolders(root, root);
}

/** Files whose name, or that of a folder above them, is not one that `paths` writes. */
async function* strangers(folder: string, paths: KeyPaths, isInside: boolean): AsyncGenerator<string> {
  for (const entry of (await readdir(folder, { withFileTypes: true }).catch(ignoring('ENOENT'))) ?? []) {
    if (entry.name.startsWith('.')) continue;
    const isStrange = isInside || paths.entry(entry.name) === undefined;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* strangers(path, paths, isStrange);
    else if (isStrange) yield path;
  }
}

/** What is under the right name already was written later, and stays. What is no object of ours stays where it is. */
async function adopt(root: string, paths: KeyPaths, path: string): Promise<void> {
  const fd = openIfThere(path);
  if (fd === undefined) return;
  const facts = readFacts(fd);
  closeSync(fd);
  const target = facts && paths.file(bytesOf(facts.key));
  if (target === undefined || target === path) return;
  await mkdir(dirname(target), { recursive: true });
  await link(path, target).catch(ignoring('EEXIST', 'ENOENT'));
  await unlink(path).catch(ignoring('ENOENT'));
  await syncFolders(dirname(target), root);
  await pruneFolders(dirname(path), root);
}
