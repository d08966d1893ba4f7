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
   * @param vanishes  whether what is held may vanish
   * @throws Problem `feed_not_found`
   */
  async request(name: string, vanishes: boolean): Promise<DescribedFeed> {
    const index = await this.#states.index();
    const feed = index?.feeds.find((one) => one.name === name);
    if (!feed) throw new Problem('feed_not_found', `There is no feed "${name}".`, { received: name });
    await this.#states.putRequest(name, { at: this.#now().toISOString(), vanishes });
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

function statusOf({ isRunning, summary: { error, held } }: FeedState): FeedStatus {
  if (isRunning) return 'running';
  if (error !== undefined) return 'failed';
  return held ? 'held' : 'ok';
}
