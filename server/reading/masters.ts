import { randomUUID } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isHeic, MAGIC_BYTES } from '../core/original/sniff.ts';
import { checkPixels, type MasterOf, type Source, type SourceLimits } from '../core/original/source.ts';
import { masterPrefix } from '../core/query/id.ts';
import type { RenderPool } from '../sandbox/pool.ts';
import type { OriginalRef } from '../sandbox/protocol.ts';
import type { Admission, Cost } from '../shared/admission.ts';
import { Problem } from '../shared/errors.ts';
import type { Scratch } from '../shared/scratch.ts';
import type { Objects } from '../stores/objects.ts';
import { checkFile, toFile } from '../stores/to-file.ts';
import { takeFile } from './take-file.ts';
import { Verdicts } from './verdicts.ts';

export interface MastersOptions {
  readonly originals: Pick<Objects, 'head'>;
  readonly results: Objects;
  readonly pool: RenderPool;
  readonly admission: Admission;
  readonly scratch: Pick<Scratch, 'path' | 'writable'>;
  readonly limits: SourceLimits;
  readonly deadlineMs: number;
  /** Memory that renders may take together. */
  readonly maxPriceBytes: number;
  /** Whether HEIC is read at all. */
  readonly isOn: boolean;
  /** Monotonic ms. */
  readonly now: () => number;
  /** A master could not be stored: it is made again when it is needed. */
  readonly onStoreFailure: (error: unknown, id: string) => void;
}

interface Waiting {
  readonly signal: AbortSignal | undefined;
  readonly patience: AbortSignal | undefined;
}

/** An original as it came, as a file of this machine. */
export interface FileOfOriginal {
  readonly id: string;
  readonly etag: string;
  readonly ref: OriginalRef;
}

/**
 * What decoding and writing take: memory per pixel, and CPU ms of a megapixel. Measured on pictures of 12 MP, which peak at
 * 83 to 100 MB with 8 bits, 133 with alpha, 186 with 10 bits and 336 with both, beside the process.
 */
const SHALLOW = { ms: 110, opaque: 10, alpha: 13 } as const;
const DEEP = { ms: 165, opaque: 18, alpha: 30 } as const;
/** Bytes of the file that lie in memory: it, the decoder's copy, and the master, which noise makes twice as large. */
const FILES = 4;
const PROCESS_BYTES = 256 * 2 ** 20;

/** Of the way in which masters are made; another one finds none of the old. */
const EDITION = '1';
const META = { firstOnly: 'first-only' } as const;

/** Lossless pictures of originals that only libheif reads: made once, kept beside the results, and made again when gone. */
export class Masters {
  readonly #options: MastersOptions;
  readonly #verdicts: Verdicts;

  constructor(options: MastersOptions) {
    this.#options = options;
    this.#verdicts = new Verdicts(options.now);
  }

  /**
   * Whether an original is rendered by a master.
   *
   * @throws Problem `unsupported_source` where HEIC is off
   */
  isNeeded({ path, bytes }: OriginalRef): boolean {
    const head = Buffer.alloc(Math.min(bytes, MAGIC_BYTES));
    const fd = openSync(path, 'r');
    try {
      readSync(fd, head, 0, head.length, 0);
    } finally {
      closeSync(fd);
    }
    if (!isHeic(head)) return false;
    checkHeic(this.#options.isOn);
    return true;
  }

  /**
   * The master as a file of its own, which is the caller's to remove.
   *
   * @param patience  ends the waiting for a slot, and not the work
   * @throws Problem of decoding: `damaged_source`, `unsupported_source`, `too_many_pixels`, `unrenderable`; `overloaded`,
   *         `deadline`; the reason of either signal
   */
  async obtain(original: FileOfOriginal, signal?: AbortSignal, patience = signal): Promise<OriginalRef> {
    return (await this.#stored(original, signal)) ?? (await this.#make(original, { signal, patience }));
  }

  /** Undefined where there is none, or none that is whole. */
  async #stored({ id, etag }: FileOfOriginal, signal?: AbortSignal): Promise<OriginalRef | undefined> {
    const { results, scratch } = this.#options;
    const key = keyOf(id, etag);
    const path = scratch.path();
    try {
      const there = await results.head(key, signal);
      const facts =
        there && (await toFile(results, { key, path, maxBytes: Number.POSITIVE_INFINITY }, signal));
      if (!facts || facts.etag !== there.etag) {
        await rm(path, { force: true });
        return undefined;
      }
      await checkFile(results, { facts, path, bytes: there.size });
      await results.markUsed?.([key]);
      const master: MasterOf = { format: 'heic', firstOnly: there.metadata[META.firstOnly] === 'yes' };
      return { path, bytes: facts.size, master };
    } catch (error) {
      await rm(path, { force: true });
      signal?.throwIfAborted();
      // Its bucket is away, or it is damaged: what it is made of is here.
      this.#options.onStoreFailure(error, id);
      return undefined;
    }
  }

  async #make(original: FileOfOriginal, waiting: Waiting): Promise<OriginalRef> {
    const { id, etag, ref } = original;
    const key = `${id} ${etag}`;
    this.#verdicts.check(key, 0);
    try {
      const made = await this.#decode(ref, waiting);
      await this.#store(original, made).catch((error: unknown) => this.#options.onStoreFailure(error, id));
      return made;
    } catch (error) {
      this.#verdicts.remember(key, error, 0);
      throw error;
    }
  }

