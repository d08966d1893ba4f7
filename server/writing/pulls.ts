import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import { notFound } from '../reading/absent.ts';
import type { PullThrough } from '../reading/pull-through.ts';
import { atMost } from '../shared/at-most.ts';
import { isProblem, Problem } from '../shared/errors.ts';
import type { HostPace } from '../shared/host-pace.ts';
import { keepHeld } from '../shared/periodic.ts';
import { isSetBack } from '../shared/set-back.ts';
import type { Blocks } from '../stores/blocks.ts';
import type { ImageRecord } from '../stores/images.ts';
import type { Objects } from '../stores/objects.ts';
import type { Records } from '../stores/stores.ts';
import { MOST_PAUSE_SECONDS } from './fetch-retries.ts';
import type { Fetches } from './fetches.ts';
import type { Imports } from './imports.ts';
import type { Intents } from './intents.ts';
import type { Sources, Way } from './sources.ts';

/** How long it is believed that there is nothing, and that a source is away. */
const ABSENT_MS = 30_000;
const AWAY_MS = 5_000;
const MAX_MISSES = 10_000;
/** A server that was killed holds an id no longer. */
const LEASE_SECONDS = 10;
/** Between two looks for what another process fetches. */
const LOOK_MS = 100;
const HOUR_MS = 3_600_000;

export interface PullsOptions {
  readonly sources: Sources;
  readonly fetches: Fetches;
  readonly imports: Imports;
  readonly intents: Pick<Intents, 'sendArrival'>;
  readonly blocks: Blocks;
  readonly originals: Objects;
  readonly records: Pick<Records, 'locks'>;
  /** By source. */
  readonly pace: HostPace;
  /** What an hour may bring of one source, to this process. */
  readonly hourly: { readonly ids: number; readonly bytes: number };
  /** After which a source is asked whether it has another version. */
  readonly maxAgeSeconds: number;
  readonly onFailure: (error: unknown, id: string) => void;
  readonly now: () => Date;
}

/** How what somebody waited for ended. */
export interface PullCounts {
  fetched: number;
  absent: number;
  refused: number;
  failed: number;
}

interface Hour {
  readonly begunMs: number;
  ids: number;
  bytes: number;
}

/** Brings originals here that somebody asks for, from the source that their id names. */
export class Pulls implements PullThrough {
  readonly counts: PullCounts = { fetched: 0, absent: 0, refused: 0, failed: 0 };
  readonly #options: PullsOptions;
  readonly #flights = new Map<string, Promise<void>>();
  readonly #misses = new LRUCache<string, Problem>(atMost(MAX_MISSES));
  readonly #hours = new Map<string, Hour>();
  readonly #asking = new Set<string>();

  constructor(options: PullsOptions) {
    this.#options = options;
  }

  async pull(id: string): Promise<boolean> {
    const way = this.#options.sources.wayTo(id);
    if (!way) return false;
    const miss = this.#misses.get(id);
    if (miss) throw miss;
    const flight = this.#flights.get(id) ?? this.#pull(id, way).finally(() => this.#flights.delete(id));
    this.#flights.set(id, flight);
    await flight;
    return true;
  }

  /** What was remembered of an id counts no more. */
  forget(id: string): void {
    this.#misses.delete(id);
  }

  seen(record: ImageRecord, etag: string | undefined): void {
    const { id, version } = record;
    if (record.source) this.#refresh(record);
    // In a bucket of others: nobody else may tell of it.
    const isOther = etag !== undefined && version !== undefined && version !== etag;
    if (isOther && this.#options.sources.isInPlace(id))
      this.#once(id, () => this.#options.intents.sendArrival(id, etag));
  }

  #refresh({ id, source, owed }: ImageRecord): void {
    const { sources, imports, maxAgeSeconds, now } = this.#options;
    const { checkedAt = '', notBefore = '' } = source ?? {};
    const [, last = ''] = [checkedAt, notBefore].toSorted();
    const [lastMs, nowMs] = [Date.parse(last), now().getTime()];
    const isFresh = lastMs + maxAgeSeconds * 1000 > nowMs && !isSetBack(lastMs, nowMs, MOST_PAUSE_SECONDS);
    if (owed?.fetch || isFresh || !sources.wayTo(id)) return;
    this.#once(id, () => imports.refresh(id));
  }

