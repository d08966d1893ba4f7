import { SNIFF_BYTES, SOURCE_FORMATS, type SourceFormat } from '../core/original/sniff.ts';
import {
  checkPixels,
  formatOf,
  type Source,
  type SourceLimits,
  uprightSize,
} from '../core/original/source.ts';
import type { Renderer } from '../reading/renderer.ts';
import type { Admission } from '../shared/admission.ts';
import { isProblem, Problem, type ProblemCode } from '../shared/errors.ts';
import { TempFile } from '../shared/temp-files.ts';
import type { Objects, OriginalFacts } from '../stores/contracts.ts';

/** Their headers come first and are told whole by the first bytes; others keep a directory or frames behind. */
const HEADED: readonly SourceFormat[] = ['jpeg', 'png', 'avif'];
/** Cameras put previews and profiles before the size, far below this. */
const HEAD_BYTES = 1_000_000;
/** For admission: a read without a render. */
const READ_MS = 20;

/** What is wrong with the bytes themselves, so that asking again is of no use. */
const REFUSALS: readonly ProblemCode[] = [
  'unsupported_source',
  'damaged_source',
  'too_many_pixels',
  'too_many_frames',
  'source_too_large',
];

export interface Measured {
  /** Of the bytes that were read. */
  readonly etag: string;
  readonly facts: OriginalFacts;
}

export interface MeasureOptions {
  readonly originals: Objects;
  readonly renderer: Renderer;
  readonly admission: Admission;
  readonly limits: SourceLimits;
  readonly maxBytes: number;
}

/** A drawing may have sides of fractions of a px. */
const px = (length: number): number => Math.max(1, Math.round(length));

/** Whether an original is refused for what it is; false for a store or a gate that could not say. */
export function isRefusal(error: unknown): error is Problem {
  return isProblem(error) && REFUSALS.includes(error.code);
}

/** Reads the headers of stored originals. None lies whole in memory for that: their limit is one of bytes, not of RAM. */
export class Measure {
  readonly #options: MeasureOptions;

  constructor(options: MeasureOptions) {
    this.#options = options;
  }

  /**
   * @returns undefined when there is no such object
   * @throws  Problem for which isRefusal holds; `overloaded`, `store_unavailable`
   */
  async of(key: string, signal?: AbortSignal): Promise<Measured | undefined> {
    const { originals, maxBytes } = this.#options;
    const object = await originals.head(key, signal);
    if (!object) return undefined;
    if (object.size > maxBytes) throw tooLarge(object.size, maxBytes);
    const head = await this.#read(key, HEAD_BYTES, signal);
    if (!head) return undefined;
    const isWhole = head.bytes.length >= object.size;
    const format = formatOf(head.bytes.subarray(0, SNIFF_BYTES));
    const opened =
      isWhole || HEADED.includes(format) ? await this.#open(head.bytes, isWhole, signal) : undefined;
    if (opened) return this.#facts(opened, head.etag, object.size);
    // The object was overwritten between two reads: its head and its rest are of two files, so it is measured anew.
    return (await this.#ofFile(key, { ...head, format }, signal)) ?? this.of(key, signal);
  }

  /** Undefined when a head alone does not say. */
  async #open(bytes: Buffer, isWhole: boolean, signal?: AbortSignal): Promise<Source | undefined> {
    try {
      return (await this.#options.renderer.open(bytes, signal)).source;
    } catch (error) {
      if (isWhole || !isRefusal(error)) throw error;
      return undefined;
    }
  }

  /** By way of a file that is removed again. Undefined when what is there now is not `etag`. */
  async #ofFile(
    key: string,
    { etag, format }: { etag: string; format: SourceFormat },
    signal?: AbortSignal,
  ): Promise<Measured | undefined> {
    const { admission, maxBytes: bytes, originals, renderer } = this.#options;
    // Held until the file has gone: where it lies may be memory too, in a container.
    const permit = await admission.acquire({ ms: READ_MS, bytes }, signal);
    try {
      const object = await originals.get(key, signal);
      if (!object) return undefined;
      const scratch = new TempFile(object.body);
      try {
        if (object.etag !== etag) return undefined;
        const file = { path: await scratch.path(), format, bytes: object.size };
        return this.#facts(await renderer.openFile(file, signal), etag, object.size);
      } finally {
        object.body.destroy();
        await scratch.remove();
      }
    } finally {
      permit.release();
    }
  }

  #facts(source: Source, etag: string, bytes: number): Measured {
    checkPixels(source, 1, this.#options.limits);
    const { format, pages } = source;
    const contentType = SOURCE_FORMATS[format];
    const size = uprightSize(source, 'auto');
    const [width, height] = [px(size.width), px(size.height)];
    return { etag, facts: { contentType, format, bytes, width, height, frames: pages } };
  }

  /** At most `limit` bytes from the start; behind admission, like every read of an original. */
  async #read(key: string, limit: number, signal?: AbortSignal) {
    const { admission, originals } = this.#options;
    const permit = await admission.acquire({ ms: READ_MS, bytes: limit }, signal);
    try {
      const object = await originals.get(key, signal);
      if (!object) return undefined;
      const chunks: Uint8Array[] = [];
      let size = 0;
      for await (const chunk of object.body) {
        chunks.push(chunk);
        size += chunk.length;
        if (size >= limit) break;
      }
      object.body.destroy();
      return { etag: object.etag, bytes: Buffer.concat(chunks) };
    } finally {
      permit.release();
    }
  }
}

export function tooLarge(size: number, maxBytes: number): Problem {
  const facts = { received: `${size} bytes`, allowed: `${maxBytes} bytes` };
  return new Problem('source_too_large', `The original has ${size} bytes; ${maxBytes} are read.`, facts);
}
