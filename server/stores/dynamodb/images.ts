import { randomUUID } from 'node:crypto';
import { inLanes } from '../../shared/in-lanes.ts';
import { burial, changedImage, isUnchanged } from '../change.ts';
import type {
  ImageAsRead,
  ImageChange,
  ImageQuery,
  ImageRecord,
  ImageRecords,
  NewImage,
  Owed,
  StalledQuery,
} from '../images.ts';
import type { OutgoingJob } from '../jobs.ts';
import type { Progress } from '../locks.ts';
import type { Page } from '../page.ts';
import { search } from '../search.ts';
import { AGAIN, untilWritten } from '../until-written.ts';
import {
  IDS,
  idsPartitionOf,
  imageKey,
  partitionOf,
  placeKey,
  type Stored,
  stored,
  TOMBSTONES,
} from './items.ts';
import { cursorBehind, list, stalled } from './lists.ts';
import { afterId, imagesByPrefix, indexFormer } from './search.ts';
import type { Table } from './table.ts';
import type { Write } from './writes.ts';

export class DynamoImages implements ImageRecords {
  readonly #table: Table;

  constructor(table: Table) {
    this.#table = table;
  }

  create(image: NewImage): Promise<boolean> {
    const position = `${image.createdAt}#${image.id}`;
    const item = {
      ...imageKey(image.id),
      gsi1pk: partitionOf(image),
      gsi1sk: position,
      gsi2pk: IDS,
      ...image,
      revision: 1,
      updatedAt: new Date().toISOString(),
      life: randomUUID(),
    };
    const place = { ...placeKey(image.id), id: image.id, gsi1sk: position };
    const isFree = 'attribute_not_exists(#pk)';
    return this.#table.transact([
      { put: item, if: isFree },
      { put: place, if: isFree },
    ]);
  }

  async get(id: string): Promise<ImageRecord | undefined> {
    const record = (await stored(this.#table, id))?.record;
    return record?.owed?.delete ? undefined : record;
  }

  async bury(id: string, debt: Owed, as?: ImageAsRead): Promise<ImageRecord | undefined> {
    return untilWritten(`The image ${id}`, async () => {
      const found = await stored(this.#table, id);
      if (!found || found.record.owed?.delete) return found?.record;
      if (!isUnchanged(found.record, as)) return undefined;
      const { collection, ...record } = changedImage(found.record, burial(debt), new Date().toISOString());
      const { owed, updatedAt, revision } = record;
      const update: Write = {
        update: imageKey(id),
        set: {
          owed,
          updatedAt,
          revision,
          openUntil: undefined,
          claim: undefined,
          gsi1pk: TOMBSTONES,
          gsi2pk: undefined,
        },
        ...asRead(found),
      };
      return (await this.#table.transact([update, ...departure(id, collection)])) ? record : AGAIN;
    });
  }

  async tombstone(id: string): Promise<ImageRecord | undefined> {
    const record = (await stored(this.#table, id))?.record;
    return record?.owed?.delete ? record : undefined;
  }

  async update(
    id: string,
    revision: number,
    change: ImageChange,
    jobs: readonly OutgoingJob[] = [],
  ): Promise<ImageRecord | undefined> {
    if (jobs.length > 0) throw new TypeError('These records take no jobs.');
    const before = (await stored(this.#table, id))?.record;
    if (before?.revision !== revision) return undefined;
    const after = changedImage(before, change, new Date().toISOString());
    const written = await this.#table.write({
      update: imageKey(id),
      set: {
        ...change,
        status: after.status,
        gsi1pk: partitionOf(after),
        gsi2pk: idsPartitionOf(after),
        updatedAt: after.updatedAt,
      },
      add: { revision: 1 },
      if: '#revision = :revision',
      with: { ':revision': revision },
    });
    return written && after;
  }

  /**
   * The image goes with its place and its share of the count in one transaction; from then on nobody sees its
   * variants, nor queues new ones. Those are removed afterwards, with what an earlier removal that was cut short
   * has left: also when there is no image.
   */
  async remove(id: string, as?: ImageAsRead): Promise<ImageRecord | undefined> {
    const removed = await untilWritten(`The image ${id}`, async () => {
      const found = await stored(this.#table, id);
      if (!found || !isUnchanged(found.record, as)) return undefined;
      return (await this.#table.transact(removal(found))) ? found.record : AGAIN;
    });
    await removeOrphans(this.#table, id);
    return removed;
  }

  list(query: ImageQuery): Promise<Page<ImageRecord>> {
    const { prefix, text, collection, status } = query;
    if (prefix !== undefined)
      return search(query, {
        page: (part) => imagesByPrefix(this.#table, prefix, part),
        cursorOf: ({ id }) => afterId(id),
      });
    if (text === undefined) return list(this.#table, query);
    const kept = { ...(collection !== undefined && { collection }), ...(status !== undefined && { status }) };
    return search(query, { page: (part) => list(this.#table, { ...kept, ...part }), cursorOf: cursorBehind });
  }

  stalled(query: StalledQuery): Promise<Page<ImageRecord>> {
    return stalled(this.#table, query);
  }

  indexFormer(progress: Progress): Promise<number> {
    return indexFormer(this.#table, progress);
  }
}

function removal(found: Stored): Write[] {
  const { id, collection } = found.record;
  return [{ remove: imageKey(id), ...asRead(found) }, ...departure(id, collection)];
}

/** The condition that the image is the one that was read, unwritten since. */
function asRead({ record, life }: Stored): Pick<Write, 'if' | 'with'> {
  return {
    if: '#revision = :revision AND #life = :life',
    with: { ':revision': record.revision, ':life': life },
  };
}

/** The place of an image goes, and its share of the collection's count. */
function departure(id: string, collection: string | undefined): Write[] {
  if (collection === undefined) return [{ remove: placeKey(id), if: 'attribute_not_exists(#collection)' }];
  return [
    { remove: placeKey(id), if: '#collection = :collection', with: { ':collection': collection } },
    {
      update: { pk: `collection#${collection}`, sk: 'collection' },
      add: { count: -1 },
      if: 'attribute_exists(#pk)',
    },
  ];
}

/**
 * Removes variants whose image is gone. `life` tells two images of one id apart. The image is read after the variants,
 * so a variant of another life is an orphan; each is removed only while it has that life, since the id may be in use again.
 */
async function removeOrphans(table: Table, id: string): Promise<void> {
  const { pk } = imageKey(id);
  const where = '#pk = :pk AND begins_with(#sk, :variant)';
  const items = await table.queryAll({ where, with: { ':pk': pk, ':variant': 'variant#' } });
  if (items.length === 0) return;
  const alive = (await stored(table, id))?.life;
  const rest = items.filter(({ life }) => life !== alive);
  await inLanes(rest, ({ sk, life }) =>
    table.write({ remove: { pk, sk: String(sk) }, if: '#life = :life', with: { ':life': life } }),
  );
}