  /** In the background, unless it is under way already. */
  #once(id: string, ask: () => Promise<void>): void {
    if (this.#asking.has(id)) return;
    this.#asking.add(id);
    const asked = ask().catch((error: unknown) => this.#options.onFailure(error, id));
    void asked.finally(() => this.#asking.delete(id));
  }

  /** @throws Problem `image_not_found` */
  async #refuseBlocked(id: string): Promise<void> {
    if (await this.#options.blocks.isBlocked(id)) throw notFound(id);
  }

  async #pull(id: string, way: Way): Promise<void> {
    try {
      await this.#refuseBlocked(id);
      await this.#alone(id, () => this.#fetch(id, way));
    } catch (error) {
      const problem = problemOf(id, error);
      this.counts[endOf(problem)] += 1;
      // Of our own stores nothing is remembered: they say so themselves.
      const ttl = problem?.status === 503 ? 0 : problem?.code === 'source_error' ? AWAY_MS : ABSENT_MS;
      if (problem && ttl > 0) this.#misses.set(id, problem, { ttl });
      throw problem ?? error;
    }
  }

  /** By a lock in the records: of all processes one fetches, and the others find what it has stored. */
  async #alone(id: string, work: () => Promise<void>): Promise<void> {
    const { originals } = this.#options;
    const { locks } = this.#options.records;
    const [name, owner] = [`pull ${id}`, randomUUID()];
    const hold = () => locks.lease(name, owner, LEASE_SECONDS);
    while (!(await hold())) {
      if (await originals.head(id)) return;
      await sleep(LOOK_MS);
    }
    const end = keepHeld(LEASE_SECONDS, hold);
    try {
      if (!(await originals.head(id))) await work();
    } finally {
      end();
      await locks.release(name, owner);
    }
  }

  async #fetch(id: string, way: Way): Promise<void> {
    const { fetches, pace } = this.#options;
    const hour = this.#hourOf(way.source);
    const waitMs = pace.tryEnter(way.source);
    if (waitMs > 0) throw tooMuch(way, Math.ceil(waitMs / 1000));
    try {
      hour.bytes += await fetches.pull(id, way, () => this.#refuseBlocked(id));
      hour.ids += 1;
      this.counts.fetched += 1;
    } finally {
      pace.leave(way.source);
    }
  }

  /** @throws Problem `overloaded` where it has brought all that it may */
  #hourOf(name: string): Hour {
    const { hourly, now } = this.#options;
    const nowMs = now().getTime();
    const last = this.#hours.get(name);
    const isLast = last && last.begunMs + HOUR_MS > nowMs && !isSetBack(last.begunMs, nowMs);
    const hour = isLast ? last : { begunMs: nowMs, ids: 0, bytes: 0 };
    this.#hours.set(name, hour);
    if (hour.ids < hourly.ids && hour.bytes < hourly.bytes) return hour;
    throw tooMuch({ source: name }, Math.ceil((hour.begunMs + HOUR_MS - nowMs) / 1000));
  }
}

function tooMuch({ source }: Pick<Way, 'source'>, retryAfterSeconds: number): Problem {
  const detail = `The source "${source}" brings no further pictures just now; those that are here are served.`;
  return new Problem('overloaded', detail, { retryAfterSeconds });
}

function endOf(problem: Problem | undefined): Exclude<keyof PullCounts, 'fetched'> {
  if (problem?.code === 'image_not_found') return 'absent';
  return problem?.code === 'overloaded' ? 'refused' : 'failed';
}

/** What a viewer is told; undefined for what nobody expected. */
function problemOf(id: string, error: unknown): Problem | undefined {
  if (!isProblem(error)) return undefined;
  if (error.code === 'source_absent') return notFound(id);
  // The address is the deployment's own business, and may name hosts that nobody is to know.
  if (error.code === 'source_error' || error.code === 'source_refused')
    return new Problem(error.code, `The source of "${id}" does not answer as it should.`, {}, error);
  // Of an address that was made of the id: nobody else has written one.
  if (error.facts.param === 'url')
    return new Problem('source_refused', `The source of "${id}" is not asked for so long an id.`, {}, error);
  // Who looks at a picture has uploaded nothing.
  if (error.code === 'upload_too_large') {
    const detail = `The original of "${id}" has more than ${error.facts.allowed}.`;
    return new Problem('source_too_large', detail, { allowed: error.facts.allowed }, error);
  }
  return error;
}
