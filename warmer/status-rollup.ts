import type { Results } from '../server/reading/results.ts';
import type { ImageChange, ImageRecord, Records, VariantRecord } from '../server/stores/contracts.ts';
import { updateWithRetry } from '../server/stores/update-record.ts';
import { currentVersion, rollUpStatus } from '../server/warming/queue.ts';
import { type Placeholder, placeholderOf } from './placeholder.ts';

export interface StatusRollupOptions {
  readonly records: Records;
  readonly results: Results;
  /** Puts on the queue that those who asked are to be told. */
  readonly notify: (record: ImageRecord) => Promise<void>;
}

/** Writers that disagree about a status look again; each round one of them is done. */
const ROUNDS = 10;

/** Turns what became of the variants into the status of their image. */
export class StatusRollup {
  readonly #options: StatusRollupOptions;

  constructor(options: StatusRollupOptions) {
    this.#options = options;
  }

  /**
   * Settles an image whose variants may all be done, and notifies when that is so for the first time.
   *
   * @param again  also notify when it was settled before: the one who settled it may have been killed there
   */
  async rollUp(id: string, { again = false }: { again?: boolean } = {}): Promise<void> {
    for (let round = 0; round < ROUNDS; round++) {
      const record = await this.#options.records.images.get(id);
      const version = record && currentVersion(record);
      if (!version) return;
      const variants = await this.#variants(id, version);
      if (rollUpStatus(variants) === 'processing') return this.#reopen(id, version);
      const portrait = record.original?.placeholder ? undefined : await this.#portrait(id, variants);
      const { settled, moved } = await this.#write(id, version, variants, portrait);
      if (!settled || currentVersion(settled) !== version) continue;
      // Variants that were asked for between our look and our write.
      if (rollUpStatus(await this.#variants(id, version)) !== settled.status) continue;
      if (moved || again) await this.#options.notify(settled);
      return;
    }
  }

  async #variants(id: string, version: string): Promise<VariantRecord[]> {
    return (await this.#options.records.variants.list(id)).filter((variant) => variant.version === version);
  }

  async #portrait(id: string, variants: readonly VariantRecord[]): Promise<Placeholder | undefined> {
    // A placeholder is optional: a failure to make one must not fail the image.
    return placeholderOf(this.#options.results, id, variants).catch(() => undefined);
  }

  async #write(
    id: string,
    version: string,
    variants: readonly VariantRecord[],
    portrait: Placeholder | undefined,
  ): Promise<{ settled: ImageRecord | undefined; moved: boolean }> {
    const status = rollUpStatus(variants);
    const error = status === 'failed' ? variants.find((variant) => variant.error)?.error : undefined;
    let moved = false;
    const settled = await updateWithRetry(this.#options.records, id, (now): ImageChange | undefined => {
      moved = false;
      if (currentVersion(now) !== version || now.status === 'uploading') return undefined;
      const original = portrait && now.original && { ...now.original, ...portrait };
      moved = now.status !== status;
      if (!moved && !original) return undefined;
      return { status, error, ...(original ? { original } : {}) };
    });
    return { settled, moved };
  }

  /** An image with open variants is `processing`, whoever settled it too early. */
  async #reopen(id: string, version: string): Promise<void> {
    await updateWithRetry(this.#options.records, id, (now) => {
      const settled = now.status === 'completed' || now.status === 'partial' || now.status === 'failed';
      return settled && currentVersion(now) === version
        ? { status: 'processing', error: undefined }
        : undefined;
    });
  }
}
