import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A file's imports: those of files as paths from the root, those of packages and built-ins by name. */
export interface Imports {
  readonly files: readonly string[];
  readonly packages: readonly string[];
}

/** What every file of a tree imports, types included: a type in the wrong room is an arrow like any other. */
export type ImportGraph = ReadonlyMap<string, Imports>;

const IMPORT =
  /(?:^|\n)\s*(?:import|export)[^;]*?from '([^']+)'|import\('([^']+)'\)|(?:^|\n)import '([^']+)'/g;

function importsOf(file: string, text: string): Imports {
  const names = [...text.matchAll(IMPORT)].map((match) => match[1] ?? match[2] ?? match[3] ?? '');
  const isPath = (name: string) => name.startsWith('.');
  return {
    files: names.filter(isPath).map((name) => relative(ROOT, normalize(join(ROOT, dirname(file), name)))),
    packages: names.filter((name) => !isPath(name)),
  };
}

/** @param texts  every file of the tree by its path from the root */
export function importGraph(texts: ReadonlyMap<string, string>): ImportGraph {
  return new Map([...texts].map(([file, text]) => [file, importsOf(file, text)]));
}

/** The TypeScript files below the folders, by their paths from the root. */
export function readSources(...folders: readonly string[]): Map<string, string> {
  const files = folders.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.includes('node_modules'))
      .map((name) => join(folder, name)),
  );
  return new Map(files.sort().map((file) => [file, readFileSync(join(ROOT, file), 'utf8')]));
}

/** The room of a file is its folder; a program's entry is a room of its own. */
export const roomOf = (file: string): string => (file.endsWith('/main.ts') ? file : dirname(file));

/** Arrows between rooms, each once: `from → to`. */
export function roomArrows(graph: ImportGraph): Map<string, Set<string>> {
  const arrows = new Map([...graph.keys()].map((file) => [roomOf(file), new Set<string>()]));
  for (const [file, { files }] of graph) {
    for (const target of files) {
      if (roomOf(target) !== roomOf(file)) arrows.get(roomOf(file))?.add(roomOf(target));
    }
  }
  return arrows;
}

/** Groups that reach each other both ways (Tarjan's strongly connected components); each is a circle. */
export function circles(arrows: ReadonlyMap<string, Iterable<string>>): string[][] {
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const found: string[][] = [];
  const visit = (node: string): void => {
    index.set(node, index.size);
    low.set(node, index.get(node) ?? 0);
    stack.push(node);
    for (const next of arrows.get(node) ?? []) {
      if (!index.has(next)) visit(next);
      if (stack.includes(next)) low.set(node, Math.min(low.get(node) ?? 0, low.get(next) ?? 0));
    }
    if (low.get(node) !== index.get(node)) return;
    const group = stack.splice(stack.indexOf(node));
    if (group.length > 1) found.push(group.sort());
  };
  for (const node of arrows.keys()) if (!index.has(node)) visit(node);
  return found;
}

/** Files that import each other in a circle, inside a room or across rooms. */
export const fileCircles = (graph: ImportGraph): string[][] =>
  circles(new Map([...graph].map(([file, { files }]) => [file, files])));

/** Rooms on the longest chain of arrows; rooms in a circle count as one floor. */
export function floors(arrows: ReadonlyMap<string, ReadonlySet<string>>): number {
  const heights = new Map<string, number>();
  const open = new Set<string>();
  const height = (room: string): number => {
    const known = heights.get(room);
    if (known !== undefined || open.has(room)) return known ?? 0;
    open.add(room);
    const found = 1 + Math.max(0, ...[...(arrows.get(room) ?? [])].map(height));
    open.delete(room);
    heights.set(room, found);
    return found;
  };
  return Math.max(0, ...[...arrows.keys()].map(height));
}
