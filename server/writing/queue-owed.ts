import type { Owed } from '../stores/images.ts';
import type { Records } from '../stores/stores.ts';
import type { VariantChange, VariantRecord } from '../stores/variants.ts';
import { toUpdate } from '../warming/queue.ts';

/** Results that are looked for at once. */
const LOOKS = 10;

const PURGED = { status: 'skipped', error: 'Purged; made again when it is asked for.' } as const;

export interface Queueing {
  readonly records: Records;
  /** What is to be said of a variant whose result lies in its bucket and will for a while; undefined of others. */
  readonly stored: (variant: VariantRecord) => Promise<VariantChange | undefined>;
}

/** Queues what an image owes to be warmed; resolves to the names of those variants that wait now. */
export async function queueOwed(
  id: string,
  version: string,
  { purge, rewarm, warm = [], requested }: Owed,
  queueing: Queueing,
): Promise<string[]> {
  const { variants } = queueing.records;
  if (!purge && !rewarm && warm.length === 0) return [];
  const items = purge || rewarm ? await variants.list(id) : [];
  const isOld = (record: VariantRecord) =>
    record.version !== version || (purge === true && record.status === 'ready');
  const isUnderWay = ({ status }: VariantRecord) => status === 'queued' || status === 'rendering';
  const again = items.filter((record) => rewarm === 'all' || (rewarm === 'open' && isUnderWay(record)));
  const gone = items.filter((record) => isOld(record) && !again.includes(record));
  // Made for this version already, by somebody faster: the purge may have taken the result along.
  const late = again.filter(isOld).map(({ variant }) => ({ variant, version }));
  await variants.updateAll(id, [
    ...gone.map(toUpdate(['ready'], PURGED)),
    ...late.map(toUpdate(['ready'], { status: 'queued' })),
  ]);
  const names = [...new Set([...again.map(({ variant }) => variant), ...warm])];
  if (names.length === 0) return [];
  const queued = await variants.queue(id, version, names, requested);
  const named = await verified(id, version, { named: queued, warm }, queueing);
  return named.filter(({ status }) => status === 'queued').map(({ variant }) => variant);
}

/** Results go without a word, by a lifecycle or a new pipeline: `ready` is looked at when somebody asks. */
async function verified(
  id: string,
  version: string,
  { named, warm }: { readonly named: readonly VariantRecord[]; readonly warm: readonly string[] },
  { records, stored }: Queueing,
): Promise<VariantRecord[]> {
  const looked: VariantRecord[] = [];
  for (let start = 0; start < named.length; start += LOOKS) {
    const looks = named.slice(start, start + LOOKS).map(async (record) => {
      if (record.status !== 'ready' || !warm.includes(record.variant)) return record;
      const change = (await stored(record)) ?? ({ status: 'queued' } as const);
      if (change.status === 'ready' && isSaid(record, change)) return record;
      await records.variants.update(id, record.variant, version, ['ready'], change);
      return { ...record, ...change };
    });
    looked.push(...(await Promise.all(looks)));
  }
  return looked;
}

/** Whether a record says already what a change would. */
function isSaid(record: VariantRecord, change: VariantChange): boolean {
  return (['bytes', 'epoch', 'expires', 'sameAs'] as const).every((name) => record[name] === change[name]);
}
