import { LRUCache } from 'lru-cache';
import {
  type Asked,
  EVERY_FORM,
  isSampled,
  pairKey,
  prefixOf,
  readDemand,
  SAMPLED_OF,
} from '../reading/demand.ts';
import type { Counter } from '../shared/space-saving.ts';
import type { Records } from '../stores/stores.ts';

/** Where fewer were asked for, shares say nothing yet. */
export const LEAST_ASKED = 50;
/** What new images are warmed by is at most so old. */
const KEPT_MS = 60_000;
/** Prefixes that a report shows. */
const PREFIXES_SHOWN = 20;

export interface WarmSetOptions {
  readonly progress: Pick<Records['progress'], 'get'>;
  /** Forms that every new image gets, whatever is asked for. */
  readonly fixed: readonly string[];
  /** Whether those that are asked for are added to them. */
  readonly isLearned: boolean;
  /** Of all that is asked for, 0-1: forms of less are not warmed. */
  readonly leastShare: number;
  readonly mostForms: number;
  readonly halfLifeDays: number;
  /** Whether results are read past the servers, which then hear of what is not warm alone. */
  readonly isBehindEdge: boolean;
  /** Whether this deployment serves a form: what was allowed last week may not be today. */
  readonly isServed: (form: string) => boolean;
  /** Unix ms. */
  readonly now: () => number;
}

/** A form that is asked for, and what it takes. */
export interface AskedForm {
  readonly variant: string;
  /** Of all that is asked for, 0-1. */
  readonly share: number;
  readonly isWarmed: boolean;
  /** Of a render, mean; undefined where it was rendered by nobody who waited for it. */
  readonly ms: number | undefined;
  /** Of an answer, mean. */
  readonly bytes: number;
}

/** What warming comes to. */
export interface WarmSet {
  /** First visits that were counted; those of a half-life ago count half. */
  readonly asked: number;
  /** Most asked for first. */
  readonly forms: readonly AskedForm[];
  /** What each new image would cost. */
  readonly perImage: { readonly variants: number; readonly ms: number; readonly bytes: number };
  /** The share of first visits that would find their picture made, and the ms that a first visit would wait less for, mean. */
  readonly saves: { readonly share: number; readonly ms: number };
}

export interface WarmSetReport extends WarmSet {
  readonly isUsed: boolean;
  /** Where enough is asked for under a prefix, its own set is that of its new images. */
  readonly prefixes: readonly (WarmSet & { readonly prefix: string })[];
}

/** Which forms new images are warmed in: those that are set, and those that pages ask for these days. */
export class WarmSets {
  readonly #options: WarmSetOptions;
  /** Entry `asked`: read once for all images of a minute. */
  readonly #cache: LRUCache<'asked', Asked>;

  constructor(options: WarmSetOptions) {
    this.#options = options;
    this.#cache = new LRUCache({
      max: 1,
      ttl: KEPT_MS,
      fetchMethod: () => readDemand(options.progress, options),
    });
  }

  /** Canonical forms of a new image, the ones that were set first. */
  async formsFor(id: string): Promise<readonly string[]> {
    const { fixed, isLearned, isBehindEdge } = this.#options;
    if (!isLearned || (isBehindEdge && isSampled(id))) return fixed;
    const asked = await this.#cache.fetch('asked');
    if (!asked) return fixed;
    const prefix = prefixOf(id);
    const own = prefix === undefined ? undefined : this.#ofPrefix(asked, prefix);
    const { forms } = own && own.asked >= LEAST_ASKED ? own : this.#ofAll(asked);
    const learned = forms.filter(({ isWarmed }) => isWarmed).map(({ variant }) => variant);
    return [...new Set([...fixed, ...learned])];
  }

  async report(): Promise<WarmSetReport> {
    const asked = await readDemand(this.#options.progress, this.#options);
    const prefixes = asked.pairs.entries.flatMap(([key]) =>
      key.endsWith(`\n${EVERY_FORM}`) ? [key.slice(0, -2)] : [],
    );
    return {
      isUsed: this.#options.isLearned,
      ...this.#ofAll(asked),
      prefixes: prefixes
        .slice(0, PREFIXES_SHOWN)
        .map((prefix) => ({ prefix, ...this.#ofPrefix(asked, prefix) })),
    };
  }

  #ofAll({ forms, total }: Asked): WarmSet {
    return this.#set(forms.entries, total);
  }

  #ofPrefix({ pairs }: Asked, prefix: string): WarmSet {
    const start = pairKey(prefix, '');
    const all = pairs.get(pairKey(prefix, EVERY_FORM));
    const forms = pairs.entries.flatMap(([key, counter]): [string, Counter][] =>
      key.startsWith(start) && key !== pairKey(prefix, EVERY_FORM)
        ? [[key.slice(start.length), counter]]
        : [],
    );
    return this.#set(forms, all ? sure(all) : 0);
  }

  /** @param heard  of all forms */
  #set(entries: readonly (readonly [string, Counter])[], heard: number): WarmSet {
    const { leastShare, mostForms, isServed } = this.#options;
    const sorted = entries
      .map(([variant, counter]) => ({ variant, counter, times: this.#times(counter) }))
      .toSorted((a, b) => b.times - a.times);
    const unheard = sorted.reduce((sum, { times, counter }) => sum + times - sure(counter), 0);
    const total = heard + unheard;
    let room = total >= LEAST_ASKED ? mostForms : 0;
    const forms = sorted.map(({ variant, counter, times }): AskedForm => {
      const share = Math.min(1, times / total);
      const isWarmed = room > 0 && share >= leastShare && isServed(variant);
      if (isWarmed) room -= 1;
      const [renders = 0, ms = 0, bytes = 0] = counter.sums;
      return {
        variant,
        share,
        isWarmed,
        ms: renders > 0 ? ms / renders : undefined,
        bytes: bytes / Math.max(1, sure(counter)),
      };
    });
    return { asked: total, forms, ...worth(forms.filter(({ isWarmed }) => isWarmed)) };
  }

  /** How often a form was asked for: behind an edge as often as the sampled images let expect, where that is more. */
  #times(counter: Counter): number {
    const sampled = counter.sums[3] ?? 0;
    return this.#options.isBehindEdge ? Math.max(sure(counter), SAMPLED_OF * sampled) : sure(counter);
  }
}

/** How often it came at least: a form that others have pushed up is not taken for a wanted one. */
const sure = ({ count, error }: Counter): number => count - error;

function worth(warmed: readonly AskedForm[]): Pick<WarmSet, 'perImage' | 'saves'> {
  const sum = (of: (form: AskedForm) => number) => warmed.reduce((total, form) => total + of(form), 0);
  return {
    perImage: {
      variants: warmed.length,
      ms: sum(({ ms = 0 }) => ms),
      bytes: sum(({ bytes }) => bytes),
    },
    saves: { share: sum(({ share }) => share), ms: sum(({ share, ms = 0 }) => share * ms) },
  };
}
