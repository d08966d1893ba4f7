import type { Source } from '../server/core/original/source.ts';
import type { Outcome, Picture } from '../server/core/render/fan-out.ts';
import { groupPlans } from '../server/core/render/fan-out.ts';
import type { Rendered } from '../server/core/render/types.ts';
import type { Inputs } from '../server/reading/inputs.ts';
import type { Original, Originals } from '../server/reading/originals.ts';
import type { Renderer } from '../server/reading/renderer.ts';
import { type ResultFacts, type Results, resultOf } from '../server/reading/results.ts';
import type { RenderPool } from '../server/sandbox/pool.ts';
import type { Admission } from '../server/shared/admission.ts';
import { isProblem, Problem } from '../server/shared/errors.ts';
import type { Records, VariantChange, VariantStatus } from '../server/stores/contracts.ts';
import { VARIANT_STATUSES } from '../server/stores/contracts.ts';
import type { WarmJob } from '../server/warming/jobs.ts';
import type { Intents } from '../server/writing/intents.ts';
import type { Reconciler } from '../server/writing/reconciler.ts';
import { type PlannedMember, renderGroups } from './renders.ts';
import { isOpen, isPermanent, reasonOf } from './retry-policy.ts';
import { endStale } from './stale.ts';
import type { StatusRollup } from './status-rollup.ts';

export interface WarmOptions {
  readonly originals: Originals;
  readonly inputs: Inputs;
  readonly results: Results;
  readonly records: Records;
  readonly renderer: Renderer;
  readonly admission: Admission;
  readonly pool: RenderPool;
  readonly finish: StatusRollup;
  readonly intents: Intents;
  readonly reconciler: Pick<Reconciler, 'reconcile'>;
  /** Monotonic ms. */
  readonly now: () => number;
}

/** What became of the variants of a job, and ms by stage; for the log. */
export interface WarmReport {
  /** Rendered now. */
  ready: number;
  /** Were there already. */
  current: number;
  failed: number;
  skipped: number;
  fetchMs: number;
  renderMs: number;
}

/** A job on its way. */
interface Run {
  readonly job: WarmJob;
  readonly signal: AbortSignal;
  readonly report: WarmReport;
  /** Marks on each variant, as they were before it was rendered: what is laid on may be newer, never older. */
  readonly marks: Map<string, string>;
  /** What made a variant wait for another try. */
  trouble: unknown;
  /** The image is not of this version any more. */
  stale: boolean;
}

const UNSTORED = {
  status: 'skipped',
  error: 'Its key would be longer than S3 takes: it is made when it is asked for, and not stored.',
} as const;
const OPEN: readonly VariantStatus[] = ['queued', 'rendering', 'failed'];

/** Renders the variants of an image before anyone asks for them. */
export class Warm {
  readonly #options: WarmOptions;

  constructor(options: WarmOptions) {
    this.#options = options;
  }

  /**
   * Works on a job until each of its variants is ready, failed or skipped. May be repeated, also by several at
   * once: what is there is not made again.
   *
   * @throws what kept a variant from being tried to the end: the message is worth another try
   */
  async run(job: WarmJob, signal: AbortSignal): Promise<WarmReport> {
    const report = { ready: 0, current: 0, failed: 0, skipped: 0, fetchMs: 0, renderMs: 0 };
    const run: Run = { job, signal, report, marks: new Map(), trouble: undefined, stale: false };
    const identity = await this.#options.originals.refresh(job.id);
    if (identity?.version !== job.version) return this.#abandon(run);
    const open = await this.#open(job);
    try {
      const missing = await this.#missing(run, open);
      if (missing.length) await this.#render(run, missing);
    } catch (error) {
      signal.throwIfAborted();
      for (const name of open) await this.#fail(run, name, error);
    }
    if (run.stale) return this.#abandon(run);
    await this.#options.finish.rollUp(job.id);
    if (run.trouble !== undefined) throw run.trouble;
    return report;
  }

