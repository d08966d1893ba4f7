/** What both queues take as one body. */
const MAX_BYTES = 256 * 1024;

/** @throws  RangeError: callers split long lists, so a longer body is a mistake in our code */
export function checkBodies(bodies: readonly string[]): void {
  const longest = Math.max(0, ...bodies.map((body) => Buffer.byteLength(body)));
  if (longest > MAX_BYTES)
    throw new RangeError(`A job of ${longest} bytes; at most ${MAX_BYTES} are accepted.`);
}
