import { inLanes } from '../../shared/in-lanes.ts';
import { countsOf, ENDED, isQueuedOrBetter, isRequestedBy, queuedVariant, withRequested } from '../change.ts';
import { decodeCursor, encodeCursor } from '../cursor.ts';
import type { Page } from '../page.ts';
import { AGAIN, untilWritten } from '../until-written.ts';
import type {
  Requested,
  VariantChange,
  VariantCounts,
  VariantRecord,
  VariantRecords,
  VariantStatus,
  VariantUpdate,
} from '../variants.ts';
import { imageKey, KEY_BYTES, TOMBSTONES } from './items.ts';
import type { Query, Table } from './table.ts';
import type { Item, Key, Write } from './writes.ts';

/** What a transaction takes, less the check of the image. */
const BATCH = 99;

const variantKey = (id: string, variant: string): Key => ({ pk: imageKey(id).pk, sk: `variant#${variant}` });
/** Behind the sort keys of all variants. */
const END = 'variant$';

export class DynamoVariants implements VariantRecords {
  readonly #table: Table;

  constructor(table: Table) {
    this.#table = table;
  }

  async list(id: string): Promise<VariantRecord[]> {
    return [...((await partition(this.#table, id))?.variants.values() ?? [])];
  }

  async page(
    id: string,
    { limit, cursor }: { limit: number; cursor?: string },
  ): Promise<Page<VariantRecord>> {
    const life = lifeOf(await this.#table.get(imageKey(id)));
    const items: VariantRecord[] = [];
    let after = decodeCursor(cursor, ['after'], KEY_BYTES)?.after ?? '';
    for (let more = life !== undefined; more && items.length <= limit; ) {
      const page = await this.#table.page({
        where: '#pk = :pk AND #sk BETWEEN :after AND :end',
        // What comes right behind a text in order is the text and a NUL.
        with: { ':pk': imageKey(id).pk, ':after': `variant#${after}\0`, ':end': END },
        limit: limit + 1,
      });
      items.push(...page.items.filter((item) => item.life === life).map(variantOf));
      after = String(page.items.at(-1)?.variant);
      more = page.more !== undefined;
    }
    const shown = items.slice(0, limit);
    const last = shown.at(-1);
    return items.length > limit && last
      ? { items: shown, next: encodeCursor({ after: last.variant }) }
      : { items: shown };
  }

  async queue(
    id: string,
    version: string,
    names: readonly string[],
    texts: Requested = {},
  ): Promise<VariantRecord[]> {
    return untilWritten(`Variants of ${id}`, async () => {
      const image = await partition(this.#table, id);
      if (!image) return [];
      const missing = [...new Set(names)].filter(
        (name) => !isQueuedOrBetter(image.variants.get(name), version),
      );
      const updatedAt = new Date().toISOString();
      const queued = missing.map((variant) => {
        const requested = withRequested(image.variants.get(variant)?.requested, texts[variant]);
        return queuedVariant({ id, variant, version, ...(requested && { requested }) }, updatedAt);
      });
      if (!(await putQueued(this.#table, queued, image.life))) return AGAIN;
      for (const variant of queued) image.variants.set(variant.variant, variant);
      const variants = names.flatMap((name) => image.variants.get(name) ?? []);
      const noted = await inLanes(variants, (variant) => this.#noteRequested(variant, texts, image.life));
      const whole = noted.filter((variant) => variant !== undefined);
      return whole.length === noted.length ? whole : AGAIN;
    });
  }

  /**
   * Most are queued with their texts; only of one that was there already they are written by themselves. Undefined where
   * it is no longer as it was read.
   */
  async #noteRequested(
    variant: VariantRecord,
    texts: Requested,
    life: string,
  ): Promise<VariantRecord | undefined> {
    const requested = withRequested(variant.requested, texts[variant.variant]);
    if (requested === undefined || isRequestedBy(variant, requested)) return variant;
    const before = variant.requested;
    const written = await this.#table.write({
      update: variantKey(variant.id, variant.variant),
      set: { requested },
      // Others may have been noted meanwhile.
      if: `#life = :life AND ${before ? '#requested = :before' : 'attribute_not_exists(#requested)'}`,
      with: { ':life': life, ...(before && { ':before': before }) },
    });
    return written && { ...variant, requested };
  }

  /** A query of each image, of which a list has at most 100; nothing of a variant comes along but its status. */
  counts(ids: readonly string[]): Promise<VariantCounts[]> {
    const only = { only: '#sk, #life, #gsi1pk, #variant, #status', mayLag: ids.length > 1 };
    const read = (id: string) => partition(this.#table, id, only);
    return inLanes(ids, async (id) => countsOf([...((await read(id))?.variants.values() ?? [])]));
  }

  async update(
    id: string,
    variant: string,
    version: string,
    from: readonly VariantStatus[],
    change: VariantChange,
  ): Promise<boolean> {
    if (from.length === 0) return false;
    const { attempt, status, bytes, ms, error, epoch, expires, sameAs } = change;
    const statuses = Object.fromEntries(from.map((status, index) => [`:from${index}`, status]));
    const written = await this.#table.write({
      update: variantKey(id, variant),
      set: { status, bytes, ms, error, epoch, expires, sameAs, updatedAt: new Date().toISOString() },
      add: { attempts: attempt ? 1 : 0 },
      if: `#version = :version AND #status IN (${Object.keys(statuses).join(', ')})`,
      with: { ':version': version, ...statuses },
    });
    return written !== undefined;
  }

  /** A transaction would cost twice the units, and fail as a whole where one variant has moved on. */
  updateAll(id: string, updates: readonly VariantUpdate[]): Promise<boolean[]> {
    return inLanes(updates, ({ variant, version, from, change }) =>
      this.update(id, variant, version, from, change),
    );
  }

  async remove(id: string, variants: readonly string[]): Promise<void> {
    const life = lifeOf(await this.#table.get(imageKey(id)));
    if (life === undefined) return;
    await inLanes(variants, (variant) =>
      this.#table.write({ remove: variantKey(id, variant), if: '#life = :life', with: { ':life': life } }),
    );
  }
}

/** What the variants of an image carry; undefined where there is none, or one that is being deleted. */
function lifeOf(image: Item | undefined): string | undefined {
  return image && image.gsi1pk !== TOMBSTONES ? String(image.life) : undefined;
}

const ended = Object.fromEntries(ENDED.map((status) => [`:${status}`, status]));

/** False when anything is no longer as it was read. */
async function putQueued(table: Table, queued: readonly VariantRecord[], life: string): Promise<boolean> {
  for (let start = 0; start < queued.length; start += BATCH) {
    const puts = queued.slice(start, start + BATCH).map(
      (variant): Write => ({
        put: { ...variantKey(variant.id, variant.variant), ...variant, life },
        if: `attribute_not_exists(#pk) OR #life <> :life OR #version <> :version OR #status IN (${Object.keys(ended).join(', ')})`,
        with: { ':life': life, ':version': variant.version, ...ended },
      }),
    );
    const check = imageKey(queued[0]?.id ?? '');
    const isAlive: Write = { check, if: '#life = :life', with: { ':life': life } };
    if (!(await table.transact([isAlive, ...puts]))) return false;
  }
  return true;
}

/** The variants of the image that has the id now; undefined without one. */
async function partition(table: Table, id: string, how: Pick<Query, 'only' | 'mayLag'> = {}) {
  const items = await table.queryAll({ where: '#pk = :pk', with: { ':pk': imageKey(id).pk }, ...how });
  // Of an image that is being deleted nothing more is asked.
  const life = lifeOf(items.find(({ sk }) => sk === 'image'));
  if (life === undefined) return undefined;
  const ours = items.filter((item) => String(item.sk).startsWith('variant#') && item.life === life);
  const variants = new Map(ours.map(variantOf).map((variant) => [variant.variant, variant]));
  return { life, variants };
}

function variantOf(item: Item): VariantRecord {
  const { pk, sk, life, ...record } = item;
  return record as unknown as VariantRecord;
}
