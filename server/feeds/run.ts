import { reasonOf } from '../shared/errors.ts';
import type { Feed } from './definition.ts';
import { type Listed, list } from './listing.ts';
import type { Fresh, Read, Source } from './source.ts';
import {
  type FeedState,
  type FeedStates,
  type Known,
  keptOf,
  type RunRequest,
  type Shard,
  shardOf,
  sourceOf,
} from './state.ts';
import { firstOf, newSummary, summarize } from './summary.ts';
import type { Turn } from './turn.ts';
import type { Vanishing } from './vanishing.ts';

/** Pictures that are dealt with before that is written down: what a kill repeats. */
const BATCH = 50;

export interface RunOptions {
  readonly states: FeedStates;
  readonly source: Source;
  readonly vanishing: Vanishing;
  readonly now: () => Date;
}

/**
 * Runs a feed once, or goes on with the run that was not finished. What each picture came to is written down after some
 * tens of them, so that a run that was killed reads its feed again and goes on behind what it has dealt with.
 *
 * @param request  what a person has asked for, if that is why
 */
export async function runFeed(
  feed: Feed,
  request: RunRequest | undefined,
  options: RunOptions,
  signal: AbortSignal,
): Promise<FeedState> {
  const { states, source, vanishing, now } = options;
  const begun = await begin(feed, options);
  const ended = request ? { isRunning: false, askedAt: request.at } : { isRunning: false };
  let read: Read;
  try {
    read = await source.read(feed, begun.documents, signal);
  } catch (error) {
    signal.throwIfAborted();
    // Nothing is known of what the feed lists: what it has brought stays as it is.
    const summary = { ...begun.summary, finishedAt: now().toISOString(), error: reasonOf(error) };
    return save(states, feed, { ...begun, ...ended, summary });
  }
  const state = { ...begun, refused: firstOf(read.listing.refused, read.listing.refusedBefore) };
  const turn: Turn = { feed, state, read, shards: await states.shardsOf(feed.name, begun), signal };
  addUnchanged(turn);
  await deal(turn, options);
  const { vanished, held } = await vanishing.run(turn, request?.letsGoOf);
  const summary = {
    ...summarize(state, turn.shards),
    finishedAt: now().toISOString(),
    vanished,
    ...(held && { held }),
  };
  const shards = [...turn.shards].flatMap(([number, shard]) =>
    Object.keys(shard).length > 0 ? [number] : [],
  );
  return save(states, feed, { ...state, ...ended, shards, documents: keptOf(read.documents), summary });
}

async function save(states: FeedStates, { name }: Feed, state: FeedState): Promise<FeedState> {
  await states.put(name, state);
  return state;
}

async function begin(feed: Feed, { states, now }: RunOptions): Promise<FeedState> {
  const before = await states.get(feed.name);
  const source = sourceOf(feed);
  if (before?.isRunning && before.source === source) return before;
  return save(states, feed, {
    source,
    run: (before?.run ?? 0) + 1,
    isRunning: true,
    shards: before?.shards ?? [],
    documents: before?.source === source ? before.documents : {},
    refused: { count: 0, first: [] },
    summary: newSummary(now().toISOString()),
    ...(before?.askedAt !== undefined && { askedAt: before.askedAt }),
  });
}

/** A document that is what it was lists what it listed, be it alone or beside others. */
function addUnchanged({ shards, feed, read: { unchanged, listing } }: Turn): void {
  for (const shard of shards.values())
    for (const [id, { from, documents = [], mark, title, vanishedAt }] of Object.entries(shard)) {
      const names = documents.filter((document) => unchanged.has(document));
      if (names.length === 0 || vanishedAt !== undefined) continue;
      const told = { ...(mark !== undefined && { mark }), ...(title !== undefined && { title }) };
      list(listing, feed, { id, from, documents: names, ...told });
    }
}

