import { LRUCache } from 'lru-cache';
import type { Point } from '../core/geometry/geometry.ts';
import type { Transformation } from '../core/operations/index.ts';
import { pageAsked } from '../core/operations/page.ts';
import { readTransformation } from '../core/operations/transformation.ts';
import { pageWithHeader, type Source, type SourceLimits } from '../core/original/source.ts';
import type { Probe } from '../core/plan/auto-quality.ts';
import type { Cost } from '../core/plan/cost.ts';
import type { Priority } from '../core/plan/formats.ts';
import { plainerForm } from '../core/plan/plainer.ts';
import type { Plan, PlanOptions } from '../core/plan/plan.ts';
import { makePlan } from '../core/plan/plan.ts';
import { previewPlan } from '../core/plan/preview-plan.ts';
import type { Preview } from '../core/render/preview.ts';
import type { Rendered } from '../core/render/types.ts';
import type { RenderPool } from '../sandbox/pool.ts';
import type { OriginalRef, RenderSpec } from '../sandbox/protocol.ts';
import type { RunLimits } from '../sandbox/watch.ts';
import type { Admission, Cost as AdmissionCost } from '../shared/admission.ts';
import { atMost } from '../shared/at-most.ts';
import { Problem } from '../shared/errors.ts';
import { memoize } from '../shared/memoize.ts';
import { Marks } from './marks.ts';
import { pageKey, probeKey } from './names.ts';
import type { Original, Originals } from './originals.ts';
import { Verdicts } from './verdicts.ts';

export interface RendererOptions {
  readonly originals: Originals;
  /** Name to id of an original. */
  readonly watermarks: Readonly<Record<string, string>>;
  readonly limits: SourceLimits;
  readonly deadlineMs: number;
  /** For what draws: a vector drawing is a small file that can ask for anything. */
  readonly drawingMs: number;
  readonly allowMetaKeep: boolean;
  readonly admission: Admission;
  readonly pool: RenderPool;
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

/** A variant that has been planned: its cost is known, and a render process can make it. */
export interface Planned {
  readonly plan: Plan;
  readonly options: PlanOptions;
  readonly spec: RenderSpec;
  /** Canonical form of the same bytes that a picture is stored under; undefined: under its own. */
  readonly sameAs: string | undefined;
}

export interface Admitted extends Rendered {
  /** ms spent waiting for a slot. */
  readonly queuedMs: number;
}

/** Headers that are remembered, of some hundred bytes each. */
const SOURCES = 10_000;
/** Probes that are remembered, of some hundred bytes each. */
const PROBES = 20_000;
/** A process without a picture. */
const PROCESS_BYTES = 256 * 2 ** 20;
/** A dozen times what a large drawing takes. */
const DRAWING_BYTES = 768 * 2 ** 20;

/** Turns originals into results, one slot of admission to the CPU at a time; every byte of theirs is read elsewhere. */
export class Renderer {
  readonly #options: RendererOptions;
  readonly #sources = new LRUCache<string, Source>(atMost(SOURCES));
  /** Of canonical forms: a site asks for a few of many pictures. */
  readonly #read = memoize<Transformation>(readTransformation, 1000);
  readonly #verdicts: Verdicts;
  readonly #marks: Marks;
  /** By original, version and picture. */
  readonly #probes = new LRUCache<string, Probe>(atMost(PROBES));

  constructor(options: RendererOptions) {
    this.#options = options;
    this.#verdicts = new Verdicts(options.now);
    this.#marks = new Marks({ ...options, drawing: this.#drawingLimits() });
  }

