import type { Preview } from '../server/core/render/preview.ts';
import type { ImageChange, ImageRecord } from '../server/stores/images.ts';
import type { Records } from '../server/stores/stores.ts';
import { pause } from '../server/stores/until-written.ts';
import { updateWithRetry } from '../server/stores/update-record.ts';
import type { VariantRecord } from '../server/stores/variants.ts';
import type { Channel } from '../server/warming/jobs.ts';
import { currentVersion, isQuiet, rollUpStatus } from '../server/warming/queue.ts';
import type { Intents } from '../server/writing/intents.ts';
import { owing } from '../server/writing/owing.ts';
import type { Placeholders } from './placeholder.ts';

export interface StatusRollupOptions {
  readonly records: Records;
  readonly placeholders: Pick<Placeholders, 'of'>;
  readonly intents: Intents;
  /** Where it is told that an image is finished. */
  readonly channelsOf: (record: ImageRecord) => readonly Channel[];
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
   * Settles an image whose variants may all be done. When that is so for the first time, it is owed in the same step that
   * those who asked are told.
   */
  async rollUp(id: string): Promise<void> {
    for (let round = 0; round < ROUNDS; round++) {
      if (round > 0) await pause(round);
      const record = await this.#options.records.images.get(id);
      const version = record && currentVersion(record);
      if (!version) return;
      const variants = await this.#variants(id, version);
      if (rollUpStatus(variants) === 'processing') return this.#reopen(id, version);
      const preview = record.original?.placeholder ? undefined : await this.#preview(id, variants);
      const settled = await this.#write(id, version, variants, preview);
      if (!settled || currentVersion(settled) !== version) continue;
      // Variants that were asked for between our look and our write.
      if (rollUpStatus(await this.#variants(id, version)) !== settled.status) continue;
      if (settled.owed?.notify) await this.#options.intents.settle(id);
      return;
    }
  }

  async #variants(id: string, version: string): Promise<VariantRecord[]> {
    return (await this.#options.records.variants.list(id)).filter((variant) => variant.version === version);
  }

  async #preview(id: string, variants: readonly VariantRecord[]): Promise<Preview | undefined> {
    // A placeholder is optional: a failure to make one must not fail the image.
    return this.#options.placeholders.of(id, variants).catch(() => undefined);
  }

  async #write(
    id: string,
    version: string,
    variants: readonly VariantRecord[],
    preview: Preview | undefined,
  ): Promise<ImageRecord | undefined> {
    const status = rollUpStatus(variants);
    const error = status === 'failed' ? variants.find((variant) => variant.error)?.error : undefined;
    const { records, channelsOf } = this.#options;
    return updateWithRetry(records, id, (now): ImageChange | undefined => {
      if (currentVersion(now) !== version || now.status === 'uploading') return undefined;
      const original = preview && now.original && { ...now.original, ...preview };
      const isMoved = now.status !== status;
      if (!isMoved && !original) return undefined;
      const isTold = isMoved && !isQuiet(now) && channelsOf(now).length > 0;
      return {
        status,
        error,
        ...(original && { original }),
        ...(isTold && { owed: owing(now.owed, { notify: true }) }),
      };
    });
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
