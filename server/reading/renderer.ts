import { LRUCache } from 'lru-cache';
import sharp from 'sharp';
import type { Point } from '../core/geometry/geometry.ts';
import type { Transformation } from '../core/operations/index.ts';
import { readTransformation } from '../core/operations/transformation.ts';
import type { OriginalFile } from '../core/original/file.ts';
import { readFileSource } from '../core/original/file.ts';
import type { Source, SourceLimits } from '../core/original/source.ts';
import { checkPixels } from '../core/original/source.ts';
import type { Priority } from '../core/plan/formats.ts';
import type { Plan, PlanOptions } from '../core/plan/plan.ts';
import { makePlan } from '../core/plan/plan.ts';
import { fromRaw } from '../core/render/pipeline.ts';
import { openOriginal, render } from '../core/render/render.ts';
import type { Opened, Rendered } from '../core/render/types.ts';
import { sharpProblem } from '../core/sharp/sharp-errors.ts';
import type { SvgSandbox } from '../sandbox/svg.ts';
import type { Admission } from '../shared/admission.ts';
import { isProblem, Problem } from '../shared/errors.ts';
import { memoize } from '../shared/memoize.ts';
import type { Originals } from './originals.ts';

export interface RendererOptions {
  readonly originals: Originals;
  /** Name to id of an original. */
  readonly watermarks: Readonly<Record<string, string>>;
  readonly limits: SourceLimits;
  readonly deadlineMs: number;
  readonly allowMetaKeep: boolean;
  readonly admission: Admission;
  readonly sandbox: SvgSandbox;
  /** Monotonic ms. */
  readonly now: () => number;
}

/** What a render is asked for beside the original. */
export interface RenderInput {
  /** Canonical form, format resolved. */
  readonly canonical: string;
  readonly priority: Priority;
  readonly focal?: Point | undefined;
}

export interface Admitted extends Rendered {
  /** ms spent waiting for a slot. */
  readonly queuedMs: number;
}

/** @throws Problem `damaged_source`, `unsupported_source`, `too_many_pixels` */
async function decodeWhole(bytes: Uint8Array): Promise<void> {
  await sharp(bytes)
    .resize(16)
    .raw()
    .toBuffer()
    .catch((error: unknown) => Promise.reject(sharpProblem(error)));
}

/** px of the longer side that an SVG mark is drawn at: the width of a mark on the largest of common pictures. */
const MARK_SIDE = 2048;

/** Turns originals into results, one slot of admission to the CPU at a time. */
export class Renderer {
  readonly #options: RendererOptions;
  readonly #opened = new WeakMap<Uint8Array, Opened>();
  /** Of canonical forms: a site asks for a few of many pictures. */
  readonly #read = memoize<Transformation>(readTransformation, 1000);
  readonly #watermarks = new LRUCache<string, Uint8Array>({ max: 32 });

  constructor(options: RendererOptions) {
    this.#options = options;
  }

  /** Reads the header, once as long as the bytes are kept; SVGs in the sandbox. */
  async open(bytes: Uint8Array, signal?: AbortSignal): Promise<Opened> {
    const known = this.#opened.get(bytes);
    if (known) return known;
    const { sandbox } = this.#options;
    const opened = await openOriginal(bytes, { measure: (svg) => sandbox.measure(svg, signal), signal });
    this.#opened.set(bytes, opened);
    return opened;
  }

