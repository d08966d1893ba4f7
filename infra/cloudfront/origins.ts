import { Agent, request as httpRequest } from 'node:http';
import { buffer } from 'node:stream/consumers';
import type { Origin } from './distribution.ts';
import { type Answer, type Failure, type OriginRequest, plainHeaders, withoutHopByHop } from './message.ts';

const agent = new Agent({ keepAlive: true });

/** Where an origin of the distribution is in truth. */
export interface Place {
  /** Scheme, host and port, and what stands before every path. */
  readonly base: string;
  readonly connectionSeconds: number;
  readonly readSeconds: number;
}

/** One request; the time for the answer counts from packet to packet ("Response timeout"). */
export function askOnce(
  { base, connectionSeconds, readSeconds }: Place,
  asked: OriginRequest,
): Promise<Answer | Failure> {
  const { protocol, hostname, port, pathname } = new URL(base);
  const prefix = pathname === '/' ? '' : pathname;
  const path = `${prefix}${asked.path}${asked.query ? `?${asked.query}` : ''}`;
  return new Promise((resolve) => {
    const sent = httpRequest({
      agent,
      protocol,
      hostname,
      port,
      path,
      method: asked.method,
      headers: asked.headers,
    });
    const connecting = setTimeout(() => end('unreachable'), connectionSeconds * 1000);
    /** The answer has begun, or nobody waits for it any more. */
    let isSettled = false;
    const end = (failure: Failure) => {
      isSettled = true;
      clearTimeout(connecting);
      sent.destroy();
      resolve(failure);
    };
    sent.on('socket', (socket) => {
      const connected = () => {
        clearTimeout(connecting);
        sent.setTimeout(readSeconds * 1000, () => end('timeout'));
      };
      if (socket.connecting) socket.once('connect', connected);
      else connected();
    });
    sent.on('error', () => {
      if (isSettled) return;
      clearTimeout(connecting);
      // A connection that was kept may end in the moment in which it is used again: that says nothing of the origin.
      if (sent.reusedSocket) resolve(askOnce({ base, connectionSeconds, readSeconds }, asked));
      else end('unreachable');
    });
    sent.on('response', (response) => {
      isSettled = true;
      buffer(response).then(
        (body) => {
          clearTimeout(connecting);
          resolve({
            status: response.statusCode ?? 0,
            headers: withoutHopByHop(plainHeaders(response)),
            body,
          });
        },
        () => end('unreachable'),
      );
    });
    sent.end(asked.body);
  });
}

/** "Control origin timeouts and attempts": no connection is tried again, and so is no answer to a GET or HEAD. */
export async function askOrigin(
  origin: Origin,
  base: string,
  asked: OriginRequest,
): Promise<Answer | Failure> {
  const place = { base, connectionSeconds: origin.connectionSeconds, readSeconds: origin.readSeconds };
  let outcome: Answer | Failure = 'unreachable';
  for (let attempt = 0; attempt < origin.connectionAttempts && outcome === 'unreachable'; attempt++)
    outcome = await askOnce(place, asked);
  return outcome;
}
