import type { OutgoingJob } from './jobs.ts';

/** What both queues take as one body, and SQS as one batch. */
const MAX_BYTES = 256 * 1024;
const MAX_ENTRIES = 10;

/** What SQS takes as the delay of one job. */
export const MAX_DELAY_SECONDS = 900;

/** @throws  RangeError: callers split long lists, so a longer body is a mistake in our code; and so is a longer delay */
export function checked(jobs: readonly (string | OutgoingJob)[]): OutgoingJob[] {
  const outgoing = jobs.map((job) => (typeof job === 'string' ? { body: job } : job));
  const longest = Math.max(0, ...outgoing.map(({ body }) => Buffer.byteLength(body)));
  if (longest > MAX_BYTES)
    throw new RangeError(`A job of ${longest} bytes; at most ${MAX_BYTES} are accepted.`);
  const latest = Math.max(0, ...outgoing.map(({ delaySeconds = 0 }) => delaySeconds));
  if (latest > MAX_DELAY_SECONDS)
    throw new RangeError(`A delay of ${latest} s; at most ${MAX_DELAY_SECONDS} are accepted.`);
  return outgoing;
}

/** The jobs in order, cut where a batch would have too many or too much. */
export function batches(jobs: readonly OutgoingJob[]): OutgoingJob[][] {
  const result: OutgoingJob[][] = [];
  let bytes = 0;
  for (const job of jobs) {
    const batch = result.at(-1);
    bytes += Buffer.byteLength(job.body);
    if (batch && batch.length < MAX_ENTRIES && bytes <= MAX_BYTES) {
      batch.push(job);
    } else {
      result.push([job]);
      bytes = Buffer.byteLength(job.body);
    }
  }
  return result;
}
