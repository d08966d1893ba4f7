/** What build.ts writes into the bundle. */
declare global {
  /** Rows of the parameters that pages write most; see rows.ts. */
  const __ROWS__: string;
  /** Where the KeyValueStore has all rows. */
  const __RULES__: string;
  /** Names of the rules that reading any query may take. */
  const __IMPLIED__: readonly string[];
  /** Names of the parameters that take colours. */
  const __COLORED__: readonly string[];
  /** Names that the deployment drops without a word, joined by commas. */
  const __IGNORED__: string;
  /** Whether `q` is `auto` where it is not said. */
  const __AUTO__: boolean;
  /** Whether every URL must be signed. */
  const __SIGNED__: boolean;
  /** See epochsAtEdge. */
  const __EPOCH__: string;
  const __MARKED__: string;
  /** The origin of those requests that the bucket cannot answer; '' where no bucket is asked. */
  const __SERVER__: string;
}

export {};
