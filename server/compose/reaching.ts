/** Whoever does not take a connection within this is not there; the system would wait two minutes. */
const connectionTimeout = 3_000;
/** Longest silence of a service that took it, ms. Not a time for all of an answer: bodies may be large. */
const SILENCE_MS = 10_000;
/** The same for buckets: a body that is copied waits until two parts of 8 MiB are sent, over whatever line there is. */
const BUCKET_SILENCE_MS = 20_000;
/** Every slot of a warmer keeps a connection in a long poll; nothing else may wait behind those. */
const manySockets = { maxSockets: 1_000 };

/** Options of the clients of AWS. */
export const REACHING = { requestHandler: { connectionTimeout, socketTimeout: SILENCE_MS } };
/** The same for S3, whose calls without a body say themselves how long their answer may take. */
export const REACHING_BUCKET = {
  requestHandler: { connectionTimeout, socketTimeout: BUCKET_SILENCE_MS, throwOnRequestTimeout: true },
};
/** The same for SQS, where a long poll is silent by design and says itself how long it may take. */
export const REACHING_QUEUE = {
  requestHandler: {
    connectionTimeout,
    requestTimeout: SILENCE_MS,
    throwOnRequestTimeout: true,
    httpAgent: manySockets,
    httpsAgent: manySockets,
  },
};
