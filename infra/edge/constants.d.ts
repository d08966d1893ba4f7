import type { Squeezed } from './expand.ts';

/** What build.ts writes into the bundle. */
declare global {
  /** The table of parameters as JSON, with ' for " and the short names of build.ts. */
  const __RULES__: Squeezed;
  /** Names of the parameters that take colours. */
  const __COLORED__: readonly string[];
  /** Whether every URL must be signed. */
  const __SIGNED__: boolean;
}
