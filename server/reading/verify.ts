import { createHash } from 'node:crypto';
import { cameDamaged, checksumOf, damaged, digestOf } from '../stores/checksum.ts';
import type { Objects } from '../stores/objects.ts';
import type { Records } from '../stores/stores.ts';
import type { Results } from './results.ts';

const PAGE = 200;

export interface VerifyEvents {
  /** An original that is not what was written. It stays: somebody may have a backup of it. */
  readonly onDamaged: (id: string, error: unknown) => void;
  /** A result that was not what was written, and has gone. */
  readonly onRemoved: (key: string) => Promise<void>;
}

export interface Verified {
  readonly originals: number;
  /** Of those that nothing is known about, in a bucket of somebody else's. */
  readonly unknown: number;
  readonly results: number;
  /** Results that were not what was written, and went: they are made again. */
  readonly removed: number;
}

/** Reads whatever is stored, and compares it with what was written. */
export async function verify(
  { originals, results, records }: { originals: Objects; results: Results; records: Pick<Records, 'images'> },
  { onDamaged, onRemoved }: VerifyEvents,
): Promise<Verified> {
  const seen = { originals: 0, unknown: 0, results: 0, removed: 0 };
  for await (const id of idsOf(originals, records)) {
    try {
      const isKnown = await checkOriginal(originals, records, id);
      seen.originals += 1;
      if (!isKnown) seen.unknown += 1;
    } catch (error) {
      onDamaged(id, error);
    }
  }
  for await (const { key, isWhole } of results.verify()) {
    seen.results += 1;
    if (isWhole) continue;
    seen.removed += 1;
    await onRemoved(key);
  }
  return seen;
}

/** Of records and of objects: a file that lost its end is in no list of its store. */
async function* idsOf(originals: Objects, { images }: Pick<Records, 'images'>): AsyncGenerator<string> {
  let cursor: string | undefined;
  do {
    const page = await originals.list({ prefix: '', limit: PAGE, ...(cursor !== undefined && { cursor }) });
    yield* page.items.map(({ key }) => key);
    cursor = page.next;
  } while (cursor !== undefined);
  do {
    const page = await images.list({ limit: PAGE, ...(cursor !== undefined && { cursor }) });
    for (const { id, version } of page.items)
      if (version !== undefined && !(await originals.head(id).catch(() => undefined))) yield id;
    cursor = page.next;
  } while (cursor !== undefined);
}

/**
 * False where nothing is known that the bytes could be compared with.
 *
 * @throws Problem `damaged_store`, `store_unavailable`, `image_not_found`
 */
async function checkOriginal(
  originals: Objects,
  { images }: Pick<Records, 'images'>,
  id: string,
): Promise<boolean> {
  const [object, record] = [await originals.get(id), await images.get(id)];
  if (!object) throw new Error('There is a record, and no original.');
  const isOfRecord = record?.version === object.etag;
  const digest = (isOfRecord ? record.digest : undefined) ?? digestOf(object);
  // By the strongest that is known: whoever asks for this has time.
  const checksum = checksumOf(originals, { etag: object.etag }, digest);
  const hash = createHash(checksum?.algorithm ?? 'md5');
  let bytes = 0;
  for await (const piece of object.body) {
    hash.update(piece);
    bytes += piece.length;
  }
  const isWhole = bytes === object.size && (!checksum || hash.digest('hex') === checksum.hex);
  if (!isWhole) throw originals.link ? damaged(id) : cameDamaged(id);
  return checksum !== undefined;
}
