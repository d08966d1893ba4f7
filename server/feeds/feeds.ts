import { Problem } from '../shared/errors.ts';
import type { FeedIndex, FeedState, FeedStates } from './state.ts';
import { nextRun } from './watcher.ts';

/** How a feed is: `held`, its last run would have let too much vanish. */
export const FEED_STATUSES = ['waiting', 'running', 'ok', 'failed', 'held'] as const;
export type FeedStatus = (typeof FEED_STATUSES)[number];

type IndexedFeed = FeedIndex['feeds'][number];

export interface DescribedFeed {
  readonly feed: IndexedFeed;
  readonly status: FeedStatus;
  /** Of the run that is under way or was last; absent: there was none. */
  readonly state?: FeedState;
  /** Absent while it runs, or was asked for. */
  readonly nextRun?: Date;
}

/** What a person asks a run for. */
export interface Asked {
  /** Whether what is held now may vanish. */
  readonly vanishes: boolean;
  /** `startedAt` of the run whose held pictures the person has seen; absent: of whichever was last. */
  readonly heldBy?: string | undefined;
}

/** Feeds as their watcher has noted them, for programs that do not watch them. */
export class Feeds {
  readonly #states: FeedStates;
  readonly #now: () => Date;

  constructor(states: FeedStates, now: () => Date) {
    this.#states = states;
    this.#now = now;
  }

  /** @returns  undefined where nobody has watched any */
  async list(): Promise<(Omit<FeedIndex, 'feeds'> & { feeds: DescribedFeed[] }) | undefined> {
    const index = await this.#states.index();
    if (!index) return undefined;
    const feeds = await Promise.all(index.feeds.map((feed) => this.#describe(feed)));
    return { ...index, feeds };
  }

  /**
   * Has a feed run as soon as its watcher looks.
   *
   * @throws Problem `feed_not_found`; `conflict` where `heldBy` is said and another run has been since
   */
  async request(name: string, { vanishes, heldBy }: Asked): Promise<DescribedFeed> {
    const index = await this.#states.index();
    const feed = index?.feeds.find((one) => one.name === name);
    if (!feed) throw new Problem('feed_not_found', `There is no feed "${name}".`, { received: name });
    const at = this.#now().toISOString();
    const letsGoOf = heldRun(name, await this.#states.get(name), heldBy);
    await this.#states.putRequest(name, vanishes && letsGoOf !== undefined ? { at, letsGoOf } : { at });
    return this.#describe(feed);
  }

  async #describe(feed: IndexedFeed): Promise<DescribedFeed> {
    const state = await this.#states.get(feed.name);
    if (!state) return { feed, status: 'waiting' };
    const isAsked = ((await this.#states.request(feed.name))?.at ?? state.askedAt) !== state.askedAt;
    const next = state.isRunning || isAsked ? {} : { nextRun: nextRun(feed, state) };
    return { feed, state, status: isAsked && !state.isRunning ? 'waiting' : statusOf(state), ...next };
  }
}

/** The run whose held pictures may vanish; undefined where it holds none. */
function heldRun(name: string, state: FeedState | undefined, heldBy: string | undefined): number | undefined {
  if (heldBy === undefined || state?.summary.startedAt === heldBy)
    return state?.summary.held ? state.run : undefined;
  const detail = `Another run of "${name}" has begun since: what it holds, if anything, is to be looked at.`;
  throw new Problem('conflict', detail, { param: 'heldBy', received: heldBy });
}

function statusOf({ isRunning, summary: { error, held } }: FeedState): FeedStatus {
  if (isRunning) return 'running';
  if (error !== undefined) return 'failed';
  return held ? 'held' : 'ok';
}
