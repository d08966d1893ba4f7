import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { isProblem, Problem, unavailable } from '../shared/errors.ts';
import { cameDamaged, checksumOf, damaged, isWholeFile } from './checksum.ts';
import type { ObjectFacts, Objects } from './objects.ts';

/**
 * Brings the bytes of an object to a path, for another process to read.
 *
 * @param path      where nothing lies yet; the caller's to remove, also when this rejects
 * @param maxBytes  of the object
 * @returns         undefined when there is no such object. What lies at the path may be longer than `size`: a store's
 *                  own trailer comes behind the bytes
 * @throws          Problem `source_too_large`, `store_unavailable` (also for a body that came short); the signal's reason
 */
export async function toFile(
  objects: Objects,
  { key, path, maxBytes }: { key: string; path: string; maxBytes: number },
  signal?: AbortSignal,
): Promise<ObjectFacts | undefined> {
  const linked = await objects.link?.(key, path, signal);
  if (linked) {
    checkBytes(linked.size, maxBytes);
    return linked;
  }
  const object = await objects.get(key, signal);
  if (!object) return undefined;
  try {
    checkBytes(object.size, maxBytes);
    const file = createWriteStream(path, { flags: 'wx' });
    await pipeline(object.body, file, signal ? { signal } : {});
    if (file.bytesWritten !== object.size) throw cameShort(file.bytesWritten, object.size);
  } catch (error) {
    object.body.destroy();
    throw isProblem(error) ? error : unavailable(error, signal);
  }
  const { etag, size, lastModified } = object;
  return { key, etag, size, lastModified };
}

/** @throws Problem `source_too_large` */
export function checkBytes(size: number, maxBytes: number): void {
  if (size <= maxBytes) return;
  const facts = { received: `${size} bytes`, allowed: `${maxBytes} bytes` };
  throw new Problem(
    'source_too_large',
    `The original has ${facts.received}; ${facts.allowed} are read.`,
    facts,
  );
}

export interface FileToCheck {
  readonly facts: ObjectFacts;
  readonly path: string;
  /** See checksumOf. */
  readonly digest?: string | undefined;
  /** What an object of this ETag has to have, where that was asked for before. */
  readonly bytes?: number | undefined;
}

/**
 * Compares a file with what is known of its object. Where it lies on the disk of the store, the disk has damaged it.
 *
 * @throws Problem `damaged_store`, or `store_unavailable` where it came from elsewhere
 */
export async function checkFile(
  objects: Objects,
  { facts, path, digest, bytes }: FileToCheck,
): Promise<void> {
  if (bytes !== undefined && bytes !== facts.size) throw cameDamaged(facts.key);
  const checksum = checksumOf(objects, facts, digest);
  if (!checksum || (await isWholeFile(path, facts.size, checksum))) return;
  throw objects.link ? damaged(facts.key) : cameDamaged(facts.key);
}

const cameShort = (received: number, size: number): Problem =>
  new Problem('store_unavailable', `The store sent ${received} of ${size} bytes.`, { retryAfterSeconds: 1 });
