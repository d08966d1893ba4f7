import { reasonOf } from '../shared/errors.ts';
import type { Feed } from './definition.ts';
import { type Listed, list } from './listing.ts';
import type { Read, Source } from './source.ts';
import {
  type FeedState,
  type FeedStates,
  type Known,
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
    return written(states, feed, { ...begun, ...ended, summary });
  }
  const state = { ...begun, refused: firstOf(read.listing.refused) };
  const turn: Turn = { feed, state, read, shards: await states.shardsOf(feed.name, begun), signal };
  addUnchanged(turn);
  await deal(turn, options);
  const { vanished, held } = await vanishing.run(turn, request?.vanishes === true);
  const summary = {
    ...summarize(state, turn.shards),
    finishedAt: now().toISOString(),
    vanished,
    ...(held && { held }),
  };
  const shards = [...turn.shards].flatMap(([number, shard]) =>
    Object.keys(shard).length > 0 ? [number] : [],
  );
  return written(states, feed, { ...state, ...ended, shards, documents: read.documents, summary });
}

async function written(states: FeedStates, { name }: Feed, state: FeedState): Promise<FeedState> {
  await states.put(name, state);
  return state;
}

async function begin(feed: Feed, { states, now }: RunOptions): Promise<FeedState> {
  const before = await states.get(feed.name);
  const source = sourceOf(feed);
  if (before?.isRunning && before.source === source) return before;
  return written(states, feed, {
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
  let noted = state.shards;
  for (const [number, pictures] of byShard(read.listing.pictures.values())) {
    const rest = pictures.filter(({ id }) => shards.get(number)?.[id]?.run !== state.run);
    for (let start = 0; start < rest.length; start += BATCH) {
      signal.throwIfAborted();
      // A run that goes on must know where something was written.
      if (!noted.includes(number)) {
        noted = [...noted, number];
        await states.put(feed.name, { ...state, shards: noted });
      }
      const before = shards.get(number) ?? {};
      const after = {
        ...before,
        ...(await dealWith(rest.slice(start, start + BATCH), before, turn, options)),
      };
      shards.set(number, after);
      await states.putShard(feed.name, number, after);
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

interface Pair {
  readonly listed: Listed;
  readonly known: Known;
}

async function dealWith(
  batch: readonly Listed[],
  before: Shard,
  { feed, state: { run }, signal }: Turn,
  { source, vanishing }: RunOptions,
): Promise<Shard> {
  const fresh: Listed[] = [];
  const here: Pair[] = [];
  const entries: Record<string, Known> = {};
  for (const listed of batch) {
    const known = before[listed.id];
    const isSame = known?.from === listed.from;
    if (!known || !isSame || !(isHere(known) || known.isDeleted)) fresh.push(listed);
    // What is still to be fetched is somebody's already; what somebody has deleted is not brought back.
    else if (known.isPending || known.isDeleted) entries[listed.id] = entryOf(listed, known, run, {});
    else here.push({ listed, known });
  }
  await vanishing.reappeared(batch.filter(({ id }) => before[id]?.vanishedAt !== undefined));
  const brought = await source.bring(feed, fresh, signal);
  for (const [index, listed] of fresh.entries())
    entries[listed.id] = entryOf(listed, undefined, run, brought[index] ?? {});
  const looked = await source.look(feed, here, signal);
  for (const [index, { listed, known }] of here.entries())
    entries[listed.id] = entryOf(listed, known, run, looked[index] ?? {});
  return entries;
}

const isHere = ({ version, isPending }: Known): boolean => version !== undefined || isPending === true;

/** What was found goes before what was known. Of a picture that failed the mark stays what it was, so that it is tried again. */
function entryOf(listed: Listed, known: Known | undefined, run: number, found: Partial<Known>): Known {
  const { from, documents, title, mark } = listed;
  const {
    outcome: _outcome,
    error: _error,
    mark: markBefore,
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