  async #decode(original: OriginalRef, { signal, patience }: Waiting): Promise<OriginalRef> {
    const { pool, admission, limits, maxPriceBytes, deadlineMs, scratch } = this.#options;
    const bounds = { signal, maxCpuMs: deadlineMs, maxWallMs: deadlineMs };
    const source = await pool.run('open', { original }, { ...bounds, maxResidentBytes: PROCESS_BYTES });
    checkPixels(source, 1, limits);
    const price = priceOf(source);
    checkMemory(source, price, maxPriceBytes);
    const permit = await admission.acquire(price, patience);
    const fileName = randomUUID();
    const made = join(scratch.writable, fileName);
    try {
      const run = { ...bounds, maxResidentBytes: PROCESS_BYTES + 2 * price.bytes };
      const master = await pool.run('master', { original, limits, fileName }, run);
      const path = scratch.path();
      // What is priced holds the pixels more than once, and the file.
      return { path, bytes: await takeFile(made, path, price.bytes), master };
    } finally {
      await rm(made, { force: true });
      permit.release();
    }
  }

  /** Beside the results; not for an original that has passed meanwhile. */
  async #store({ id, etag }: FileOfOriginal, { path, master }: OriginalRef): Promise<void> {
    const { originals, results } = this.#options;
    const key = keyOf(id, etag);
    const file = await open(path, 'r');
    try {
      await results.put(key, file.createReadStream({ autoClose: false }), {
        contentType: 'image/png',
        metadata: { [META.firstOnly]: master?.firstOnly ? 'yes' : 'no' },
      });
    } finally {
      await file.close();
    }
    // Those of the versions before, and of another edition; of one that has passed itself, that of a newer version stays.
    if ((await originals.head(id))?.etag === etag) await clearMasters(results, id, etag);
    // Whoever removes an original removes its masters afterwards: of those that come later nobody else would know.
    else await results.remove([key]);
  }
}

/** Takes the master of bytes along that were copied from one id to another; nothing where there is none. */
export async function copyMaster(results: Objects, from: Held, to: Held): Promise<void> {
  await results.copy(keyOf(from.id, from.etag), keyOf(to.id, to.etag));
}

type Held = Pick<FileOfOriginal, 'id' | 'etag'>;

/** @throws Problem `unsupported_source` where HEIC is off */
export function checkHeic(isOn: boolean): void {
  if (isOn) return;
  const detail = 'This is a HEIC image, and this deployment reads none (HEIC=off); send a JPEG or an AVIF.';
  throw new Problem('unsupported_source', detail, { received: 'a HEIC image' });
}

/** Where the master of an original lies; ETags are opaque. */
const keyOf = (id: string, etag: string): string =>
  `${masterPrefix(id)}${EDITION}-${etag.replace(/[^\w-]/g, '_')}`;

/** Removes the masters of an image but for that of the original that is there. */
export async function clearMasters(results: Objects, id: string, etag: string | undefined): Promise<void> {
  const prefix = masterPrefix(id);
  if (etag === undefined) return void (await results.removeAll(prefix));
  const { items } = await results.list({ prefix, limit: MAX_MASTERS });
  const old = items.map(({ key }) => key).filter((key) => key !== keyOf(id, etag));
  if (old.length > 0) await results.remove(old);
}

/** Of one image: one, and for a moment that of the original before. */
const MAX_MASTERS = 100;

function priceOf({ stored, bits, alpha, bytes }: Source): Cost {
  const pixels = stored.width * stored.height;
  const kind = bits > 8 ? DEEP : SHALLOW;
  return {
    ms: Math.ceil(30 + (pixels / 1e6) * kind.ms),
    bytes: Math.ceil(pixels * (alpha ? kind.alpha : kind.opaque) + FILES * bytes),
    kind: 'heic-master',
  };
}

/** All of it is decoded at once, so that one alone must not take more than all together may. */
function checkMemory({ stored: { width, height }, bits }: Source, { bytes }: Cost, most: number): void {
  if (bytes <= most) return;
  const received = `${width} x ${height} px of ${bits} bits`;
  const detail = `A HEIC of ${received} takes ${bytes} bytes to decode; renders may take ${most} (RENDER_MEMORY_BYTES).`;
  throw new Problem('too_many_pixels', detail, { received });
}
