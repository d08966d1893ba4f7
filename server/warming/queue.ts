import { versionOf } from '../reading/originals.ts';
import type { ImageRecord, ImageStatus, Jobs, Records, VariantRecord } from '../stores/contracts.ts';
import { updateWithRetry } from '../stores/update-record.ts';
import { sendObject, sendWarm } from './jobs.ts';

export interface WarmQueueOptions {
  readonly records: Records;
  readonly jobs: Jobs;
  /** The message could not be sent; the variants stand in the table and the sweep sends them. */
  readonly onUnsent: (error: unknown, id: string) => void;
  /** An image got to its end without a warmer: nothing was asked of it, or all of it was there. */
  readonly onFinished: (record: ImageRecord, variants: readonly VariantRecord[]) => void;
}

/** What the variants of an image come to, once its original is there. */
export function rollUpStatus(variants: readonly VariantRecord[]): ImageStatus {
  const count = (...statuses: VariantRecord['status'][]) =>
    variants.filter(({ status }) => statuses.includes(status)).length;
  if (count('queued', 'rendering') > 0) return 'processing';
  const failed = count('failed');
  if (failed === 0) return 'completed';
  return failed === variants.length ? 'failed' : 'partial';
}

/** Version that variants and results of an image are of; undefined while nothing is stored. */
export function currentVersion({ version, generation }: ImageRecord): string | undefined {
  return version === undefined ? undefined : versionOf(version, generation);
}

/** Asks for variants: record first, then status, then message, so that a crash loses none. */
export class WarmQueue {
  readonly #options: WarmQueueOptions;

  constructor(options: WarmQueueOptions) {
    this.#options = options;
  }

  /**
   * Queues variants for the current version of the original and sends them to the warmer.
   *
   * @param variants  canonical forms, format resolved; [] only settles the status
   * @returns         the named variants as they stand; undefined when there is no image or no original
   */
  async queue(id: string, variants: readonly string[]): Promise<VariantRecord[] | undefined> {
    const { records, jobs, onUnsent, onFinished } = this.#options;
    const record = await records.images.get(id);
    const version = record && currentVersion(record);
    if (!version) return undefined;
    const named = variants.length ? await records.variants.queue(id, version, variants) : [];
    const known = (await records.variants.list(id)).filter((variant) => variant.version === version);
    const status = rollUpStatus(known);
    let moved = false;
    const settled = await updateWithRetry(records, id, (now) => {
      // An image without a measured original was refused. It keeps that status until a variant of it is to be rendered.
      moved = now.status !== status && (status === 'processing' || now.original !== undefined);
      return moved ? { status } : undefined;
    });
    if (!settled) return undefined;
    // The image was overwritten or purged meanwhile: what was just queued belongs to a version no longer served.
    if (currentVersion(settled) !== version) return this.queue(id, variants);
    if (moved && status !== 'processing') onFinished(settled, known);
    const queued = named.filter((entry) => entry.status === 'queued').map(({ variant }) => variant);
    await sendWarm(jobs, id, version, queued).catch((error: unknown) => onUnsent(error, id));
    return named;
  }

  /** Lets a warmer find out whether an original can be rendered, of which nothing is asked that would show it. */
  async sendArrival(id: string, etag: string): Promise<VariantRecord[]> {
    const { jobs, onUnsent } = this.#options;
    await sendObject(jobs, id, 'created', etag).catch((error: unknown) => onUnsent(error, id));
    return [];
  }

  /** Fails the variants that wait for an original which was refused. */
  async giveUp(id: string, error: string): Promise<void> {
    const { records } = this.#options;
    for (const { variant, version, status } of await records.variants.list(id)) {
      if (status !== 'queued') continue;
      await records.variants.update(id, variant, version, ['queued'], { status: 'failed', error });
    }
  }

  /** Tells those who asked of an image that got to its end without a warmer. */
  async tell(record: ImageRecord): Promise<void> {
    const { records, onFinished } = this.#options;
    onFinished(record, await records.variants.list(record.id));
  }

  /**
   * Queues variants again after a purge. A variant that is `ready` for the current version was rendered by a request
   * in between, and the purge may have removed its result: it is queued again too.
   */
  async renew(id: string, variants: readonly string[]): Promise<VariantRecord[] | undefined> {
    const { records } = this.#options;
    const record = await records.images.get(id);
    const version = record && currentVersion(record);
    const known = version ? await records.variants.list(id) : [];
    for (const { variant, ...entry } of known.filter(({ variant }) => variants.includes(variant))) {
      if (entry.version !== version || entry.status !== 'ready') continue;
      await records.variants.update(id, variant, version, ['ready'], { status: 'queued' });
    }
    return this.queue(id, variants);
  }
}
