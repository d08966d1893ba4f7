/** The beginning of every name of a stage. */
export const prefixOf = (stage: string): string => `rendition-${stage}`;

/** A bucket of a stage: buckets of all accounts share their names. */
export const bucketName = (prefix: string, kind: string, account: string): string =>
  `${prefix}-${kind}-${account}`;

/** The table of a stage, whose copy in a second region has the same name. */
export const tableName = (prefix: string): string => `${prefix}-records`;
