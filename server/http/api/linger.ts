import type { IncomingMessage } from 'node:http';

/** Time for a client to see an early answer and stop sending. */
const LINGER_MS = 2000;

/**
 * Reads on what a client still sends after it was answered, for a while: closing at once would reset the
 * connection, and the client would lose the answer that tells why.
 *
 * Then the request ends with its connection. Node does not see to that once the answer is out: whoever still reads
 * the body would wait for it, and hold what it holds.
 */
export function linger(request: IncomingMessage): void {
  if (request.readableEnded) return;
  const { socket } = request;
  request.unpipe();
  request.resume();
  const end = () => request.destroy();
  const timer = setTimeout(end, LINGER_MS);
  socket.once('close', end);
  const forget = () => {
    clearTimeout(timer);
    socket.off('close', end);
  };
  request.once('end', forget);
  request.once('close', forget);
}
