import { groupPlans, type Picture } from '../server/core/plan/groups.ts';
import type { Outcome } from '../server/core/render/fan-out.ts';
import type { Inputs } from '../server/reading/inputs.ts';
import type { Original, Originals } from '../server/reading/originals.ts';
import type { Renderer } from '../server/reading/renderer.ts';
import { resultOf } from '../server/reading/result.ts';
import type { Results } from '../server/reading/results.ts';
import type { RenderPool } from '../server/sandbox/pool.ts';
import type { Admission } from '../server/shared/admission.ts';
import { isProblem, reasonOf } from '../server/shared/errors.ts';
import type { Records } from '../server/stores/stores.ts';
import type { VariantStatus } from '../server/stores/variants.ts';
import type { WarmJob } from '../server/warming/jobs.ts';
import type { Lifetime } from '../server/warming/lifetime.ts';
import { toUpdate } from '../server/warming/queue.ts';
import type { Intents } from '../server/writing/intents.ts';
import type { Reconciler } from '../server/writing/reconciler.ts';
import { type PlannedMember, renderGroups } from './renders.ts';
import { isOpen, isPermanent } from './retry-policy.ts';
import { endStale } from './stale.ts';
import type { StatusRollup } from './status-rollup.ts';
import { StoredVariants } from './stored-variants.ts';

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
  readonly lifetime: Lifetime;
  /** Hears of each variant that was rendered and stored how many seconds ago it was asked for. */
  readonly onReady: (seconds: number) => void;
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
  /** Names by the canonical form that they are rendered and stored as: several may have the same bytes. */
  readonly names: Map<string, string[]>;
  /** When each variant was asked for, as its record says. */
  readonly queuedAt: Map<string, string>;
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
  readonly #stored: StoredVariants;

  constructor(options: WarmOptions) {
    this.#options = options;
    this.#stored = new StoredVariants(options);
  }

  /**
   * Works on a job until each of its variants is ready, failed or skipped. May be repeated, also by several at
   * once: what is there is not made again.
   *
   * @throws what kept a variant from being tried to the end: the message is worth another try
   */
  async run(job: WarmJob, signal: AbortSignal): Promise<WarmReport> {
    const report = { ready: 0, current: 0, failed: 0, skipped: 0, fetchMs: 0, renderMs: 0 };
    const run: Run = {
      job,
      signal,
      report,
      marks: new Map(),
      names: new Map(),
      queuedAt: new Map(),
      trouble: undefined,
      stale: false,
    };
    const identity = await this.#options.originals.refresh(job.id);
    if (identity?.version !== job.version) return this.#abandon(run);
    const open = await this.#open(run);
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

  async #open({ job: { id, version, variants }, queuedAt }: Run): Promise<string[]> {
    const records = await this.#options.records.variants.list(id);
    const open = records.filter(
      (record) => record.version === version && variants.includes(record.variant) && isOpen(record),
    );
    for (const record of open) queuedAt.set(record.variant, record.queuedAt);
    return open.map(({ variant }) => variant);
  }

  /** Those without a current result; the others are ready, by whoever made them. */
  async #missing({ job, report, marks }: Run, open: readonly string[]): Promise<string[]> {
    const stored = await Promise.all(
      open.map(async (variant) => {
        if (!this.#options.results.keyOf(job.id, variant)) return this.#stored.mark(job, variant, UNSTORED);
        marks.set(variant, await this.#options.inputs.marks(variant));
        return this.#stored.isReady(job, variant, variant);
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
      // What is wrong with all of it is wrong with each variant, once.
      await renderer.open(job.id, original, { signal });
      report.fetchMs = Math.round(now() - begun);
      await this.#renderFile(run, missing, original);
    } catch (error) {
      signal.throwIfAborted();
      run.stale = isProblem(error) && error.code === 'image_not_found';
      for (const name of run.stale ? [] : missing) await this.#fail(run, name, error);
    } finally {
      original?.release();
      report.renderMs = Math.round(now() - begun - report.fetchMs);
    }
  }

  async #renderFile(run: Run, missing: readonly string[], original: Original): Promise<void> {
    const { renderer, admission, pool } = this.#options;
    const { job, signal } = run;
    const members = await this.#plan(run, missing, original);
    const storing: Promise<void>[] = [];
    const done = (outcome: Outcome, ms: number) => storing.push(this.#done(run, original, outcome, ms));
    const beginning: Promise<boolean>[] = [];
    const begin = (picture: Picture) => {
      const begun = this.#begin(run, picture);
      beginning.push(begun);
      return begun;
    };
    try {
      const rendering = { renderer, admission, pool, original, signal, begin, done };
      await renderGroups(groupPlans(members), rendering);
    } finally {
      await Promise.all(storing);
      // A mark that is still on its way would be written behind what gives it back.
      if (signal.aborted) await Promise.allSettled(beginning).then(() => this.#giveBack(job));
    }
  }

  /** Plans each variant; one that cannot be planned fails alone. */
  async #plan(run: Run, missing: readonly string[], original: Original): Promise<PlannedMember[]> {
    const { renderer } = this.#options;
    const { job, signal } = run;
    const members: PlannedMember[] = [];
    const planOf = async (canonical: string) => {
      const source = await renderer.open(job.id, original, { canonical, signal });
      return renderer.plan(source, { canonical, priority: 'warm', focal: original.focal });
    };
    for (const name of missing) {
      try {
        const plan = await planOf(name);
        const { sameAs: form = name } = plan;
        const sharers = run.names.get(form);
        if (sharers) sharers.push(name);
        else if (form !== name && (await this.#stored.isReady(run.job, name, form))) run.report.current += 1;
        else {
          members.push({ name: form, ...(form === name ? plan : await planOf(form)) });
          run.names.set(form, [name]);
        }
      } catch (error) {
        signal.throwIfAborted();
        await this.#fail(run, name, error);
      }
    }
    return members;
  }

  async #begin(run: Run, picture: Picture): Promise<boolean> {
    if (run.stale || run.signal.aborted) return false;
    const attempt = { status: 'rendering', attempt: true } as const;
    const names = picture.flatMap(({ name }) => run.names.get(name) ?? []);
    const items = await Promise.all(names.map((name) => this.#stored.mark(run.job, name, attempt, OPEN)));
    return items.some((is) => is);
  }

  /** Stores a result, unless the image is another one by now. Never rejects. */
  async #done(run: Run, original: Original, outcome: Outcome, ms: number): Promise<void> {
    const form = outcome.member.name;
    try {
      if ('error' in outcome) return await this.#failAll(run, form, outcome.error);
      const names = run.names.get(form) ?? [];
      const version = run.job.version + (run.marks.get(names[0] ?? form) ?? '');
      const result = resultOf(run.job.id, form, { ...original, version }, outcome.rendered);
      const stored = await this.#stored.keep(run.job, names, result, Math.round(ms));
      run.report.ready += stored;
      if (stored === 0) run.stale = true;
      else for (const name of names) this.#tellReady(run, name);
    } catch (error) {
      // The records cannot be reached either, or not yet: the message comes again.
      await this.#failAll(run, form, error).catch(() => {
        run.trouble ??= error;
      });
    }
  }

  #tellReady({ queuedAt }: Run, name: string): void {
    const asked = queuedAt.get(name);
    if (asked !== undefined) this.#options.onReady(Math.max(0, Date.now() - Date.parse(asked)) / 1000);
  }

  async #failAll(run: Run, form: string, thrown: unknown): Promise<void> {
    for (const name of run.names.get(form) ?? []) await this.#fail(run, name, thrown);
  }

  /** For good, or until the next try. What ended before it was begun was an attempt as well. */
  async #fail(run: Run, name: string, thrown: unknown): Promise<void> {
    const isFinal = isPermanent(thrown);
    if (isFinal) run.report.failed += 1;
    else run.trouble ??= thrown;
    const change = { status: isFinal ? 'failed' : 'queued', error: reasonOf(thrown) } as const;
    if (await this.#stored.mark(run.job, name, change, ['rendering'])) return;
    await this.#stored.mark(run.job, name, { ...change, attempt: true }, ['queued', 'failed']);
  }

  /** What was begun and not finished waits again. */
  async #giveBack({ id, version, variants }: WarmJob): Promise<void> {
    const begun = variants.map((variant) => ({ variant, version }));
    const updates = begun.map(toUpdate(['rendering'], { status: 'queued' }));
    await this.#options.records.variants.updateAll(id, updates);
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
}
