import { rm, writeFile } from 'node:fs/promises';
import { readTransformation } from '../server/core/operations/transformation.ts';
import type { Preview } from '../server/core/render/preview.ts';
import type { Renderer } from '../server/reading/renderer.ts';
import type { Results } from '../server/reading/results.ts';
import type { OriginalRef } from '../server/sandbox/protocol.ts';
import type { Scratch } from '../server/shared/scratch.ts';
import type { VariantRecord } from '../server/stores/variants.ts';

/** Parameters that leave the whole picture in its own colours. */
const WHOLE = new Set('w h fmt q lossless progressive chroma effort mb meta anim icc'.split(' '));
/** Below this a result is too small to see its colours. */
const LEAST_BYTES = 1500;

/** ms; a picture of ours is small, but what a render process encodes is as little to be trusted as what it read. */
const PATIENCE_MS = 60_000;

export interface PlaceholdersOptions {
  readonly results: Pick<Results, 'get'>;
  readonly renderer: Pick<Renderer, 'measure' | 'previewUngated'>;
  readonly scratch: Pick<Scratch, 'path'>;
}

/** Placeholders of images whose originals brought none along. */
export class Placeholders {
  readonly #options: PlaceholdersOptions;

  constructor(options: PlaceholdersOptions) {
    this.#options = options;
  }

  /**
   * Placeholder and colour of an image, from the smallest of its results that shows it whole: from the original they would
   * cost half a render (docs/performance.md). Decoded where originals are.
   *
   * @returns undefined when there is no result to take them from
   * @throws Problem of a result that cannot be decoded
   */
  async of(id: string, variants: readonly VariantRecord[]): Promise<Preview | undefined> {
    const { results, scratch } = this.#options;
    const chosen = choose(variants);
    const result = chosen && (await results.get(id, chosen.sameAs ?? chosen.variant, chosen.version));
    if (!result) return undefined;
    const path = scratch.path();
    try {
      await writeFile(path, result.bytes);
      return await this.#preview({ path, bytes: result.bytes.length });
    } finally {
      await rm(path, { force: true });
    }
  }

  async #preview(file: OriginalRef): Promise<Preview> {
    const { renderer } = this.#options;
    const patience = AbortSignal.timeout(PATIENCE_MS);
    return renderer.previewUngated(file, await renderer.measure(file, patience), patience);
  }
}

function choose(variants: readonly VariantRecord[]): VariantRecord | undefined {
  const pictures = variants
    .filter(({ status, variant }) => status === 'ready' && readTransformation(variant).ph === undefined)
    .sort((a, b) => (a.bytes ?? 0) - (b.bytes ?? 0));
  const whole = pictures.filter(({ variant }) =>
    Object.keys(readTransformation(variant)).every((key) => WHOLE.has(key)),
  );
  const candidates = whole.length ? whole : pictures;
  return candidates.find(({ bytes = 0 }) => bytes >= LEAST_BYTES) ?? candidates.at(-1);
}
