import { reasonOf } from '../shared/errors.ts';
import { isSetBack } from '../shared/set-back.ts';
import type { Records } from '../stores/stores.ts';
import type { Feed } from './definition.ts';
import { type PendingOptions, settlePending } from './pending.ts';
import { runFeed } from './run.ts';
import type { Source } from './source.ts';
import type { FeedIndex, FeedState, FeedStates, RunRequest } from './state.ts';
import type { Vanishing } from './vanishing.ts';

export interface WatcherOptions {
  /** Reads the file. */
  readonly feeds: () => Promise<readonly Feed[]>;
  readonly sources: Readonly<Record<Feed['kind'], Source>>;
  readonly states: FeedStates;
  readonly records: Pick<Records, 'images'>;
  readonly library: PendingOptions['library'];
  readonly vanishing: Vanishing;
  readonly now: () => Date;
  readonly onRun: (feed: string, state: FeedState) => void;
  readonly onFailure: (error: unknown, feed: string | undefined) => void;
}

/** Watches feeds: each is run when it is due, was asked for, or was not finished. One watcher at a time does so. */
export class Watcher {
  readonly #options: WatcherOptions;
  #index = '';

  constructor(options: WatcherOptions) {
    this.#options = options;
  }

  /** Feeds one after another; one that breaks stops none of the others. Rejects only where `signal` ends it. */
  async round(signal: AbortSignal): Promise<void> {
    const { onFailure } = this.#options;
    for (const feed of await this.#feeds()) {
      try {
        await this.#look(feed, signal);
      } catch (error) {
        signal.throwIfAborted();
        onFailure(error, feed.name);
      }
    }
  }

  async #feeds(): Promise<readonly Feed[]> {
    const { feeds, states, onFailure } = this.#options;
    try {
      const read = await feeds();
      await this.#note({ feeds: read.map(({ warm: _warm, ...feed }) => feed) });
      return read;
    } catch (error) {
      const index = { feeds: (await states.index())?.feeds ?? [], error: reasonOf(error) };
      if (await this.#note(index)) onFailure(error, undefined);
      return [];
    }
  }

  /** Whether anything is otherwise than it was when this process looked last. */
  async #note(index: Omit<FeedIndex, 'readAt'>): Promise<boolean> {
    const { states, now } = this.#options;
    const text = JSON.stringify(index);
    if (text === this.#index) return false;
    await states.putIndex({ ...index, readAt: now().toISOString() });
    this.#index = text;
    return true;
  }

  async #look(feed: Feed, signal: AbortSignal): Promise<void> {
    const { states, sources, now, onRun } = this.#options;
    const before = await states.get(feed.name);
    if (before) await settlePending(feed, before, this.#options);
    const asked = await states.request(feed.name);
    const request = asked?.at === before?.askedAt ? undefined : asked;
    if (!isDue(feed, before, request, now())) return;
    onRun(feed.name, await runFeed(feed, request, { ...this.#options, source: sources[feed.kind] }, signal));
  }
}

function isDue(
  feed: Feed,
  state: FeedState | undefined,
  request: RunRequest | undefined,
  now: Date,
): boolean {
  if (!state || state.isRunning || request) return true;
  const startedMs = Date.parse(state.summary.startedAt);
  return now.getTime() >= nextRun(feed, state).getTime() || isSetBack(startedMs, now.getTime());
}

/** From the start of the run before. */
export const nextRun = ({ everyMinutes }: Pick<Feed, 'everyMinutes'>, { summary }: FeedState): Date =>
  new Date(Date.parse(summary.startedAt) + everyMinutes * 60_000);