  async #open({ id, version, variants }: WarmJob): Promise<string[]> {
    const records = await this.#options.records.variants.list(id);
    return records
      .filter((record) => record.version === version && variants.includes(record.variant) && isOpen(record))
      .map(({ variant }) => variant);
  }

  /** Those without a current result; the others are ready, by whoever made them. */
  async #missing({ job, report, marks }: Run, open: readonly string[]): Promise<string[]> {
    const stored = await Promise.all(
      open.map(async (variant) => {
        if (!this.#options.results.keyOf(job.id, variant)) return this.#mark(job, variant, UNSTORED);
        marks.set(variant, await this.#options.inputs.marks(variant));
        const facts = await this.#head(job, variant);
        if (!facts) return false;
        await this.#mark(job, variant, { status: 'ready', bytes: facts.size });
        return this.#stays(job, variant);
      }),
    );
    const missing = open.filter((_variant, index) => !stored[index]);
    report.current += open.length - missing.length;
    return missing;
  }

  async #render(run: Run, missing: readonly string[]): Promise<void> {
    const { originals, renderer, now } = this.#options;
    const { job, signal, report } = run;
    const begun = now();
    let original: Original | undefined;
    try {
      original = await originals.fetch(job.id, signal);
      run.stale = original.version !== job.version;
      if (run.stale) return;
      const source = await renderer.open(job.id, original, signal);
      report.fetchMs = Math.round(now() - begun);
      await this.#renderFile(run, missing, { original, source });
    } catch (error) {
      signal.throwIfAborted();
      run.stale = isProblem(error) && error.code === 'image_not_found';
      for (const name of run.stale ? [] : missing) await this.#fail(run, name, error);
    } finally {
      original?.release();
      report.renderMs = Math.round(now() - begun - report.fetchMs);
    }
  }

  async #renderFile(
    run: Run,
    missing: readonly string[],
    { original, source }: { original: Original; source: Source },
  ): Promise<void> {
    const { renderer, admission, pool } = this.#options;
    const { job, signal } = run;
    const members = await this.#plan(run, missing, source, original);
    const storing: Promise<void>[] = [];
    const done = (outcome: Outcome, ms: number) => storing.push(this.#done(run, original, outcome, ms));
    const begin = (picture: Picture) => this.#begin(run, picture);
    try {
      const rendering = { renderer, admission, pool, original, source, signal, begin, done };
      await renderGroups(groupPlans(members), rendering);
    } finally {
      await Promise.all(storing);
      if (signal.aborted) await this.#giveBack(job);
    }
  }

  /** Plans each variant; one that cannot be planned fails alone. */
  async #plan(
    run: Run,
    missing: readonly string[],
    source: Source,
    { focal }: Original,
  ): Promise<PlannedMember[]> {
    const members: PlannedMember[] = [];
    for (const name of missing) {
      try {
        const input = { canonical: name, priority: 'warm', focal } as const;
        members.push({ name, ...(await this.#options.renderer.plan(source, input)) });
      } catch (error) {
        await this.#fail(run, name, error);
      }
    }
    return members;
  }

  async #begin(run: Run, picture: Picture): Promise<boolean> {
    if (run.stale) return false;
    const attempt = { status: 'rendering', attempt: true } as const;
    const items = await Promise.all(picture.map(({ name }) => this.#mark(run.job, name, attempt, OPEN)));
    return items.some((is) => is);
  }

  /** Stores a result, unless the image is another one by now. Never rejects. */
  async #done(run: Run, original: Original, outcome: Outcome, ms: number): Promise<void> {
    const { name } = outcome.member;
    try {
      if ('error' in outcome) return await this.#fail(run, name, outcome.error);
      if (await this.#store(run, name, original, outcome.rendered, Math.round(ms))) run.report.ready += 1;
      else run.stale = true;
    } catch (error) {
      // The records cannot be reached either, or not yet: the message comes again.
      await this.#fail(run, name, error).catch(() => {
        run.trouble ??= error;
      });
    }
  }

  async #store(
    { job, marks }: Run,
    name: string,
    original: Original,
    rendered: Rendered,
    ms: number,
  ): Promise<boolean> {
    const { inputs, results } = this.#options;
    const version = job.version + (marks.get(name) ?? '');
    const variant = { id: job.id, canonical: name };
    const isCurrent = async () => (await inputs.revalidate(variant))?.version === version;
    const kept = await results.keep(resultOf(job.id, name, { ...original, version }, rendered), isCurrent);
    if (!kept) return false;
    if (!(await this.#mark(job, name, { status: 'ready', bytes: kept.size, ms }))) {
      await results.removeOld(job.id, name, job.version);
      return false;
    }
    if (await this.#stays(job, name)) return true;
    throw new Problem('store_unavailable', 'A purge took the result along as it was stored.');
  }

  /** Whether a result is still there now that its variant is ready. A purge that comes later finds it ready. */
  async #stays(job: WarmJob, name: string): Promise<boolean> {
    if (await this.#head(job, name)) return true;
    await this.#mark(job, name, { status: 'queued' }, ['ready']);
    return false;
  }

  async #head({ id, version }: WarmJob, variant: string): Promise<ResultFacts | undefined> {
    const { inputs, results } = this.#options;
    return results.head(id, variant, version + (await inputs.marks(variant)));
  }

  /** For good, or until the next try. What ended before it was begun was an attempt as well. */
  async #fail(run: Run, name: string, thrown: unknown): Promise<void> {
    const isFinal = isPermanent(thrown);
    if (isFinal) run.report.failed += 1;
    else run.trouble ??= thrown;
    const change = { status: isFinal ? 'failed' : 'queued', error: reasonOf(thrown) } as const;
    if (await this.#mark(run.job, name, change, ['rendering'])) return;
    await this.#mark(run.job, name, { ...change, attempt: true }, ['queued', 'failed']);
  }

  /** What was begun and not finished waits again. */
  async #giveBack({ id, version, variants }: WarmJob): Promise<void> {
    for (const variant of variants) {
      await this.#options.records.variants.update(id, variant, version, ['rendering'], { status: 'queued' });
    }
  }

  /** Ends a job of another version. An object that was overwritten becomes known, if nobody has told of it yet. */
  async #abandon({ job, report }: Run): Promise<WarmReport> {
    const { originals, reconciler, finish } = this.#options;
    const isThere = (await originals.refresh(job.id)) !== undefined;
    if (isThere) await reconciler.reconcile(job.id);
    report.skipped = await endStale(job, this.#options);
    if (isThere && report.skipped) await finish.rollUp(job.id);
    return report;
  }

  /** False when the variant is gone or of another version. */
  #mark(
    { id, version }: WarmJob,
    variant: string,
    change: VariantChange,
    from: readonly VariantStatus[] = VARIANT_STATUSES,
  ): Promise<boolean> {
    return this.#options.records.variants.update(id, variant, version, from, change);
  }
}
