import type { FastifyReply, FastifyRequest } from 'fastify';

/** Fires when the client leaves or the time is over. */
export function requestSignal(request: FastifyRequest, reply: FastifyReply, deadlineMs: number): AbortSignal {
  const ending = new AbortController();
  const end = (name: string, message: string) => ending.abort(new DOMException(message, name));
  // One controller: AbortSignal.any and .timeout keep theirs until the deadline, long after the answer.
  const timer = setTimeout(end, deadlineMs, 'TimeoutError', 'The time of this request is over.');
  reply.raw.once('close', () => {
    clearTimeout(timer);
    if (!reply.raw.writableFinished) end('AbortError', 'The client has left.');
  });
  if (request.raw.destroyed && !request.raw.complete) end('AbortError', 'The client has left.');
  return ending.signal;
}
