import { rm } from 'node:fs/promises';
import { SOURCE_FORMATS } from '../core/original/sniff.ts';
import { checkPixels, type Source, type SourceLimits, uprightSize } from '../core/original/source.ts';
import type { Renderer } from '../reading/renderer.ts';
import type { Admission } from '../shared/admission.ts';
import { isProblem, type Problem, type ProblemCode } from '../shared/errors.ts';
import type { Scratch } from '../shared/scratch.ts';
import type { Objects, OriginalFacts } from '../stores/contracts.ts';
import { checkBytes, toFile } from '../stores/to-file.ts';

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
  readonly scratch: Pick<Scratch, 'path'>;
  readonly limits: SourceLimits;
  readonly maxBytes: number;
}

/** A drawing may have sides of fractions of a px. */
const px = (length: number): number => Math.max(1, Math.round(length));

/** Whether an original is refused for what it is; false for a store or a gate that could not say. */
export function isRefusal(error: unknown): error is Problem {
  return isProblem(error) && REFUSALS.includes(error.code);
}

/** Reads the headers of stored originals, in a process of their own. */
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
    const { admission, maxBytes, originals, renderer, scratch } = this.#options;
    const object = await originals.head(key, signal);
    if (!object) return undefined;
    checkBytes(object.size, maxBytes);
    // Held until the file has gone: where it lies may be memory too, in a container.
    const permit = await admission.acquire({ ms: READ_MS, bytes: object.size }, signal);
    const path = scratch.path();
    try {
      const facts = await toFile(originals, { key, path, maxBytes }, signal);
      if (!facts) return undefined;
      return this.#facts(await renderer.measure({ path, bytes: facts.size }, signal), facts.etag, facts.size);
    } finally {
      permit.release();
      await rm(path, { force: true });
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
}
