/** What both queues take as one body, and SQS as one batch. */
const MAX_BYTES = 256 * 1024;
const MAX_ENTRIES = 10;

/** @throws  RangeError: callers split long lists, so a longer body is a mistake in our code */
export function checkBodies(bodies: readonly string[]): void {
  const longest = Math.max(0, ...bodies.map((body) => Buffer.byteLength(body)));
  if (longest > MAX_BYTES)
    throw new RangeError(`A job of ${longest} bytes; at most ${MAX_BYTES} are accepted.`);
}

/** The bodies in order, cut where a batch would have too many or too much. */
export function batches(bodies: readonly string[]): string[][] {
  const result: string[][] = [];
  let bytes = 0;
  for (const body of bodies) {
    const batch = result.at(-1);
    bytes += Buffer.byteLength(body);
    if (batch && batch.length < MAX_ENTRIES && bytes <= MAX_BYTES) {
      batch.push(body);
    } else {
      result.push([body]);
      bytes = Buffer.byteLength(body);
    }
  }
  return result;
}
