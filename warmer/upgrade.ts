import { groupPlans } from '../server/core/plan/groups.ts';
import type { Outcome } from '../server/core/render/fan-out.ts';
import type { Inputs } from '../server/reading/inputs.ts';
import type { Original, Originals } from '../server/reading/originals.ts';
import type { Renderer } from '../server/reading/renderer.ts';
import { type Result, resultOf, type StoredResult } from '../server/reading/result.ts';
import type { Results } from '../server/reading/results.ts';
import type { RenderPool } from '../server/sandbox/pool.ts';
import type { Admission } from '../server/shared/admission.ts';
import type { Records } from '../server/stores/stores.ts';
import { updateWithRetry } from '../server/stores/update-record.ts';
import type { Metrics } from '../server/telemetry/metrics.ts';
import { Later, type UpgradeJob, upgradeJobs } from '../server/warming/jobs.ts';
import { type Lifetime, readyAs } from '../server/warming/lifetime.ts';
import { type PlannedMember, renderGroups } from './renders.ts';
import { isPermanent } from './retry-policy.ts';
import type { Turns } from './turns.ts';

export interface UpgradeOptions {
  readonly originals: Originals;
  readonly inputs: Inputs;
  readonly results: Results;
  readonly records: Records;
  readonly renderer: Renderer;
  readonly admission: Admission;
  readonly pool: RenderPool;
  readonly lifetime: Lifetime;
  /** Who finds no place is put off, so that it keeps nobody from the queue. */
  readonly turns: Turns;
}

/** What became of the variants of a job; for the log. */
export interface UpgradeReport {
  /** Replaced by fewer bytes. */
  smaller: number;
  /** Could not be made smaller, and stay as they are. */
  same: number;
  /** Made as asked for, where only what was made in haste had been served. */
  made: number;
  /** Are not there, or not of this version, or were done before. */
  skipped: number;
  savedBytes: number;
}

interface Run {
  readonly job: UpgradeJob;
  readonly original: Original;
  readonly report: UpgradeReport;
  readonly due: ReadonlyMap<string, Looked>;
  /** The last telling so far. Never rejects. */
  told: Promise<void>;
  trouble: unknown;
}

interface Looked {
  readonly name: string;
  /** Of all that it is made of. */
  readonly version: string;
  /** What lies there; undefined: nothing, since it was made in haste. */
  readonly there: StoredResult | undefined;
}

/**
 * Makes results smaller that were made while somebody waited: once each, while nothing else is to be done. What takes the
 * place of another has another ETag; servers see by the record of the image that something has changed.
 */
export class Upgrade {
  readonly #options: UpgradeOptions;

  constructor(options: UpgradeOptions) {
    this.#options = options;
  }

