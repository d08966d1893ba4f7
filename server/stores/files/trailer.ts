import { fstatSync, readSync } from 'node:fs';
import type { StoredFacts } from '../contracts.ts';

/**
 * An object is one file, so that one rename makes it visible: its bytes, then the facts as JSON, the JSON's
 * length in four bytes, and this mark. The bytes come first because they stream in before their MD5 is
 * known, and because a JPEG with something behind it still opens in a viewer.
 */
const MARK = Buffer.from('RENDOBJ1');
const TAIL = 4 + MARK.length;
/** Facts are a few hundred bytes, so one read finds them. */
const GUESS = 4096;

/** What follows the bytes in the file. */
export function trailer(facts: StoredFacts): Buffer {
  const json = Buffer.from(JSON.stringify({ ...facts, lastModified: facts.lastModified.getTime() }));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(json.length);
  return Buffer.concat([json, length, MARK]);
}

/** Undefined when the file is not a whole object: cut short, or not written by this store. */
export function readFacts(fd: number): StoredFacts | undefined {
  const { size } = fstatSync(fd);
  let end = readEnd(fd, size, GUESS);
  if (end.length < TAIL || !end.subarray(-MARK.length).equals(MARK)) return undefined;
  const length = end.readUInt32BE(end.length - TAIL);
  if (length + TAIL > size) return undefined;
  if (length + TAIL > end.length) end = readEnd(fd, size, length + TAIL);
  const facts = parse(end.subarray(-TAIL - length, -TAIL).toString());
  return facts?.size === size - TAIL - length ? facts : undefined;
}

function readEnd(fd: number, size: number, bytes: number): Buffer {
  const buffer = Buffer.allocUnsafe(Math.min(size, bytes));
  return buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, size - buffer.length));
}

function parse(json: string): StoredFacts | undefined {
  try {
    const { lastModified, contentType, cacheControl, ...facts } = JSON.parse(json);
    // The mark and the size have said that this store wrote it.
    return { ...facts, contentType, cacheControl, lastModified: new Date(lastModified) } as StoredFacts;
  } catch {
    return undefined;
  }
}
