import { randomUUID } from 'node:crypto';
import { isSetBack } from '../shared/set-back.ts';
import type { ImageRecord } from '../stores/images.ts';
import type { Records } from '../stores/stores.ts';
import type { VariantRecord } from '../stores/variants.ts';
import { EVICTED, isOver, type Lifetime } from '../warming/lifetime.ts';
import { currentVersion, isFinished } from '../warming/queue.ts';
import type { Intents } from './intents.ts';

export interface RewarmOptions {
  readonly records: Records;
  readonly intents: Pick<Intents, 'ask'>;
  readonly lifetime: Lifetime;
  /** Whether the result of a ready variant is no longer there, where a look costs next to nothing; elsewhere events tell of it. */
  readonly isGone?: ((variant: VariantRecord) => Promise<boolean>) | undefined;
  readonly now: () => Date;
}

export interface RoundOptions {
  /** Variants that are queued before the round ends; the image that reaches it is not cut. */
  readonly variants: number;
  /** Whether nobody has asked: the way through all images begins again only a day after it ended, and what had to make room is left. */
  readonly rests?: boolean;
  /** Asked between two images. */
  readonly isStopping?: () => boolean;
}

export interface RewarmRound {
  /** Images that were looked at. */
  readonly looked: number;
  readonly queued: number;
  /** Whether the last image was reached. */
  readonly done: boolean;
}

/** How far the way through all images has come. */
interface Position {
  /** Of the pipeline that it is for: another one begins it anew. */
  readonly epoch: string;
  readonly cursor?: string;
  readonly finishedAt?: string;
}

const NAME = 'rewarm';
/** Another one than that of the warmer which has the rounds: commands and servers do them too. */
const LEASE = 'rewarm round';
/** Longer than a page takes. */
const LEASE_SECONDS = 120;
const PAGE = 50;
/** Images of one round, in which each costs a read or two. */
const MOST_IMAGES = 1000;
/** Results expire by the day. */
const REST_MS = 24 * 60 * 60 * 1000;

/**
 * Makes again what was asked for and cannot be had any more, since its result has expired or is of a former pipeline:
 * round by round through all images, each of which goes on where the one before ended, whoever did that.
 */
export class Rewarm {
  readonly #options: RewarmOptions;
  readonly #owner = randomUUID();

  constructor(options: RewarmOptions) {
    this.#options = options;
  }

  /** @returns undefined while another process is at it */
  async round(options: RoundOptions): Promise<RewarmRound | undefined> {
    const { locks } = this.#options.records;
    if (!(await locks.lease(LEASE, this.#owner, LEASE_SECONDS))) return undefined;
    try {
      return await this.#round(options);
    } finally {
      await locks.release(LEASE, this.#owner);
    }
  }

  async #round({ variants, rests = false, isStopping = () => false }: RoundOptions): Promise<RewarmRound> {
    const { records } = this.#options;
    const position = await this.#position();
    if (rests && this.#isResting(position)) return { looked: 0, queued: 0, done: true };
    let { cursor } = position;
    let [looked, queued] = [0, 0];
    for (;;) {
      const { items, next } = await this.#page(cursor);
      for (const record of items) {
        if (isStopping() || queued >= variants) return { looked, queued, done: false };
        queued += await this.#again(record, !rests);
        looked += 1;
      }
      await this.#arrived(next);
      if (next === undefined) return { looked, queued, done: true };
      cursor = next;
      if (looked >= MOST_IMAGES) return { looked, queued, done: false };
      await records.locks.lease(LEASE, this.#owner, LEASE_SECONDS);
    }
  }

  async #page(cursor: string | undefined) {
    const { images, progress } = this.#options.records;
    try {
      return await images.list({ limit: PAGE, ...(cursor !== undefined && { cursor }) });
    } catch (error) {
      // A cursor that this store cannot read would stop us for ever.
      if (cursor !== undefined) await progress.put(NAME, JSON.stringify({ epoch: '' } satisfies Position));
      throw error;
    }
  }

  async #position(): Promise<Position> {
    const { records, lifetime } = this.#options;
    const written = await records.progress.get(NAME);
    // The parse boundary: nobody else writes this.
    const position = written === undefined ? undefined : (JSON.parse(written) as Position);
    return position?.epoch === lifetime.epoch ? position : { epoch: lifetime.epoch };
  }

  /** An image that came meanwhile stands before the cursor, and its results are new. */
  async #arrived(cursor: string | undefined): Promise<void> {
    const { records, lifetime, now } = this.#options;
    const place = cursor === undefined ? { finishedAt: now().toISOString() } : { cursor };
    const position: Position = { epoch: lifetime.epoch, ...place };
    await records.progress.put(NAME, JSON.stringify(position));
  }

  #isResting({ finishedAt }: Position): boolean {
    if (finishedAt === undefined) return false;
    const [endedMs, nowMs] = [Date.parse(finishedAt), this.#options.now().getTime()];
    return endedMs + REST_MS > nowMs && !isSetBack(endedMs, nowMs);
  }

  /** Queues what an image lacks; resolves to how many variants that were. */
  async #again(record: ImageRecord, isAsked: boolean): Promise<number> {
    const { records, intents, lifetime, isGone, now } = this.#options;
    const version = currentVersion(record);
    if (version === undefined) return 0;
    const isLacking = (one: VariantRecord) =>
      // What an older program wrote down says nothing: then its result is looked for.
      isOver(one, lifetime, now()) ||
      (one.status === 'expired' && (isAsked || one.error !== EVICTED)) ||
      (one.status === 'ready' && one.epoch === undefined);
    const items = await records.variants.list(record.id);
    const names: VariantRecord[] = [];
    for (const one of items.filter((item) => item.version === version))
      if (isLacking(one) || (one.status === 'ready' && (await isGone?.(one)))) names.push(one);
    if (names.length === 0) return 0;
    await intents.ask(record.id, { warm: names.map(({ variant }) => variant) }, (image) =>
      isFinished(image) ? { quiet: currentVersion(image) } : {},
    );
    return names.length;
  }
}
