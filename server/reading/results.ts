import { hash } from 'node:crypto';
import { resultKey } from '../core/query/id.ts';
import { place } from '../core/query/path.ts';
import { Problem } from '../shared/errors.ts';
import { crc32Of } from '../stores/checksum.ts';
import type { Condition, Objects, StoredFacts } from '../stores/objects.ts';
import { pause } from '../stores/until-written.ts';
import { type Epochs, epochsInBucket } from './epoch.ts';
import { isOfVersion } from './identity.ts';
import { originalOf, type Variant } from './inputs.ts';
import { factsOf, type Result, type StoredResult } from './result.ts';
import { factsFrom, isWhole, META } from './stored-form.ts';

/** Writers that come between a look and a write; more in a row than this is a bug. */
const ROUNDS = 5;

/** Results that are listed at once. */
const PAGE = 200;

/** What S3 takes. */
const MAX_KEY_BYTES = 1024;

/** Results in their bucket; those without a watermark under the key that CloudFront asks for. */
export class Results {
  readonly #objects: Objects;
  readonly #cacheControl: string;
  readonly #epochs: Epochs;
  /** Those whose bytes were found as they had been written, by what the store gave with them. */
  readonly #checked = new WeakMap<StoredFacts, Omit<Result, 'bytes'>>();

  /**
   * @param cacheControl  for those that CloudFront serves straight from the bucket
   * @param epochs        where results lie
   */
  constructor(objects: Objects, cacheControl: string, epochs: Epochs = epochsInBucket({ revision: '' })) {
    this.#objects = objects;
    this.#cacheControl = cacheControl;
    this.#epochs = epochs;
  }

  /** Where the result of a variant lies; undefined where that would be longer than a key of S3 can be. */
  keyOf(id: string, canonical: string): string | undefined {
    const { plain, marked } = this.#epochs;
    const key = resultKey(id, place(canonical, plain, marked));
    return Buffer.byteLength(key) <= MAX_KEY_BYTES ? key : undefined;
  }

