import type { Page } from './page.ts';

/** `expired`: was ready; its result went with the lifetime of results, or is of a former pipeline. */
export const VARIANT_STATUSES = ['queued', 'rendering', 'ready', 'failed', 'skipped', 'expired'] as const;

export type VariantStatus = (typeof VARIANT_STATUSES)[number];

/** Canonical forms, and the texts by which callers asked for each, the oldest first. */
export type Requested = Readonly<Record<string, readonly string[]>>;

/** Texts that are kept of a variant: the last ones. */
export const MAX_REQUESTED = 10;

/** How many variants an image has, and how many of them are under way no more. */
export interface VariantCounts {
  done: number;
  total: number;
}

/** What a status came with. */
export interface VariantOutcome {
  bytes?: number;
  ms?: number;
  error?: string;
  /** Of a result: the pipeline that made it. Absent also where an older program wrote the record. */
  epoch?: string;
  /** Of a result: from when on its store may remove it, as toISOString writes it. Absent: never. */
  expires?: string;
  /** Of one whose bytes are those of another canonical form: the result lies there. */
  sameAs?: string;
}

export interface VariantRecord extends VariantOutcome {
  id: string;
  /** Canonical form, format resolved. */
  variant: string;
  status: VariantStatus;
  /** The original's version that this status speaks of. */
  version: string;
  attempts: number;
  /** When it was last queued; attempts do not move it. As toISOString writes it. */
  queuedAt: string;
  /** By which texts callers asked for it, the oldest first. Absent: by none, as of a default. Never removed by a change. */
  requested?: readonly string[];
  updatedAt: string;
}

/** What is told of an outcome is told of the new status: what is not given here is removed. */
export interface VariantChange extends VariantOutcome {
  status: VariantStatus;
  /** Adds one to `attempts`. */
  attempt?: boolean;
}

/** One of many changes, as `VariantRecords.update` takes it. */
export interface VariantUpdate {
  readonly variant: string;
  readonly version: string;
  readonly from: readonly VariantStatus[];
  readonly change: VariantChange;
}

export interface VariantRecords {
  /** All variants of an image, ascending by canonical form; [] when it is gone. */
  list(id: string): Promise<VariantRecord[]>;
  /** The same by pages of `limit`; `next` is absent on the last. */
  page(id: string, page: { limit: number; cursor?: string }): Promise<Page<VariantRecord>>;
  /**
   * Puts each variant to `queued` for `version`, attempts 0, unless one is there for the same version that is
   * none of `failed`, `skipped` and `expired`. Resolves to the named variants, in that order, as they now stand; [] when the image is gone.
   *
   * @param requested  texts that are added to those of each variant, be it queued already
   */
  queue(
    id: string,
    version: string,
    variants: readonly string[],
    requested?: Requested,
  ): Promise<VariantRecord[]>;
  /** Of each image, in their order; none of one that is gone. Of several they may lag a moment behind writes, as lists do. */
  counts(ids: readonly string[]): Promise<VariantCounts[]>;
  /**
   * Forward only: applies `change` if the variant exists for `version` and its status is one of `from`.
   * False when not, and nothing is written.
   */
  update(
    id: string,
    variant: string,
    version: string,
    from: readonly VariantStatus[],
    change: VariantChange,
  ): Promise<boolean>;
  /** Each as `update`, many at a time and not as one; resolves to what each was told, in their order. */
  updateAll(id: string, updates: readonly VariantUpdate[]): Promise<boolean[]>;
  /** Forgets variants, many at a time and not as one. Absent ones are no error. */
  remove(id: string, variants: readonly string[]): Promise<void>;
}
