import type { Squeezed } from './expand.ts';

/** What build.ts writes into the bundle. */
declare global {
  /** The table of parameters as JSON, with ' for " and the short names of build.ts. */
  const __RULES__: Squeezed;
  /** Names of the parameters that take colours. */
  const __COLORED__: readonly string[];
  /** Values of the KeyValueStore that hold the colour names together. */
  const __COLOR_PIECES__: number;
  /** Whether every URL must be signed. */
  const __SIGNED__: boolean;
}
