import type { IncomingMessage } from 'node:http';

/** Time for a client to see an early answer and stop sending. */
const LINGER_MS = 2000;

/**
 * Reads on what a client still sends after it was answered, for a while: closing at once would reset the
 * connection, and the client would lose the answer that tells why.
 */
export function linger(request: IncomingMessage): void {
  if (request.readableEnded) return;
  request.unpipe();
  request.resume();
  const timer = setTimeout(() => request.socket.destroy(), LINGER_MS);
  request.once('end', () => clearTimeout(timer));
  request.once('close', () => clearTimeout(timer));
}
