import type { Requested } from '../stores/variants.ts';

/** Characters of a title. */
export const MAX_TITLE = 200;

/** What is said of an image beside its bytes. */
export interface Details {
  readonly title?: string | undefined;
  readonly description?: string | undefined;
  readonly collection?: string | undefined;
  readonly webhook?: string | undefined;
  /** Name of the feed that it is of; absent: of none. */
  readonly feed?: string | undefined;
  /** Canonical forms. */
  readonly variants?: readonly string[] | undefined;
  /** By which texts they were asked for. */
  readonly requested?: Requested | undefined;
}