  /**
   * What the header of an original says of the page that is asked for, read once for each version.
   *
   * @param canonical  form that asks for it; absent: for the first page
   * @throws Problem `unsupported_source`, `damaged_source`, `unrenderable`
   */
  async open(
    id: string,
    original: Original,
    { canonical = '', signal }: { canonical?: string | undefined; signal?: AbortSignal | undefined },
  ): Promise<Source> {
    const first = await this.#header(id, original, 0, signal);
    const page = pageWithHeader(first, pageAsked(this.#read(canonical)));
    return page === 0 ? first : this.#header(id, original, page, signal);
  }

  async #header(
    id: string,
    { version, ref }: Original,
    page: number,
    signal: AbortSignal | undefined,
  ): Promise<Source> {
    const key = pageKey(id, version, page);
    const cached = this.#sources.get(key);
    if (cached) return cached;
    this.#verdicts.check(key, 0);
    try {
      const source = await this.measure(ref, signal, page);
      this.#sources.set(key, source);
      return source;
    } catch (error) {
      this.#verdicts.remember(key, error, 0);
      throw error;
    }
  }

  /**
   * Decodes all of an original once, in a slot that nobody else is waiting for.
   *
   * @param signal  ends the waiting and the work
   * @throws Problem of whatever would fail when a variant is asked for; `overloaded`, `deadline`; the signal's reason
   */
  async preview(original: OriginalRef, source: Source, signal: AbortSignal): Promise<Preview> {
    const { admission, limits } = this.#options;
    const { cost } = previewPlan(source, limits).plan;
    const price = { ...priceOf(source, cost), isPatient: true };
    const permit = await admission.acquire(price, signal);
    try {
      return await this.#decodeAll(original, { source, cost });
    } finally {
      permit.release();
    }
  }

  /** The same at once, for a picture of ours, which is small. */
  previewUngated(original: OriginalRef, source: Source, signal?: AbortSignal): Promise<Preview> {
    const { cost } = previewPlan(source, this.#options.limits).plan;
    return this.#decodeAll(original, { source, cost, signal });
  }

  #decodeAll(
    original: OriginalRef,
    { source, cost, signal }: { source: Source; cost: Cost; signal?: AbortSignal | undefined },
  ): Promise<Preview> {
    const { pool, limits, deadlineMs } = this.#options;
    const asks = { original, limits, timeoutSeconds: Math.max(1, Math.ceil(deadlineMs / 1000)) };
    return pool.run('preview', asks, { signal, ...this.limitsOf(source, cost) });
  }

  /**
   * What the header of a file says.
   *
   * @param page  counting from 0
   */
  measure(original: OriginalRef, signal?: AbortSignal, page = 0): Promise<Source> {
    return this.#options.pool.run('open', { original, page }, { signal, ...this.#drawingLimits() });
  }

  /**
   * @param source  of the page that the canonical form asks for: see open
   * @throws Problem of makePlan, `not_allowed` for meta=keep, `invalid_parameter` for a watermark nobody registered, `watermark_unusable`
   */
  async plan(source: Source, { canonical, priority, focal }: RenderInput): Promise<Planned> {
    this.check(canonical);
    const { limits, deadlineMs } = this.#options;
    const values = this.#read(canonical);
    const options: PlanOptions = { priority, limits, focal, ...(await this.#marks.of(values)) };
    const timeoutSeconds = Math.max(1, Math.ceil(deadlineMs / 1000));
    const plan = makePlan(source, values, options);
    return {
      plan,
      options,
      spec: { canonical, ...options, timeoutSeconds },
      sameAs: plainerForm(plan, canonical, options),
    };
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
    this.#marks.check(values);
  }

  /** @throws Problem `overloaded`, `deadline`, `unrenderable` and those of render */
  async render(id: string, original: Original, input: RenderInput, signal?: AbortSignal): Promise<Admitted> {
    const { admission, pool } = this.#options;
    const source = await this.open(id, original, { ...input, signal });
    const { plan, spec } = await this.plan(source, input);
    const picture = probeKey(id, original.version, plan);
    const probe = picture === undefined ? undefined : this.#probes.get(picture);
    // A page that cannot be decoded says nothing of the others.
    const key = pageKey(id, original.version, pageWithHeader(source, plan.page));
    const pixels = plan.upright.width * plan.upright.height;
    this.#verdicts.check(key, pixels);
    const permit = await admission.acquire(priceOf(source, plan.cost), signal);
    try {
      signal?.throwIfAborted();
      // Given while this one waited.
      this.#verdicts.check(key, pixels);
      const asks = { original: original.ref, spec: { ...spec, probe } };
      const rendered = await pool.run('render', asks, {
        signal,
        ...this.limitsOf(source, plan.cost),
      });
      if (picture !== undefined && rendered.probe !== undefined) this.#probes.set(picture, rendered.probe);
      return { ...rendered, queuedMs: permit.waitedMs };
    } catch (error) {
      this.#verdicts.remember(key, error, pixels);
      throw error;
    } finally {
      permit.release();
    }
  }

  /** The probe of a picture, where one was made here; undefined: the first render makes it. */
  probeOf(id: string, { version }: Pick<Original, 'version'>, plan: Plan): Probe | undefined {
    const key = probeKey(id, version, plan);
    return key === undefined ? undefined : this.#probes.get(key);
  }

  /** How long a process may be at work on an original, and how large it may grow. */
  limitsOf(source: Source, cost: Cost): RunLimits {
    const { deadlineMs } = this.#options;
    const priced = PROCESS_BYTES + 2 * (cost.memoryBytes + source.bytes);
    const maxResidentBytes = Math.max(priced, DRAWING_BYTES);
    // What is large because it was asked for large says nothing of the drawing either.
    if (source.vector) return { ...this.#drawingLimits(), drawnResidentBytes: maxResidentBytes };
    // No bound of processor time: a slow encode says nothing of the original.
    return { maxWallMs: deadlineMs, maxResidentBytes };
  }

  /** A drawing is a small file that can ask for anything, its header too. */
  #drawingLimits(): RunLimits {
    const { drawingMs, deadlineMs } = this.#options;
    return { maxCpuMs: drawingMs, maxWallMs: deadlineMs, maxResidentBytes: DRAWING_BYTES };
  }
}

/** An original lies in the memory of its process while it is rendered. How right a price is, is learnt by format. */
export function priceOf(source: Source, { cpuMs, memoryBytes }: Cost): AdmissionCost {
  return { ms: cpuMs, bytes: memoryBytes + source.bytes, kind: source.format };
}
