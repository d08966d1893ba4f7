import { rm } from 'node:fs/promises';
import { SOURCE_FORMATS } from '../core/original/sniff.ts';
import { checkPixels, type Source, type SourceLimits, uprightSize } from '../core/original/source.ts';
import type { Preview } from '../core/render/preview.ts';
import type { FileOfOriginal, Masters } from '../reading/masters.ts';
import type { Renderer } from '../reading/renderer.ts';
import type { Admission } from '../shared/admission.ts';
import { isProblem, type Problem, type ProblemCode } from '../shared/errors.ts';
import type { Scratch } from '../shared/scratch.ts';
import type { OriginalFacts } from '../stores/images.ts';
import type { Objects } from '../stores/objects.ts';
import { checkBytes, checkFile, toFile } from '../stores/to-file.ts';

/** For admission: a read without a render. */
const READ_MS = 20;

/** What is wrong with the bytes themselves, so that asking again is of no use. */
const REFUSALS: readonly ProblemCode[] = [
  'unsupported_source',
  'damaged_source',
  'too_many_pixels',
  'too_many_frames',
  'source_too_large',
  'unrenderable',
];

export interface Measured {
  /** Of the bytes that were read. */
  readonly etag: string;
  readonly facts: OriginalFacts;
  /** Whether it was decoded, so that it is known to be good; else there was no slot for that in time. */
  readonly isDecoded: boolean;
}

export interface MeasureOptions {
  readonly originals: Objects;
  readonly renderer: Renderer;
  readonly masters: Masters;
  readonly admission: Admission;
  readonly scratch: Pick<Scratch, 'path'>;
  readonly limits: SourceLimits;
  readonly maxBytes: number;
  /** How long somebody waits for a slot to decode in; undefined: for as long as it takes. */
  readonly patienceMs?: number | undefined;
}

/** Says that the machine is busy, not what the original is. */
const BUSY: readonly ProblemCode[] = ['overloaded', 'deadline'];

/** A drawing may have sides of fractions of a px. */
const px = (length: number): number => Math.max(1, Math.round(length));

/** Whether an original is refused for what it is; false for a store or a gate that could not say. */
export function isRefusal(error: unknown): error is Problem {
  return isProblem(error) && REFUSALS.includes(error.code);
}

/** Looks at stored originals, in a process of their own: reads their headers and decodes them once. */
export class Measure {
  readonly #options: MeasureOptions;

  constructor(options: MeasureOptions) {
    this.#options = options;
  }

  /**
   * By way of a file that is removed again.
   *
   * @returns undefined when there is no such object
   * @throws  Problem for which isRefusal holds; `overloaded`, `store_unavailable`
   */
  async of(key: string, signal?: AbortSignal): Promise<Measured | undefined> {
    const { admission, masters, maxBytes, originals, renderer, scratch } = this.#options;
    const head = await originals.head(key, signal);
    if (!head) return undefined;
    checkBytes(head.size, maxBytes);
    // Held until the file has gone: where it lies may be memory too, in a container.
    const permit = await admission.acquire({ ms: READ_MS, bytes: head.size }, signal);
    const path = scratch.path();
    try {
      const object = await toFile(originals, { key, path, maxBytes }, signal);
      if (!object) return undefined;
      const bytes = object.etag === head.etag ? head.size : undefined;
      await checkFile(originals, { facts: object, path, bytes });
      const ref = { path, bytes: object.size };
      const isHeic = masters.isNeeded(ref);
      const source = await renderer.measure(ref, signal);
      const facts = this.#facts(source, object.size);
      const original = { id: key, etag: object.etag, ref };
      const preview = await this.#inTime(
        (inTime) =>
          isHeic ? this.#previewOfMaster(original, signal, inTime) : renderer.preview(ref, source, inTime),
        signal,
      );
      return { etag: object.etag, facts: { ...facts, ...preview }, isDecoded: preview !== undefined };
    } finally {
      permit.release();
      await rm(path, { force: true });
    }
  }

  /** Undefined when there was no slot in time. */
  async #inTime(
    work: (signal: AbortSignal) => Promise<Preview>,
    signal?: AbortSignal,
  ): Promise<Preview | undefined> {
    const { patienceMs } = this.#options;
    const patience = patienceMs === undefined ? undefined : AbortSignal.timeout(patienceMs);
    const signals = [signal, patience].filter((one) => one !== undefined);
    try {
      return await work(AbortSignal.any(signals));
    } catch (error) {
      signal?.throwIfAborted();
      const isBusy = isProblem(error) ? BUSY.includes(error.code) : patience?.aborted === true;
      if (patience && isBusy) return undefined;
      throw error;
    }
  }

  /** Makes it, where nobody has yet. */
  async #previewOfMaster(
    original: FileOfOriginal,
    signal: AbortSignal | undefined,
    patience: AbortSignal,
  ): Promise<Preview> {
    const { masters, renderer } = this.#options;
    const master = await masters.obtain(original, signal, patience);
    try {
      // The slot that it was made in is free again: another wait is short, and what is not decided now would be made anew.
      return await renderer.preview(master, await renderer.measure(master, signal), patience);
    } finally {
      await rm(master.path, { force: true });
    }
  }

  #facts(source: Source, bytes: number): OriginalFacts {
    checkPixels(source, 1, this.#options.limits);
    const { format, pages } = source;
    const contentType = SOURCE_FORMATS[format];
    const size = uprightSize(source, 'auto');
    const [width, height] = [px(size.width), px(size.height)];
    return { contentType, format, bytes, width, height, frames: pages };
  }
}
