import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Problem } from '../../shared/errors.ts';
import { linger } from './linger.ts';

const WINDOW_SECONDS = 10;

/**
 * Does `work`, which takes in a body, from its first bytes on and as long as they keep coming. An answer may come before
 * the client has sent everything.
 *
 * @param rate  bytes a second, over any ten seconds; 0: any
 * @throws Problem `request_timeout`; what `work` waits for then ends with the connection
 */
export async function receiving<T>(
  request: IncomingMessage,
  rate: number,
  work: () => Promise<T>,
): Promise<T> {
  try {
    await firstBytes(request);
    return await (rate === 0 ? work() : paced(request, rate, work));
  } finally {
    linger(request);
  }
}

/** Resolves when something of the body is there, or nothing will come: until then a sender costs a socket, no slot. */
async function firstBytes(request: IncomingMessage): Promise<void> {
  if (request.readableLength > 0 || request.readableEnded || request.destroyed) return;
  const seen = new AbortController();
  const events = ['readable', 'close'].map((name) => once(request, name, { signal: seen.signal }));
  for (const event of events) event.catch(() => undefined);
  await Promise.race(events);
  seen.abort();
}

async function paced<T>(request: IncomingMessage, rate: number, work: () => Promise<T>): Promise<T> {
  const slow = Promise.withResolvers<never>();
  const { socket } = request;
  let before = socket.bytesRead;
  const timer = setInterval(() => {
    // What has come and was not taken yet is our delay, not the sender's.
    const isOurs = request.readableFlowing === false || request.readableLength > 0 || request.complete;
    const isSlow = !isOurs && socket.bytesRead - before < rate * WINDOW_SECONDS;
    before = socket.bytesRead;
    if (isSlow) slow.reject(tooSlow(rate));
  }, WINDOW_SECONDS * 1000);
  try {
    return await Promise.race([work(), slow.promise]);
  } finally {
    clearInterval(timer);
  }
}

function tooSlow(rate: number): Problem {
  const detail = `An upload must bring ${rate} bytes a second; over ${WINDOW_SECONDS} s this one did not.`;
  return new Problem('request_timeout', detail, { allowed: `${rate} bytes a second` });
}
