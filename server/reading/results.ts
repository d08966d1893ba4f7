import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { resultKey } from '../core/query/id.ts';
import { place } from '../core/query/path.ts';
import type { Rendered } from '../core/render/types.ts';
import { Problem } from '../shared/errors.ts';
import type { Condition, Objects, StoredFacts } from '../stores/objects.ts';
import { pause } from '../stores/update-record.ts';
import { type Epochs, epochsInBucket } from './epoch.ts';
import { originalOf, type Variant } from './inputs.ts';
import { isOfVersion } from './versions.ts';

/** The encoded bytes of a variant, with what must be known to serve them. */
export interface Result {
  readonly id: string;
  /** Canonical form, format resolved. */
  readonly canonical: string;
  /** Canonical form that alone is stored, where it is another one that has the same bytes. */
  readonly storedAs?: string | undefined;
  readonly bytes: Buffer;
  readonly contentType: string;
  /** MD5 of the bytes in hex, so that S3 and the server agree. */
  readonly etag: string;
  /** When it was rendered, or its original written where that is later; whole seconds. */
  readonly lastModified: Date;
  /** Of all that it was made of, see Inputs. */
  readonly version: string;
  /** px; undefined for placeholders. */
  readonly width: number | undefined;
  readonly height: number | undefined;
  readonly warnings: readonly string[];
  /** Made while somebody waited: a smaller one may take its place, see Upgrades. */
  readonly isUpgradable?: boolean;
  /** Made in haste, because too much waited: kept nowhere, and cached for moments. */
  readonly isDegraded?: boolean;
}

/** A result without its bytes, as HEAD and conditional requests need it. */
export type ResultFacts = Omit<Result, 'bytes'> & { readonly size: number };

/** What lies in the bucket. */
export type StoredResult = ResultFacts & { readonly storedAt: Date };

export const factsOf = ({ bytes, ...facts }: Result): ResultFacts => ({ ...facts, size: bytes.length });

/** What is known of the original that a result is made of; the version is that of all inputs. */
export interface OriginalVersion {
  readonly version: string;
  readonly lastModified: Date;
}

/**
 * A focal point or another pipeline makes new bytes of an old original, so its own date would tell a client
 * that keeps nothing but dates that nothing has changed.
 */
function modifiedNow({ lastModified }: OriginalVersion): Date {
  return new Date(Math.floor(Math.max(lastModified.getTime(), Date.now()) / 1000) * 1000);
}

export function resultOf(
  id: string,
  canonical: string,
  original: OriginalVersion,
  rendered: Rendered,
): Result {
  return {
    id,
    canonical,
    bytes: rendered.bytes,
    contentType: rendered.contentType,
    etag: hash('md5', rendered.bytes, 'hex'),
    lastModified: modifiedNow(original),
    version: original.version,
    width: rendered.size?.width,
    height: rendered.size?.height,
    warnings: rendered.warnings,
  };
}

/** Names of the metadata that a stored result carries. */
const META = {
  version: 'original-version',
  modified: 'modified',
  epoch: 'pipeline',
  width: 'width',
  height: 'height',
  warning: 'warning',
  checksum: 'crc32',
  upgrade: 'upgrade',
} as const;

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
      if (round > 0) await pause(round);
      const there = await this.#objects.head(key);
      // Asked after the look: what lies there and is not of this version may be a newer one.
      if (!(await isCurrent())) return undefined;
      if (there && this.#isCurrent(there, result.version))
        return factsFrom(result.id, result.canonical, there);
      if (!(await this.#put(key, result, { ifAbsent: !there }))) continue;
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
      [META.checksum]: checksumOf(result.bytes),
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

/** 6 us for 41 kB, where MD5 takes 46. */
const checksumOf = (bytes: Uint8Array): string => crc32(bytes).toString(16).padStart(8, '0');

const MD5 = /^[0-9a-f]{32}$/;

/** Whether bytes are those that were written; of results that were stored without a checksum their ETag says it. */
function isWhole(bytes: Buffer, { size, etag, metadata }: StoredFacts): boolean {
  if (bytes.length !== size) return false;
  const checksum = metadata[META.checksum];
  if (checksum !== undefined) return checksum === checksumOf(bytes);
  return !MD5.test(etag) || etag === hash('md5', bytes, 'hex');
}

function factsFrom(id: string, canonical: string, stored: StoredFacts): StoredResult {
  const { metadata } = stored;
  const side = (name: string) => (metadata[name] ? Number(metadata[name]) : undefined);
  return {
    id,
    canonical,
    contentType: stored.contentType ?? 'application/octet-stream',
    etag: stored.etag,
    size: stored.size,
    storedAt: stored.lastModified,
    lastModified: new Date(metadata[META.modified] ?? stored.lastModified),
    version: metadata[META.version] ?? '',
    width: side(META.width),
    height: side(META.height),
    warnings: metadata[META.warning]?.split(',') ?? [],
    isUpgradable: metadata[META.upgrade] !== undefined,
  };
}