  /** Undefined when there is none, or only one of another original, mark or pipeline. */
  async head(
    id: string,
    canonical: string,
    version: string,
    signal?: AbortSignal,
  ): Promise<StoredResult | undefined> {
    const key = this.keyOf(id, canonical);
    const stored = key && (await this.#objects.head(key, signal));
    return stored && this.#isCurrent(stored, version) ? factsFrom(id, canonical, stored) : undefined;
  }

  /**
   * Undefined when there is none, or only one of another original, mark or pipeline.
   *
   * @param version  may still be looked up
   * @throws the reason of `version`, where there is a result to compare it with; Problem `damaged_store` for one whose
   *         bytes are not those that were written, and which is removed
   */
  async get(
    id: string,
    canonical: string,
    version: string | Promise<string>,
    signal?: AbortSignal,
  ): Promise<Result | undefined> {
    const key = this.keyOf(id, canonical);
    const stored = key && (await this.#objects.get(key, signal));
    if (!stored) return undefined;
    // Read at once: a body that waits would keep its connection from others.
    const bytes = stored.bytes();
    bytes.catch(() => undefined);
    let isCurrent = false;
    try {
      isCurrent = this.#isCurrent(stored, await version);
    } finally {
      if (!isCurrent) stored.body.destroy();
    }
    if (!isCurrent) return undefined;
    const { size: _size, storedAt: _time, ...facts } = factsFrom(id, canonical, stored);
    const result = { ...facts, bytes: await bytes };
    if (isWhole(result.bytes, stored)) return result;
    // It is made anew, by whoever asks next at the latest.
    await this.#objects.remove([key]);
    throw new Problem('damaged_store', `The stored result ${key} is not what was written; it is removed.`);
  }

  /**
   * As `get`, without a turn of the event loop, where the store can do that. Undefined says nothing of whether there is
   * one, nor why not: whoever gets it asks `get`.
   */
  getAtOnce({ id, canonical }: Variant, version: string): Result | undefined {
    const key = this.#objects.getAtOnce && this.keyOf(id, canonical);
    if (!key) return undefined;
    const whole = undefinedWhereThrown(() => this.#objects.getAtOnce?.(key));
    if (!whole || !this.#isCurrent(whole.facts, version)) return undefined;
    const checked = this.#checked.get(whole.facts);
    if (checked?.id === id && checked.canonical === canonical) return { ...checked, bytes: whole.bytes };
    if (!isWhole(whole.bytes, whole.facts)) return undefined;
    const { size: _size, ...facts } = factsFrom(id, canonical, whole.facts);
    this.#checked.set(whole.facts, facts);
    return { ...facts, bytes: whole.bytes };
  }

  /**
   * Stores a result, but never over one of the same version, which somebody may have seen, nor while the image is
   * another one. What turns out to be old only once it is stored is removed again.
   *
   * @param isCurrent  looks up whether the image is still of this version
   * @throws           Error for one without a key, see keyOf
   * @returns          what is there for this version now, by whomever; undefined when the version has passed
   */
  async keep(result: Result, isCurrent: () => Promise<boolean>): Promise<StoredResult | undefined> {
    const key = this.keyOf(result.id, result.canonical);
    if (!key) throw new Error(`The result of ${result.id} has no key.`);
    for (let round = 0; round < ROUNDS; round++) {
      if (round > 1) await pause(round);
      // It was made because nothing lay there: who finds that still so needs no look.
      const there = round === 0 ? undefined : await this.#objects.head(key);
      // Asked after the look: what lies there and is not of this version may be a newer one.
      if (!(await isCurrent())) return undefined;
      if (there && this.#isCurrent(there, result.version))
        return factsFrom(result.id, result.canonical, there);
      try {
        // Only over the one that was looked at: somebody else may have replaced it meanwhile.
        const condition = there ? { ifMatch: there.etag } : { ifAbsent: true };
        if (!(await this.#put(key, result, condition))) continue;
      } catch (error) {
        // Where nothing can be written, as on a full disk, it may lie there all the same.
        const other = round === 0 ? await this.#objects.head(key).catch(() => undefined) : undefined;
        if (!other || !this.#isCurrent(other, result.version)) throw error;
        return factsFrom(result.id, result.canonical, other);
      }
      if (await isCurrent()) return { ...factsOf(result), storedAt: new Date() };
      await this.removeOld(result.id, result.canonical, result.version);
      return undefined;
    }
    throw new Error(`The result of ${result.id} changed under our hands ${ROUNDS} times.`);
  }

  /**
   * Puts a result in the place of one of the same version, where that has not become another one meanwhile and this has
   * fewer bytes; else notes that there is nothing to be gained.
   *
   * @returns  what is there now; undefined where something else is, or the version has passed
   */
  async replace(
    there: StoredResult,
    smaller: Result,
    isCurrent: () => Promise<boolean>,
  ): Promise<StoredResult | undefined> {
    const { id, canonical, version, etag } = there;
    const key = this.keyOf(id, canonical);
    const isGain = smaller.bytes.length < there.size;
    const result = isGain ? smaller : await this.get(id, canonical, version);
    if (!key || result?.version !== version || !(await isCurrent())) return undefined;
    const settled = { ...result, isUpgradable: false };
    if (!(await this.#put(key, settled, { ifMatch: etag }))) return undefined;
    if (await isCurrent()) return { ...factsOf(settled), storedAt: new Date() };
    await this.removeOld(id, canonical, version);
    return undefined;
  }

  /** Reads every result, removes what is not what was written, and says of each whether it is. */
  async *verify(): AsyncGenerator<{ key: string; isWhole: boolean }> {
    let cursor: string | undefined;
    do {
      const page = { prefix: '', limit: PAGE, ...(cursor !== undefined && { cursor }) };
      const { items, next } = await this.#objects.list(page);
      for (const { key } of items) {
        const stored = await this.#objects.get(key);
        if (!stored) continue;
        const bytes = await stored.bytes();
        const isGood =
          isWhole(bytes, stored) && (!this.#objects.hasMd5 || hash('md5', bytes, 'hex') === stored.etag);
        if (!isGood) await this.#objects.remove([key]);
        yield { key, isWhole: isGood };
      }
      cursor = next;
    } while (cursor !== undefined);
  }

  /** Notes that results were served, for the store that removes those that nobody asks for. */
  async markUsed(variants: readonly Variant[]): Promise<void> {
    if (!this.#objects.markUsed) return;
    const keys = variants
      .map(({ id, canonical }) => this.keyOf(id, canonical))
      .filter((key) => key !== undefined);
    if (keys.length) await this.#objects.markUsed(keys);
  }

  /** The variant that an object of the bucket is the result of; undefined for what no server of today looks for. */
  variantAt(key: string): Variant | undefined {
    const [, id = '', canonical = ''] = /^img\/(.+)\/([^/]+)&_=[^/]*$/.exec(key) ?? [];
    return this.keyOf(id, canonical) === key ? { id, canonical } : undefined;
  }

  async remove(id: string, canonical: string): Promise<void> {
    const key = this.keyOf(id, canonical);
    if (key) await this.#objects.remove([key]);
  }

  /** Removes a result of an original that has passed. One of another is somebody else's, and stays. */
  async removeOld(id: string, canonical: string, version: string): Promise<void> {
    const key = this.keyOf(id, canonical);
    const stored = key && (await this.#objects.head(key));
    const isOld = stored && originalOf(stored.metadata[META.version] ?? '') === originalOf(version);
    if (isOld) await this.#objects.remove([key]);
  }

  #isCurrent({ metadata }: StoredFacts, version: string): boolean {
    return isOfVersion(metadata[META.version], version) && metadata[META.epoch] === this.#epochs.plain;
  }

  /** False when the condition does not hold. */
  async #put(key: string, result: Result, condition: Condition): Promise<boolean> {
    const { width, height, warnings } = result;
    const metadata = {
      [META.version]: result.version,
      [META.modified]: result.lastModified.toISOString(),
      [META.epoch]: this.#epochs.plain,
      [META.checksum]: crc32Of(result.bytes),
      ...(width && height ? { [META.width]: String(width), [META.height]: String(height) } : {}),
      ...(warnings.length ? { [META.warning]: warnings.join(',') } : {}),
      ...(result.isUpgradable ? { [META.upgrade]: 'due' } : {}),
    };
    const object = {
      contentType: result.contentType,
      cacheControl: this.#cacheControl,
      metadata,
      ...condition,
    };
    return (await this.#objects.put(key, result.bytes, object)) !== undefined;
  }
}

function undefinedWhereThrown<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
