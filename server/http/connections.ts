import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const LOOK_MS = 20;
/** How long a request that has begun to come in may go on doing so, ms. */
const HEAD_MS = 2_000;

/**
 * The open connections of a server, to be rid of those that nothing happens on. `closeIdleConnections` leaves
 * those that never sent a request: a browser's spare one, a health check of the TCP kind.
 */
export class Connections {
  readonly #server: Server;
  /** Each with the last answer on it. */
  readonly #latest = new Map<Socket, ServerResponse | undefined>();

  constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket) => {
      this.#latest.set(socket, undefined);
      socket.once('close', () => this.#latest.delete(socket));
    });
    server.on('request', ({ socket }, response) => this.#latest.set(socket, response));
  }

  /** Resolves when none is open any more, at the latest after `ms`. */
  async untilNone(ms: number): Promise<void> {
    const end = performance.now() + ms;
    while (this.#latest.size > 0 && performance.now() < end) await sleep(LOOK_MS);
  }

  /** @param sinceMs  how long this has been done by now */
  closeIdle(sinceMs: number): void {
    this.#server.closeIdleConnections();
    for (const [socket, answer] of this.#latest) {
      const isIdle = answer === undefined || answer.closed;
      if (isIdle && (socket.bytesRead === 0 || sinceMs > HEAD_MS)) socket.destroy();
    }
  }
}
