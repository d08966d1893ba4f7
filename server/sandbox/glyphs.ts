import { type FileHandle, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { HasGlyph } from '../core/render/drawing-warnings.ts';

const FONT_FILE = /\.(ttf|otf|ttc|otc)$/i;
/** A character map of every letter that there is has a tenth of this. */
const MAX_MAP_BYTES = 8 * 2 ** 20;
const MAX_FACES = 64;

type Range = readonly [first: number, last: number];

/**
 * Tells for which code points there is a glyph in any font below some folders, by their character maps (OpenType,
 * `cmap`, formats 4 and 12). A file that cannot be read has none.
 */
export async function readCoverage(folders: readonly string[]): Promise<HasGlyph> {
  const ofFiles: Range[][] = [];
  for (const folder of folders) {
    const names = await readdir(folder, { recursive: true }).catch((): string[] => []);
    for (const name of names.filter((file) => FONT_FILE.test(file)))
      ofFiles.push(await rangesOfFile(join(folder, name)).catch(() => []));
  }
  const merged = merge(ofFiles.flat());
  return (codePoint) => isIn(merged, codePoint);
}

/** Ascending, and none touches another. */
function merge(ranges: readonly Range[]): Range[] {
  const merged: Range[] = [];
  for (const [first, last] of ranges.toSorted(([a], [b]) => a - b)) {
    const before = merged.at(-1);
    if (before && first <= before[1] + 1) merged[merged.length - 1] = [before[0], Math.max(before[1], last)];
    else merged.push([first, last]);
  }
  return merged;
}

function isIn(ranges: readonly Range[], codePoint: number): boolean {
  let [low, high] = [0, ranges.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const [first = 0, last = 0] = ranges[middle] ?? [];
    if (codePoint < first) high = middle;
    else if (codePoint > last) low = middle + 1;
    else return true;
  }
  return false;
}

async function rangesOfFile(path: string): Promise<Range[]> {
  const file = await open(path, 'r');
  try {
    const head = await read(file, 0, 12 + 4 * MAX_FACES);
    const isCollection = head.toString('latin1', 0, 4) === 'ttcf';
    const faces = isCollection ? Math.min(head.readUInt32BE(8), MAX_FACES) : 1;
    const ofFaces: Range[][] = [];
    for (let face = 0; face < faces; face += 1)
      ofFaces.push(await rangesOfFace(file, isCollection ? head.readUInt32BE(12 + 4 * face) : 0));
    return ofFaces.flat();
  } finally {
    await file.close();
  }
}

async function read(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}

async function rangesOfFace(file: FileHandle, start: number): Promise<Range[]> {
  const tables = (await read(file, start, 12)).readUInt16BE(4);
  const directory = await read(file, start + 12, 16 * tables);
  for (let entry = 0; entry + 16 <= directory.length; entry += 16) {
    if (directory.toString('latin1', entry, entry + 4) !== 'cmap') continue;
    const length = Math.min(directory.readUInt32BE(entry + 12), MAX_MAP_BYTES);
    return rangesOfMap(await read(file, directory.readUInt32BE(entry + 8), length));
  }
  return [];
}

/** Of the subtables for Unicode: platform 0, and 3 with encoding 1 or 10. */
function rangesOfMap(map: Buffer): Range[] {
  const ofTables: Range[][] = [];
  for (let record = 4; record < 4 + 8 * map.readUInt16BE(2); record += 8) {
    const [platform, encoding] = [map.readUInt16BE(record), map.readUInt16BE(record + 2)];
    if (platform !== 0 && !(platform === 3 && (encoding === 1 || encoding === 10))) continue;
    const table = map.subarray(map.readUInt32BE(record + 4));
    const format = table.readUInt16BE(0);
    if (format === 4) ofTables.push(segments(table));
    if (format === 12) ofTables.push(groups(table));
  }
  // Not as arguments of a call: fonts of Chinese have more letters than a stack takes.
  return merge(ofTables.flat());
}

function groups(table: Buffer): Range[] {
  const count = Math.min(table.readUInt32BE(12), (table.length - 16) / 12);
  return Array.from({ length: count }, (_, group): Range => {
    const entry = 16 + 12 * group;
    return [table.readUInt32BE(entry), table.readUInt32BE(entry + 4)];
  });
}

/** Segments of 16-bit code points; a code point of one whose glyph is number 0 has none. */
function segments(table: Buffer): Range[] {
  const bytes = table.readUInt16BE(6);
  const ranges: Range[] = [];
  for (let segment = 0; segment < bytes; segment += 2) {
    const last = table.readUInt16BE(14 + segment);
    const first = table.readUInt16BE(16 + bytes + segment);
    const delta = table.readUInt16BE(16 + 2 * bytes + segment);
    const place = 16 + 3 * bytes + segment;
    const offset = table.readUInt16BE(place);
    for (let code = first; code <= last && code < 0xffff; code += 1) {
      const glyph = offset === 0 ? code : (table.readUInt16BE(place + offset + 2 * (code - first)) ?? 0);
      const number = offset !== 0 && glyph === 0 ? 0 : (glyph + delta) & 0xffff;
      if (number !== 0) ranges.push([code, code]);
    }
  }
  return ranges;
}