  /**
   * Works on a job to its end. May be repeated, also by several at once: what was done is not done again.
   *
   * @throws Later where enough of them are at work; what kept a variant from being tried
   */
  async run(job: UpgradeJob, signal: AbortSignal): Promise<UpgradeReport> {
    const { turns } = this.#options;
    const [again] = upgradeJobs(job);
    if (!turns.hasPlace && again) throw new Later({ ...again, delaySeconds: turns.next() }, undefined);
    return turns.take(() => this.#run(job, signal));
  }

  async #run(job: UpgradeJob, signal: AbortSignal): Promise<UpgradeReport> {
    const { originals, records, renderer } = this.#options;
    const names = [...job.stored, ...job.missing];
    const report = { smaller: 0, same: 0, made: 0, skipped: names.length, savedBytes: 0 };
    const [identity, record] = await Promise.all([originals.refresh(job.id), records.images.get(job.id)]);
    // Without a record nobody would learn that there is something new.
    if (!record || identity?.version !== job.version) return report;
    const looked = await Promise.all(names.map((name) => this.#look(job, name)));
    const found = looked.filter((variant) => variant !== undefined);
    const settled = found.filter(
      ({ name, there }) => job.stored.includes(name) && there?.isUpgradable === false,
    );
    // By somebody who may have died before telling.
    if (settled.length > 0) await this.#tell(job, settled);
    const due = new Map(
      found.filter((variant) => isDue(job, variant)).map((variant) => [variant.name, variant]),
    );
    if (due.size === 0) return report;
    const original = await originals.fetch(job.id, signal);
    const run: Run = { job, original, report, due, told: Promise.resolve(), trouble: undefined };
    try {
      if (original.version !== job.version) return report;
      await renderer.open(job.id, original, { signal });
      await this.#render(run, signal);
    } finally {
      original.release();
    }
    if (run.trouble !== undefined) throw run.trouble;
    return report;
  }

  async #look({ id, version }: UpgradeJob, name: string): Promise<Looked | undefined> {
    const { inputs, results } = this.#options;
    if (!results.keyOf(id, name)) return undefined;
    const whole = version + (await inputs.marks(name));
    return { name, version: whole, there: await results.head(id, name, whole) };
  }

  async #render(run: Run, signal: AbortSignal): Promise<void> {
    const { renderer, admission, pool } = this.#options;
    const { original, job } = run;
    const members: PlannedMember[] = [];
    for (const { name: canonical } of run.due.values()) {
      const input = { canonical, priority: 'warm', focal: original.focal } as const;
      const source = await renderer.open(job.id, original, { canonical, signal }).catch((error) => {
        signal.throwIfAborted();
        if (!isPermanent(error)) run.trouble ??= error;
      });
      const planned = source && (await renderer.plan(source, input).catch(() => undefined));
      // Its bytes are another's, which is noted by itself.
      if (planned && planned.sameAs === undefined) members.push({ name: canonical, ...planned });
    }
    const storing: Promise<void>[] = [];
    const done = (outcome: Outcome) => storing.push(this.#done(run, outcome));
    const begin = () => Promise.resolve(!signal.aborted);
    const rendering = { renderer, admission, pool, original, signal, begin, done, isPatient: true };
    try {
      await renderGroups(groupPlans(members), rendering);
    } finally {
      await Promise.all(storing);
    }
  }

  /** Never rejects. */
  async #done(run: Run, outcome: Outcome): Promise<void> {
    const due = run.due.get(outcome.member.name);
    if (!due) return;
    try {
      if ('error' in outcome) throw outcome.error;
      const { id } = run.job;
      const made = resultOf(id, due.name, { ...run.original, version: due.version }, outcome.rendered);
      await this.#store(run, due, made);
    } catch (error) {
      // What cannot be made smaller stays as it is.
      if (!isPermanent(error)) run.trouble ??= error;
    }
  }

  async #store(run: Run, { name, there }: Looked, made: Result): Promise<void> {
    const { inputs, results } = this.#options;
    const { report, job } = run;
    const isCurrent = async () => (await inputs.revalidate(made))?.version === made.version;
    const stored = there
      ? await results.replace(there, made, isCurrent)
      : await results.keep(made, isCurrent);
    if (!stored) return;
    report.skipped -= 1;
    if (!there) report.made += 1;
    else if (stored.etag === there.etag) report.same += 1;
    else {
      report.smaller += 1;
      report.savedBytes += there.size - stored.size;
      // At once, since until then two servers may disagree; one after the other, since they write one record.
      const telling = run.told.then(() => this.#tell(job, [{ name, there: stored }]));
      run.told = telling.catch(() => undefined);
      await telling;
    }
  }

  /** Of results that took the place of others. Servers compare the count when they look the version up. */
  async #tell({ id, version }: UpgradeJob, replaced: readonly Omit<Looked, 'version'>[]): Promise<void> {
    const { records, lifetime } = this.#options;
    await updateWithRetry(records, id, ({ upgraded = 0 }) => ({ upgraded: upgraded + 1 }));
    for (const { name, there } of replaced)
      if (there) await records.variants.update(id, name, version, ['ready'], readyAs(there, lifetime));
  }
}

const isDue = ({ missing }: UpgradeJob, { name, there }: Looked): boolean =>
  there ? there.isUpgradable === true : missing.includes(name);

/** Counts what upgrades have come to. */
export function countUpgrades(metrics: Pick<Metrics, 'add'>, report: UpgradeReport): void {
  metrics.add('upgrades', { outcome: 'smaller' }, report.smaller);
  metrics.add('upgrades', { outcome: 'same' }, report.same);
  metrics.add('upgrades', { outcome: 'made' }, report.made);
  metrics.add('upgradeSavedBytes', {}, report.savedBytes);
}