  /** Reads the header of a file, without ever holding it whole; SVGs in the sandbox. */
  openFile(file: OriginalFile, signal?: AbortSignal): Promise<Source> {
    return readFileSource(file, (svg) => this.#options.sandbox.measure(svg, signal));
  }

  /** @throws Problem of makePlan, `not_allowed` for meta=keep, `invalid_parameter` for a watermark nobody registered, `watermark_unusable` */
  async plan(
    opened: Opened,
    { canonical, priority, focal }: RenderInput,
  ): Promise<{ plan: Plan; options: PlanOptions }> {
    this.check(canonical);
    const values = this.#read(canonical);
    const watermark = values.wm === undefined ? undefined : await this.#watermark(values.wm);
    const options: PlanOptions = { priority, limits: this.#options.limits, focal, watermark };
    return { plan: makePlan(opened.source, values, options), options };
  }

  /** What this deployment refuses, whatever the original; of a canonical form. */
  check(canonical: string): void {
    const values = this.#read(canonical);
    if (values.meta === 'keep' && !this.#options.allowMetaKeep) {
      throw new Problem(
        'not_allowed',
        'meta=keep would show GPS positions; this deployment does not allow it.',
        {
          param: 'meta',
          received: 'keep',
          allowed: 'none copyright',
        },
      );
    }
    const { watermarks } = this.#options;
    if (values.wm !== undefined && !Object.hasOwn(watermarks, values.wm)) {
      const allowed = Object.keys(watermarks).join(' ') || 'none is registered';
      const detail = `There is no watermark "${values.wm}"; registered: ${allowed}.`;
      throw new Problem('invalid_parameter', detail, { param: 'wm', received: values.wm, allowed });
    }
  }

  /** @throws Problem `overloaded`, `deadline` and those of render */
  async render(opened: Opened, wanted: RenderInput, signal?: AbortSignal): Promise<Admitted> {
    const { admission, sandbox, limits, deadlineMs, now } = this.#options;
    const { plan, options } = await this.plan(opened, wanted);
    const price = { ms: plan.cost.cpuMs, bytes: plan.cost.memoryBytes + opened.bytes.byteLength };
    const permit = await admission.acquire(price, signal);
    try {
      signal?.throwIfAborted();
      const rendered = await render({
        opened,
        plan,
        options,
        maxPixels: limits.maxPixels,
        pass: { timeoutSeconds: Math.max(1, Math.ceil(deadlineMs / 1000)), signal },
        now,
        rasterize: (svg, size) => sandbox.draw(svg, size, signal),
      });
      return { ...rendered, queuedMs: permit.waitedMs };
    } finally {
      permit.release();
    }
  }

  /**
   * Bytes of a registered watermark.
   *
   * @throws Problem `watermark_unusable` where its original is not there or not a picture: whoever registered it
   *         must know, whoever asks for a picture can do nothing about it
   */
  async #watermark(name: string): Promise<Uint8Array> {
    try {
      return await this.#mark(this.#options.watermarks[name] ?? '');
    } catch (error) {
      if (!isProblem(error) || error.status >= 500) throw error;
      const detail = `The watermark "${name}" of this deployment cannot be read; the request is not at fault.`;
      throw new Problem('watermark_unusable', detail, { param: 'wm', received: name }, error);
    }
  }

  /** Read and decoded once per version. */
  async #mark(id: string): Promise<Uint8Array> {
    const { originals } = this.#options;
    const { version } = await originals.identify(id);
    const known = this.#watermarks.get(`${id}@${version}`);
    if (known) return known;
    const { bytes } = await originals.fetch(id);
    const mark = await this.#drawn(bytes);
    this.#watermarks.set(`${id}@${version}`, mark);
    return mark;
  }

  /** A drawing is drawn where drawings are, once for all sizes that it is laid on in. */
  async #drawn(bytes: Uint8Array): Promise<Uint8Array> {
    const { source } = await this.open(bytes);
    checkPixels(source, 1, this.#options.limits);
    if (!source.vector) {
      await decodeWhole(bytes);
      return bytes;
    }
    const { width, height } = source.stored;
    const scale = MARK_SIDE / Math.max(width, height);
    const size = { width: Math.ceil(width * scale), height: Math.ceil(height * scale) };
    return fromRaw(await this.#options.sandbox.draw(bytes, size))
      .png({ compressionLevel: 1 })
      .toBuffer();
  }
}
