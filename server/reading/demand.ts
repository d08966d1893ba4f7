import { hash } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { Flushed } from '../shared/periodic.ts';
import { type Counter, SpaceSaving } from '../shared/space-saving.ts';
import type { Records } from '../stores/stores.ts';
import type { Tier, Timings } from './answer.ts';

/** Forms that are told apart over all images: a page asks for some tens. */
const FORMS = 256;
/** Pairs of a prefix and a form, and prefixes by themselves. */
const PAIRS = 1024;
/** Longer ones are of one picture, not of a page. */
const MAX_FORM_LENGTH = 200;
const PERIOD_MS = 60_000;
const DAY_MS = 86_400_000;
/** Of the entry in the records. */
const NAME = 'demand';
/** What older programs cannot read begins anew. */
const FORMAT = 1;

/** What was asked for, over all images and by prefix of their ids. */
export interface Asked {
  readonly forms: SpaceSaving;
  /** Keys as pairKey makes them; a prefix by itself has the form `*`, which is none. */
  readonly pairs: SpaceSaving;
  readonly total: number;
}

/** Of a counter: how often it was rendered, the ms of that, the bytes that were answered, and how often of a sampled image. */
export type Sums = readonly [renders: number, ms: number, bytes: number, sampled: number];

/** One of so many images is sampled. */
export const SAMPLED_OF = 16;

/**
 * Whether an image is one of those that are warmed in nothing learned where an edge reads results itself: what it finds
 * there is asked for at no server, and every learned form would be forgotten because it is warm.
 */
export const isSampled = (id: string): boolean =>
  Number.parseInt(hash('sha1', id).slice(0, 4), 16) % SAMPLED_OF === 0;

export const EVERY_FORM = '*';
export const pairKey = (prefix: string, form: string): string => `${prefix}\n${form}`;

/** First segment of an id; undefined for one that has no other. */
export function prefixOf(id: string): string | undefined {
  const slash = id.indexOf('/');
  return slash < 0 ? undefined : id.slice(0, slash);
}

const nothing = (): Asked => ({
  forms: new SpaceSaving(FORMS),
  pairs: new SpaceSaving(PAIRS),
  total: 0,
});

/** What a request for a form was answered with. */
export interface Served {
  readonly id: string;
  /** Canonical form, format resolved. */
  readonly form: string;
  readonly tier: Tier;
  readonly timings: Timings;
  readonly bytes: number;
}

export interface DemandOptions {
  readonly progress: Pick<Records['progress'], 'update'>;
  /** Days after which what was asked for counts half. */
  readonly halfLifeDays: number;
  /** Unix ms. */
  readonly now: () => number;
  readonly onFailure: (error: unknown) => void;
}

/**
 * Counts which forms are asked for, and adds that to the records every minute.
 *
 * Only answers that memory did not have count: a render, or a read of a stored result. Those are the first visits of a
 * picture in a form, which are what warming spares; a picture that is asked for a million times from memory says nothing
 * of the next one. So a hit in memory is not touched by this, and nobody can make a form look wanted by asking for one
 * picture again and again.
 */
export class Demand extends Flushed {
  readonly #options: DemandOptions;
  #asked = nothing();
  #flushing: Promise<void> = Promise.resolve();
  #isFailing = false;

  constructor(options: DemandOptions) {
    super(PERIOD_MS);
    this.#options = options;
  }

  add({ id, form, tier, timings, bytes }: Served): void {
    const isFirst = tier === 'miss' || tier === 'stored';
    if (!isFirst || form.length > MAX_FORM_LENGTH) return;
    const { decode = 0, transform = 0, encode = 0 } = timings;
    const renders = tier === 'miss' ? 1 : 0;
    const sums: Sums = [renders, renders * (decode + transform + encode), bytes, isSampled(id) ? 1 : 0];
    const { forms, pairs, total } = this.#asked;
    forms.add(form, sums);
    this.#asked = { forms, pairs, total: total + 1 };
    const prefix = prefixOf(id);
    if (prefix === undefined) return;
    pairs.add(pairKey(prefix, EVERY_FORM), sums);
    pairs.add(pairKey(prefix, form), sums);
  }

  /** Adds what was counted since to what all processes have counted. Never rejects: what was not written is kept. */
  override flush(): Promise<void> {
    this.#flushing = this.#flushing.then(() => this.#flush());
    return this.#flushing;
  }

  async #flush(): Promise<void> {
    const { progress, halfLifeDays, now, onFailure } = this.#options;
    const counted = this.#asked;
    if (counted.total === 0) return;
    this.#asked = nothing();
    try {
      await progress.update(NAME, (before) =>
        written(mergedAsked(decayed(before, halfLifeDays, now()), counted), now()),
      );
      this.#isFailing = false;
    } catch (error) {
      this.#asked = mergedAsked(this.#asked, counted);
      // Servers of a second region may write nothing, ever: once is enough.
      if (!this.#isFailing) onFailure(error);
      this.#isFailing = true;
    }
  }
}

/** What all processes have counted, as it counts now. */
export async function readDemand(
  progress: Pick<Records['progress'], 'get'>,
  { halfLifeDays, now }: Pick<DemandOptions, 'halfLifeDays' | 'now'>,
): Promise<Asked> {
  return decayed(await progress.get(NAME), halfLifeDays, now());
}

const mergedAsked = (a: Asked, b: Asked): Asked => ({
  forms: a.forms.merged(b.forms),
  pairs: a.pairs.merged(b.pairs),
  total: a.total + b.total,
});

/** Count, error and sums behind the key. */
type Row = readonly [key: string, ...counter: number[]];
interface Entry {
  readonly format: number;
  /** When it was written, Unix ms. */
  readonly ms: number;
  readonly total: number;
  readonly forms: readonly Row[];
  readonly pairs: readonly Row[];
}

const rounded = (value: number): number => Math.round(value * 100) / 100;
const rows = (sketch: SpaceSaving): Row[] =>
  sketch.entries.map(([key, { count, error, sums }]) => [key, ...[count, error, ...sums].map(rounded)]);
const sketchOf = (places: number, from: readonly Row[]): SpaceSaving =>
  new SpaceSaving(
    places,
    from.map(([key, count = 0, error = 0, ...sums]): [string, Counter] => [key, { count, error, sums }]),
  );

/** Forms are much alike: a tenth of the bytes, which DynamoDB is paid by. */
function written({ forms, pairs, total }: Asked, ms: number): string {
  const entry: Entry = { format: FORMAT, ms, total: rounded(total), forms: rows(forms), pairs: rows(pairs) };
  return deflateRawSync(JSON.stringify(entry)).toString('base64');
}

/** What cannot be read, since another program has written it, is as if nothing had been asked for. */
function decayed(text: string | undefined, halfLifeDays: number, now: number): Asked {
  const entry = text === undefined ? undefined : read(text);
  if (entry?.format !== FORMAT) return nothing();
  // A clock that is behind makes nothing count for more.
  const factor = 0.5 ** (Math.max(0, now - entry.ms) / DAY_MS / halfLifeDays);
  return {
    forms: sketchOf(FORMS, entry.forms).scaled(factor),
    pairs: sketchOf(PAIRS, entry.pairs).scaled(factor),
    total: entry.total * factor,
  };
}

function read(text: string): Entry | undefined {
  try {
    // The parse boundary: what this program wrote is taken at its word.
    return JSON.parse(inflateRawSync(Buffer.from(text, 'base64')).toString()) as Entry;
  } catch {
    return undefined;
  }
}
