import type { ImageRecord } from '../stores/images.ts';
import type { Records } from '../stores/stores.ts';
import { updateWithRetry } from '../stores/update-record.ts';
import type { Library } from '../writing/library.ts';
import type { Feed } from './definition.ts';
import type { FeedStates, Held, Known, Shard } from './state.ts';
import type { Turn } from './turn.ts';

/** Of what a feed had, the part beyond which nothing vanishes unless a person says so. */
const MOST_VANISHING = 1 / 10;
/** What is told of those that would. */
const EXAMPLES = 10;
/** After which what has vanished is known no more; its image stays. */
const FORGET_MS = 90 * 86_400_000;

export interface VanishingOptions {
  readonly states: Pick<FeedStates, 'putShard'>;
  readonly records: Pick<Records, 'images'>;
  readonly library: Pick<Library, 'removeIf'>;
  readonly now: () => Date;
}

/** What becomes of images that their feed does not list any more. */
export class Vanishing {
  readonly #options: VanishingOptions;

  constructor(options: VanishingOptions) {
    this.#options = options;
  }

  /**
   * After all that is listed was dealt with: what was not has vanished. An answer that lists nothing lets nothing vanish,
   * whoever asks for it.
   *
   * @param letsGoOf  the run whose held pictures a person lets go; what is missing since counts like all else
   */
  async run(turn: Turn, letsGoOf = 0): Promise<{ vanished: number; held?: Held }> {
    const { feed, state, read, shards } = turn;
    const all = [...shards.values()].flatMap((shard) => Object.entries(shard));
    const isGone = ({ run, vanishedAt, isDeleted }: Known) => run !== state.run && !vanishedAt && !isDeleted;
    // What never gave a picture is no loss.
    const lost = all.filter(([, known]) => isGone(known) && hasPicture(known));
    const unsaid = lost.filter(([, { heldIn = Number.POSITIVE_INFINITY }]) => heldIn > letsGoOf);
    const isOld = (known: Known) => known.run === state.run && known.outcome !== 'new' && hasPicture(known);
    const had = lost.length + all.filter(([, known]) => isOld(known)).length;
    const isTooMuch = read.listing.pictures.size === 0 || unsaid.length > had * MOST_VANISHING;
    const isHeld = lost.length > 0 && isTooMuch && feed.vanished !== 'keep';
    for (const [number, shard] of shards) {
      const after = isHeld ? heldIn(shard, state.run, isGone) : await this.#after(turn, shard, isGone);
      if (after === undefined) continue;
      shards.set(number, after);
      await this.#options.states.putShard(feed.name, number, after);
    }
    if (!isHeld) return { vanished: lost.length };
    const examples = lost.slice(0, EXAMPLES).map(([id]) => id);
    return { vanished: 0, held: { vanished: lost.length, of: had, examples } };
  }

  /** Images that vanished once and are listed again. */
  async reappeared({ name }: Feed, pictures: readonly { readonly id: string }[]): Promise<void> {
    for (const { id } of pictures)
      await updateWithRetry(this.#options.records, id, ({ feed, vanishedAt }) =>
        feed !== name || vanishedAt === undefined ? undefined : { vanishedAt: undefined },
      );
  }

  /** The shard as it is then; undefined where nothing of it has vanished, or is to be forgotten. */
  async #after(
    { feed, state: { run }, signal }: Turn,
    shard: Shard,
    isGone: (known: Known) => boolean,
  ): Promise<Shard | undefined> {
    const now = this.#options.now();
    const after: Record<string, Known> = { ...shard };
    let isOther = false;
    for (const [id, known] of Object.entries(shard)) {
      signal.throwIfAborted();
      const isForgotten = Date.parse(known.vanishedAt ?? '') < now.getTime() - FORGET_MS;
      const isUnlisted = known.isDeleted && known.run !== run;
      if (!isGone(known) && !isForgotten && !isUnlisted) continue;
      isOther = true;
      delete after[id];
      if (!isGone(known)) continue;
      if (feed.vanished === 'delete') await this.#remove(feed, id, known);
      else {
        if (feed.vanished === 'mark') await this.#mark(feed, id, known);
        after[id] = { ...known, vanishedAt: now.toISOString() };
      }
    }
    return isOther ? after : undefined;
  }

  async #remove(feed: Feed, id: string, known: Known): Promise<void> {
    await this.#options.library.removeIf(id, (record) => isOfFeed(record, feed, known));
  }

  async #mark(feed: Feed, id: string, known: Known): Promise<void> {
    const vanishedAt = this.#options.now().toISOString();
    await updateWithRetry(this.#options.records, id, (record) =>
      isOfFeed(record, feed, known) && record.vanishedAt === undefined ? { vanishedAt } : undefined,
    );
  }
}

const hasPicture = ({ version }: Known): boolean => version !== undefined;

/**
 * Notes since which run what is gone is held. It is named by no document any more: else one that is what it was would name
 * it the next time. Undefined where nothing of the shard is to be noted.
 */
function heldIn(shard: Shard, run: number, isGone: (known: Known) => boolean): Shard | undefined {
  const isFirst = (known: Known) => isGone(known) && known.heldIn === undefined;
  if (!Object.values(shard).some(isFirst)) return undefined;
  const entries = Object.entries(shard).map(([id, known]): [string, Known] => {
    const { documents: _documents, ...rest } = known;
    return [id, isFirst(known) ? { ...rest, heldIn: run } : known];
  });
  return Object.fromEntries(entries);
}

/** Whether the original is what the feed brought: one that another feed lists, or somebody has replaced, is theirs. */
function isOfFeed({ feed, version, source }: ImageRecord, { name }: Feed, known: Known): boolean {
  if (feed !== name) return false;
  const isFetched = source?.url === known.from && source.version === version;
  return version === undefined || version === known.version || isFetched || known.isTried === true;
}
