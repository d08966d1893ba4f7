import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isInSpan, leadsTo, type Span } from '../key-order.ts';
import { ignoring } from './folders.ts';
import type { Entry, KeyPaths } from './path.ts';

/** Keys that have a file, bytewise ascending. Whether it is a whole object is for the caller to see. */
export async function* walk(paths: KeyPaths, span: Span): AsyncGenerator<string> {
  const parent = span.prefix.slice(0, span.prefix.lastIndexOf('/') + 1);
  yield* walkFolder(paths, paths.folder(parent), parent, span);
}

async function* walkFolder(
  paths: KeyPaths,
  folder: string,
  parent: string,
  span: Span,
): AsyncGenerator<string> {
  const names = (await readdir(folder).catch(ignoring('ENOENT', 'ENOTDIR'))) ?? [];
  const entries = names.map((name) => paths.entry(name)).filter((entry) => entry !== undefined);
  for (const { name, text, isFolder } of entries.sort(byText)) {
    const start = parent + text;
    if (isFolder && leadsTo(start, span)) yield* walkFolder(paths, join(folder, name), start, span);
    if (!isFolder && isInSpan(start, span)) yield start;
  }
}

/** All keys below one entry are in one run of the order, so that sorting by the beginning is enough. */
function byText(a: Entry, b: Entry): number {
  return a.text < b.text ? -1 : 1;
}
