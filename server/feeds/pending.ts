import { inLanes } from '../shared/in-lanes.ts';
import type { ImageRecord, Records } from '../stores/contracts.ts';
import type { FeedState, FeedStates, Known, Shard } from './state.ts';
import { summarize } from './summary.ts';

/** Looks what became of pictures that warmers were to fetch, or to ask for; the state as it is then. */
export async function settlePending(
  feed: string,
  state: FeedState,
  { states, records }: { readonly states: FeedStates; readonly records: Pick<Records, 'images'> },
): Promise<FeedState> {
  const shards = await states.shardsOf(feed, state);
  let isOther = false;
  for (const [number, shard] of shards) {
    const settled = await settleShard(shard, records);
    if (!settled) continue;
    isOther = true;
    shards.set(number, settled);
    await states.putShard(feed, number, settled);
  }
  if (!isOther) return state;
  const after = { ...state, summary: summarize(state, shards) };
  await states.put(feed, after);
  return after;
}

/** Undefined where nothing of it is otherwise than before. */
async function settleShard(shard: Shard, records: Pick<Records, 'images'>): Promise<Shard | undefined> {
  const pending = Object.entries(shard).filter(([, { isPending }]) => isPending);
  const looked = await inLanes(
    pending,
    async ([id, known]) => [id, settled(known, await records.images.get(id))] as const,
  );
  const done = looked.flatMap(([id, known]): [string, Known][] => (known ? [[id, known]] : []));
  return done.length > 0 ? { ...shard, ...Object.fromEntries(done) } : undefined;
}

/** Undefined while it is still to be fetched. */
function settled({ isPending: _done, ...known }: Known, record: ImageRecord | undefined): Known | undefined {
  if (!record) return { ...known, isDeleted: true };
  if (record.owed?.fetch) return undefined;
  const { version, source, error } = record;
  if (version === undefined) return { ...known, error: error ?? source?.error ?? 'It could not be fetched.' };
  const isFetched = source?.url === known.from && source.version === version;
  const outcome = known.version === undefined ? 'new' : 'changed';
  return {
    ...known,
    ...(isFetched && version !== known.version && { outcome, version }),
    ...(!isFetched && known.version === undefined && { version }),
    ...(isFetched && source.error !== undefined && { error: source.error }),
  };
}
