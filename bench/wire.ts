import { once } from 'node:events';
import net from 'node:net';

export interface Received {
  /** From the first byte that was sent to the last that came. */
  readonly ms: number;
  /** Status line and headers. */
  readonly head: string;
}

/**
 * One connection, kept alive, that does the least that HTTP needs: what is measured is the server, and an HTTP client
 * in JavaScript takes half a millisecond for itself.
 */
export class Wire {
  readonly #socket: net.Socket;
  readonly #host: string;

  private constructor(socket: net.Socket, host: string) {
    this.#socket = socket;
    this.#host = host;
  }

  static async connect(port: number): Promise<Wire> {
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    return new Wire(socket, `127.0.0.1:${port}`);
  }

  /** One at a time. @throws Error unless the answer is a 200 with a Content-Length */
  get(path: string): Promise<Received> {
    const socket = this.#socket;
    const started = performance.now();
    let [head, bytes, wanted] = ['', 0, Number.POSITIVE_INFINITY];
    return new Promise((resolve, reject) => {
      const read = (chunk: Buffer) => {
        bytes += chunk.length;
        if (wanted === Number.POSITIVE_INFINITY) {
          const end = chunk.indexOf('\r\n\r\n');
          if (end < 0) return reject(new Error(`${path}: the head came in pieces`));
          head = chunk.toString('latin1', 0, end);
          wanted = end + 4 + Number(/^content-length: (\d+)$/im.exec(head)?.[1]);
          if (!head.startsWith('HTTP/1.1 200 ') || Number.isNaN(wanted))
            return reject(new Error(`${path}: ${head}`));
        }
        if (bytes < wanted) return;
        socket.off('data', read);
        resolve({ ms: performance.now() - started, head });
      };
      socket.on('data', read);
      socket.write(`GET ${path} HTTP/1.1\r\nHost: ${this.#host}\r\n\r\n`);
    });
  }

  close(): void {
    this.#socket.destroy();
  }
}