async function deal(turn: Turn, options: RunOptions): Promise<void> {
  const { feed, state, read, shards, signal } = turn;
  const { states } = options;
  let written = state.shards;
  for (const [number, pictures] of byShard(read.listing.pictures.values())) {
    const rest = pictures.filter(({ id }) => shards.get(number)?.[id]?.run !== state.run);
    for (let start = 0; start < rest.length; start += BATCH) {
      signal.throwIfAborted();
      // A run that goes on must know where something was written.
      if (!written.includes(number)) {
        written = [...written, number];
        await states.put(feed.name, { ...state, shards: written });
      }
      const put = async (shard: Shard) => {
        shards.set(number, shard);
        await states.putShard(feed.name, number, shard);
      };
      const listed = rest.slice(start, start + BATCH);
      const noted = await tried({ listed, before: shards.get(number) ?? {} }, turn, options.source);
      if (noted) await put(noted);
      const before = noted ?? shards.get(number) ?? {};
      await put({ ...before, ...(await dealWith({ listed, before }, turn, options)) });
    }
  }
}

function byShard(pictures: Iterable<Listed>): Map<number, Listed[]> {
  const shards = new Map<number, Listed[]>();
  for (const picture of pictures) {
    const number = shardOf(picture.id);
    const shard = shards.get(number);
    if (shard) shard.push(picture);
    else shards.set(number, [picture]);
  }
  return shards;
}

/** Pictures of a shard that are dealt with together. */
interface Batch {
  readonly listed: readonly Listed[];
  readonly before: Shard;
}

interface Pair {
  readonly listed: Listed;
  readonly known: Known;
}

async function dealWith(batch: Batch, turn: Turn, { source, vanishing }: RunOptions): Promise<Shard> {
  const { listed: all, before } = batch;
  const { feed, state, signal } = turn;
  const fresh: Fresh[] = [];
  const here: Pair[] = [];
  const entries: Record<string, Known> = {};
  for (const listed of all) {
    const known = before[listed.id];
    if (isFresh(listed, known)) fresh.push({ listed, isTried: known?.isTried === true });
    // What is still to be fetched is somebody's already; what somebody has deleted is not brought back.
    else if (known?.isPending || known?.isDeleted) entries[listed.id] = entryOf(listed, known, state.run, {});
    else if (known) here.push({ listed, known });
  }
  await vanishing.reappeared(
    feed,
    all.filter(({ id }) => before[id]?.vanishedAt !== undefined),
  );
  const brought = await source.bring(feed, fresh, signal);
  for (const [index, { listed }] of fresh.entries())
    entries[listed.id] = entryOf(listed, undefined, state.run, brought[index] ?? {});
  const looked = await source.look(feed, here, signal);
  for (const [index, { listed, known }] of here.entries())
    entries[listed.id] = entryOf(listed, known, state.run, looked[index] ?? {});
  return entries;
}

/** Notes pictures whose ids are free as tried; undefined where there is nothing to note. */
async function tried(
  { listed: all, before }: Batch,
  { state }: Turn,
  source: Source,
): Promise<Shard | undefined> {
  const fresh = all.filter((listed) => isFresh(listed, before[listed.id]) && !before[listed.id]?.isTried);
  const free = await source.free(fresh.map(({ id }) => id));
  if (free.size === 0) return undefined;
  const noted = fresh
    .filter(({ id }) => free.has(id))
    .map(({ id, from }): [string, Known] => [id, { from, run: state.run - 1, isTried: true }]);
  return { ...before, ...Object.fromEntries(noted) };
}

/** Whether a picture is still to be brought. */
const isFresh = ({ from }: Listed, known: Known | undefined): boolean =>
  known === undefined || known.from !== from || !(isHere(known) || known.isDeleted);

const isHere = ({ version, isPending }: Known): boolean => version !== undefined || isPending === true;

/** What was found goes before what was known. Of a picture that failed the mark stays what it was, so that it is tried again. */
function entryOf(listed: Listed, known: Known | undefined, run: number, found: Partial<Known>): Known {
  const { from, documents, title, mark } = listed;
  const {
    outcome: _outcome,
    error: _error,
    mark: markBefore,
    heldIn: _heldIn,
    vanishedAt: _vanished,
    ...rest
  } = known ?? { from, run };
  const markNow = found.error === undefined ? mark : markBefore;
  return {
    ...rest,
    run,
    ...(documents !== undefined && { documents }),
    ...(title !== undefined && { title }),
    ...(markNow !== undefined && { mark: markNow }),
    ...found,
  };
}
