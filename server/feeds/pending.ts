import { isProblem, reasonOf } from '../shared/errors.ts';
import { inLanes } from '../shared/in-lanes.ts';
import type { ImageRecord } from '../stores/images.ts';
import type { Records } from '../stores/stores.ts';
import type { Library } from '../writing/library.ts';
import type { Feed } from './definition.ts';
import { ofAnother } from './owner.ts';
import type { FeedState, FeedStates, Known, Shard } from './state.ts';
import { summarize } from './summary.ts';

export interface PendingOptions {
  readonly states: FeedStates;
  readonly records: Pick<Records, 'images'>;
  readonly library: Pick<Library, 'warm'>;
}

/** Looks what became of pictures that warmers were to fetch, or to ask for, and writes that down. */
export async function settlePending(feed: Feed, state: FeedState, options: PendingOptions): Promise<void> {
  const { states, records, library } = options;
  if (state.summary.pending === 0 && !state.isRunning) return;
  const shards = await states.shardsOf(feed.name, state);
  let isOther = false;
  for (const [number, shard] of shards) {
    const settled = await settleShard(feed, shard, records);
    if (!settled) continue;
    isOther = true;
    const isChanged = (id: string) => settled[id]?.outcome === 'changed' && shard[id]?.isPending === true;
    await warmAgain(feed, Object.keys(settled).filter(isChanged), library);
    shards.set(number, settled);
    await states.putShard(feed.name, number, settled);
  }
  if (isOther) await states.put(feed.name, { ...state, summary: summarize(state, shards) });
}

/** A picture that is another one is made anew in what it was made in, and in what its feed asks for since. */
export async function warmAgain(
  { warm }: Feed,
  ids: readonly string[],
  library: Pick<Library, 'warm'>,
): Promise<void> {
  if (warm.forms.length === 0) return;
  await inLanes(ids, async (id) => {
    try {
      await library.warm(id, warm);
    } catch (error) {
      // Deleted meanwhile, or replaced by what has not arrived: nobody waits for its variants.
      if (!isProblem(error) || error.status >= 500) throw error;
    }
  });
}

/** Undefined where nothing of it is otherwise than before. */
async function settleShard(
  feed: Feed,
  shard: Shard,
  records: Pick<Records, 'images'>,
): Promise<Shard | undefined> {
  const pending = Object.entries(shard).filter(([, { isPending }]) => isPending);
  const looked = await inLanes(
    pending,
    async ([id, known]) => [id, settled(feed, known, await records.images.get(id))] as const,
  );
  const done = looked.flatMap(([id, known]): [string, Known][] => (known ? [[id, known]] : []));
  return done.length > 0 ? { ...shard, ...Object.fromEntries(done) } : undefined;
}

/** Undefined while it is still to be fetched. */
function settled(
  { name }: Feed,
  { isPending: _done, ...known }: Known,
  record: ImageRecord | undefined,
): Known | undefined {
  if (!record) return { ...known, isDeleted: true };
  // Somebody has its id by now.
  if (record.feed !== name && known.version === undefined)
    return { ...known, error: reasonOf(ofAnother(record.id, record.feed)) };
  if (record.owed?.fetch) return undefined;
  const { version, source, error } = record;
  if (version === undefined) return { ...known, error: error ?? source?.error ?? 'It could not be fetched.' };
  const isFetched = source?.url === known.from && source.version === version;
  const outcome = known.version === undefined ? 'new' : 'changed';
  return {
    ...known,
    ...(isFetched && version !== known.version && { outcome, version }),
    ...(isFetched && source.error !== undefined && { error: source.error }),
  };
}
