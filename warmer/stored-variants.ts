import type { Inputs } from '../server/reading/inputs.ts';
import type { Result, StoredResult } from '../server/reading/result.ts';
import type { Results } from '../server/reading/results.ts';
import { Problem } from '../server/shared/errors.ts';
import type { Records } from '../server/stores/stores.ts';
import type { VariantChange, VariantStatus } from '../server/stores/variants.ts';
import { VARIANT_STATUSES } from '../server/stores/variants.ts';
import type { WarmJob } from '../server/warming/jobs.ts';
import { type Lifetime, readyAs } from '../server/warming/lifetime.ts';

export interface StoredVariantsOptions {
  readonly inputs: Inputs;
  readonly results: Results;
  readonly records: Records;
  readonly lifetime: Lifetime;
}

/** Results of a job's version, and what the records of its variants say of them. */
export class StoredVariants {
  readonly #options: StoredVariantsOptions;

  constructor(options: StoredVariantsOptions) {
    this.#options = options;
  }

  /**
   * Whether the result of a variant is there, by whoever made it; then its record says so.
   *
   * @param form  canonical form that it is stored as
   */
  async isReady(job: WarmJob, name: string, form: string): Promise<boolean> {
    const facts = await this.#head(job, form);
    if (!facts) return false;
    await this.mark(job, name, this.#ready(name, form, facts));
    return this.#stays(job, name, form);
  }

  /**
   * Stores a result, unless the image is another one by now.
   *
   * @param names  variants whose bytes these are
   * @returns      how many of them are ready by it
   * @throws       Problem `store_unavailable` where a purge took the result along
   */
  async keep(job: WarmJob, names: readonly string[], result: Result, ms: number): Promise<number> {
    const { inputs, results } = this.#options;
    const { canonical: form, version } = result;
    const isCurrent = async () => (await inputs.revalidate(result))?.version === version;
    const kept = await results.keep(result, isCurrent);
    if (!kept) return 0;
    const told = await Promise.all(
      names.map((name) => this.mark(job, name, { ...this.#ready(name, form, kept), ms })),
    );
    const marked = names.filter((_name, index) => told[index]);
    if (marked.length === 0) await results.removeOld(job.id, form, job.version);
    const staying = await Promise.all(marked.map((name) => this.#stays(job, name, form)));
    if (staying.every(Boolean)) return marked.length;
    throw new Problem('store_unavailable', 'A purge took the result along as it was stored.');
  }

  /** Whether a result is still there now that its variant is ready. A purge that comes later finds it ready. */
  async #stays(job: WarmJob, name: string, form: string): Promise<boolean> {
    if (await this.#head(job, form)) return true;
    await this.mark(job, name, { status: 'queued' }, ['ready']);
    return false;
  }

  #ready(name: string, form: string, facts: StoredResult): VariantChange {
    return { ...readyAs(facts, this.#options.lifetime), ...(form !== name && { sameAs: form }) };
  }

  async #head({ id, version }: WarmJob, variant: string): Promise<StoredResult | undefined> {
    const { inputs, results } = this.#options;
    return results.head(id, variant, version + (await inputs.marks(variant)));
  }

  /** False when the variant is gone or of another version. */
  mark(
    { id, version }: WarmJob,
    variant: string,
    change: VariantChange,
    from: readonly VariantStatus[] = VARIANT_STATUSES,
  ): Promise<boolean> {
    return this.#options.records.variants.update(id, variant, version, from, change);
  }
}
