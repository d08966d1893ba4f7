import { fstatSync, readSync } from 'node:fs';
import { crc32Of } from '../checksum.ts';
import type { StoredFacts } from '../objects.ts';

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
export function trailer({ crc32: bytesCrc32, ...facts }: StoredFacts): Buffer {
  const lastModified = facts.lastModified.getTime();
  const text = JSON.stringify({ ...facts, lastModified, bytesCrc32 }).slice(0, -1);
  const json = Buffer.from(`${text},"crc32":"${crc32Of(text)}"}`);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(json.length);
  return Buffer.concat([json, length, MARK]);
}

/** Undefined when the file is not a whole object: cut short, or not written by this store. */
export function readFacts(fd: number): StoredFacts | undefined {
  const { size } = fstatSync(fd);
  const end = readEnd(fd, size, GUESS);
  const length = lengthAtEnd(end);
  const isLong = length !== undefined && length + TAIL > end.length && length + TAIL <= size;
  return factsAtEnd(isLong ? readEnd(fd, size, length + TAIL) : end, size);
}

/**
 * @param end   of the file, or all of it
 * @param size  of the file
 */
export function factsAtEnd(end: Buffer, size: number): StoredFacts | undefined {
  const length = lengthAtEnd(end);
  if (length === undefined || length + TAIL > end.length) return undefined;
  const facts = parse(end.toString('utf8', end.length - TAIL - length, end.length - TAIL));
  return facts?.size === size - TAIL - length ? facts : undefined;
}

/** Of the JSON; undefined without the mark. */
function lengthAtEnd(end: Buffer): number | undefined {
  const isMarked = end.length >= TAIL && end.compare(MARK, 0, MARK.length, end.length - MARK.length) === 0;
  return isMarked ? end.readUInt32BE(end.length - TAIL) : undefined;
}

function readEnd(fd: number, size: number, bytes: number): Buffer {
  const buffer = Buffer.allocUnsafe(Math.min(size, bytes));
  return buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, size - buffer.length));
}

/** Older files have none. */
const CHECKED = /^(.*),"crc32":"([0-9a-f]{8})"}$/s;

/** Of a file without a checksum, whose facts are these and no others: it is older, or lost the name of its checksum. */
const OLDER = new Set(['key', 'etag', 'size', 'lastModified', 'contentType', 'cacheControl', 'metadata']);

/** Undefined for what a failing disk has changed. */
function parse(json: string): StoredFacts | undefined {
  const checked = CHECKED.exec(json);
  if (checked && checked[2] !== crc32Of(checked[1] ?? '')) return undefined;
  try {
    const parsed = JSON.parse(json);
    if (!checked && !Object.keys(parsed).every((name) => OLDER.has(name))) return undefined;
    const { lastModified, contentType, cacheControl, key, etag, size, metadata, bytesCrc32 } = parsed;
    return {
      key,
      etag,
      size,
      metadata: { ...metadata },
      contentType,
      cacheControl,
      lastModified: new Date(lastModified),
      ...(bytesCrc32 !== undefined && { crc32: bytesCrc32 }),
    };
  } catch {
    return undefined;
  }
}
