/**
 * Number of the pipeline. Raise it when the same query gives other bytes on purpose (a codec, a default, the
 * order of work): results of another number are rendered again. The changelog says so.
 */
export const PIPELINE = '7';
