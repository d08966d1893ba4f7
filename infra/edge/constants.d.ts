import type { PackedTable } from './table.ts';

/** What build.ts writes into the bundle. */
declare global {
  const __TABLE__: PackedTable;
  /** Rules that another one looks at, by `$name` of that one. */
  const __IMPLIED__: Readonly<Record<string, readonly string[]>>;
  /** Names of the parameters that take colours. */
  const __COLORED__: readonly string[];
  /** Whether every URL must be signed. */
  const __SIGNED__: boolean;
  /** Origins in the order of those requests that the bucket cannot answer. */
  const __SERVER_FIRST__: { originId: string }[];
}
