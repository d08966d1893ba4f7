import { stat } from 'node:fs/promises';
import { attempt } from '../errors.ts';
import type { Evicted, EvictionRound } from '../objects.ts';
import { ignoring } from './folders.ts';
import type { FileObjects } from './objects.ts';

/** What file systems give out at a time. */
const BLOCK = 4096;
/** The use of results is noted by the hour, and compared so. */
const HOUR_MS = 3_600_000;
/** A store that is full stays so: a tenth is made free at once, so that not every round has to. */
const TARGET = 0.9;
/** Written down and removed at a time. */
const BATCH = 100;

interface Use {
  readonly key: string;
  readonly bytes: number;
  readonly hour: number;
}

/**
 * Removes the objects of a store that were used least recently, where all together take too much of the disk. Two walks
 * and no list: a million of them are a hundred hours with their sums.
 */
export function evict(
  store: FileObjects,
  { maxBytes, isStopping, removing, now }: EvictionRound & { readonly now: () => number },
): Promise<Evicted> {
  return attempt(undefined, async () => {
    const hours = new Map<number, number>();
    let bytes = 0;
    for await (const use of usesOf(store, now())) {
      if (isStopping()) return { bytes, removed: 0 };
      bytes += use.bytes;
      hours.set(use.hour, (hours.get(use.hour) ?? 0) + use.bytes);
    }
    if (bytes <= maxBytes) return { bytes, removed: 0 };
    const excess = bytes - maxBytes * TARGET;
    const last = lastHour(hours, excess);
    // Of the last hour only as many as it takes.
    let rest = excess - last.before;
    let [removed, freed] = [0, 0];
    let batch: Use[] = [];
    const removeBatch = async () => {
      const keys = batch.map(({ key }) => key);
      if (keys.length > 0) await removing(keys, () => store.remove(keys));
      removed += batch.length;
      freed += batch.reduce((sum, { bytes }) => sum + bytes, 0);
      batch = [];
    };
    for await (const use of usesOf(store, now())) {
      if (isStopping()) break;
      if (use.hour > last.hour || (use.hour === last.hour && rest <= 0)) continue;
      if (use.hour === last.hour) rest -= use.bytes;
      batch.push(use);
      if (batch.length >= BATCH) await removeBatch();
    }
    await removeBatch();
    return { bytes: bytes - freed, removed };
  });
}

/** The hour with which enough is free, and what is free with those before it. */
function lastHour(hours: ReadonlyMap<number, number>, excess: number): { hour: number; before: number } {
  let before = 0;
  let hour = Number.NEGATIVE_INFINITY;
  for (const [next, bytes] of [...hours].sort(([a], [b]) => a - b)) {
    hour = next;
    if (before + bytes >= excess) break;
    before += bytes;
  }
  return { hour, before };
}

/** A use that is to come, by a clock that was wrong, is one of now. */
async function* usesOf(store: FileObjects, nowMs: number): AsyncGenerator<Use> {
  for await (const key of store.keys('')) {
    const facts = await stat(store.fileOf(key)).catch(ignoring('ENOENT', 'ENOTDIR'));
    if (!facts) continue;
    const usedMs = Math.min(facts.atimeMs, nowMs);
    yield {
      key,
      bytes: Math.ceil(facts.size / BLOCK) * BLOCK,
      hour: Math.floor(usedMs / HOUR_MS),
    };
  }
}
