import { isQueuedOrBetter, queuedVariant } from '../change.ts';
import type { VariantChange, VariantRecord, VariantRecords, VariantStatus } from '../contracts.ts';
import { imageKey, TOMBSTONES } from './items.ts';
import { AGAIN, type Table, untilWritten } from './table.ts';
import type { Item, Key, Write } from './writes.ts';

/** What a transaction takes, less the check of the image. */
const BATCH = 99;

const variantKey = (id: string, variant: string): Key => ({ pk: imageKey(id).pk, sk: `variant#${variant}` });

export class DynamoVariants implements VariantRecords {
  readonly #table: Table;

  constructor(table: Table) {
    this.#table = table;
  }

  async list(id: string): Promise<VariantRecord[]> {
    return [...((await partition(this.#table, id))?.variants.values() ?? [])];
  }

  async queue(id: string, version: string, names: readonly string[]): Promise<VariantRecord[]> {
    return untilWritten(async () => {
      const image = await partition(this.#table, id);
      if (!image) return [];
      const missing = [...new Set(names)].filter(
        (name) => !isQueuedOrBetter(image.variants.get(name), version),
      );
      const updatedAt = new Date().toISOString();
      const queued = missing.map((name) => queuedVariant(id, name, version, updatedAt));
      if (!(await putQueued(this.#table, queued, image.life))) return AGAIN;
      for (const variant of queued) image.variants.set(variant.variant, variant);
      return names.flatMap((name) => image.variants.get(name) ?? []);
    });
  }

  async update(
    id: string,
    variant: string,
    version: string,
    from: readonly VariantStatus[],
    change: VariantChange,
  ): Promise<boolean> {
    if (from.length === 0) return false;
    const { attempt, status, bytes, ms, error } = change;
    const statuses = Object.fromEntries(from.map((status, index) => [`:from${index}`, status]));
    const written = await this.#table.write({
      update: variantKey(id, variant),
      set: { status, bytes, ms, error, updatedAt: new Date().toISOString() },
      add: { attempts: attempt ? 1 : 0 },
      if: `#version = :version AND #status IN (${Object.keys(statuses).join(', ')})`,
      with: { ':version': version, ...statuses },
    });
    return written !== undefined;
  }
}

/** False when anything is no longer as it was read. */
async function putQueued(table: Table, queued: readonly VariantRecord[], life: string): Promise<boolean> {
  for (let start = 0; start < queued.length; start += BATCH) {
    const puts = queued.slice(start, start + BATCH).map(
      (variant): Write => ({
        put: { ...variantKey(variant.id, variant.variant), ...variant, life },
        if: 'attribute_not_exists(#pk) OR #life <> :life OR #version <> :version OR #status IN (:failed, :skipped)',
        with: { ':life': life, ':version': variant.version, ':failed': 'failed', ':skipped': 'skipped' },
      }),
    );
    const check = imageKey(queued[0]?.id ?? '');
    const isAlive: Write = { check, if: '#life = :life', with: { ':life': life } };
    if (!(await table.transact([isAlive, ...puts]))) return false;
  }
  return true;
}

/** The variants of the image that has the id now; undefined without one. */
async function partition(table: Table, id: string) {
  const items = await table.queryAll({ where: '#pk = :pk', with: { ':pk': imageKey(id).pk } });
  const image = items.find(({ sk }) => sk === 'image');
  // Of an image that is being deleted nothing more is asked.
  if (!image || image.gsi1pk === TOMBSTONES) return undefined;
  const ours = items.filter(({ sk, life }) => String(sk).startsWith('variant#') && life === image.life);
  const variants = new Map(ours.map(variantOf).map((variant) => [variant.variant, variant]));
  return { life: String(image.life), variants };
}

function variantOf(item: Item): VariantRecord {
  const { pk, sk, life, ...record } = item;
  return record as unknown as VariantRecord;
}
