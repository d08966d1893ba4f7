import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';

/**
 * What becomes of an answer: `stall` never comes, `reset` ends the connection, `cut` breaks off in the middle of its
 * body, `short` has half of its body and says so, `flip` has one bit of its body changed, `fail` is a 500 that never
 * reached the store, `lose` ends the connection once the store has answered.
 */
export type Fault = 'stall' | 'reset' | 'cut' | 'short' | 'flip' | 'fail' | 'lose';

/** A wire between a program and a store. */
export interface Wire {
  readonly endpoint: string;
  /** Of the requests that it is true of; undefined: of none. */
  fault: { readonly kind: Fault; readonly hits: (method: string, url: string) => boolean } | undefined;
  /** Requests that wait for an answer that never comes. */
  readonly stalled: number;
  /** Answers that were not what the store had sent. */
  readonly harmed: number;
  stop(): Promise<void>;
}

/** @param target  URL of the store */
export async function startWire(target: string): Promise<Wire> {
  let [stalled, harmed] = [0, 0];
  const server = createServer((incoming, outgoing) => {
    pass(incoming, outgoing).catch(() => outgoing.destroy());
  });
  const pass = async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const { method = 'GET', url = '/', headers } = incoming;
    const kind = wire.fault?.hits(method, url) ? wire.fault.kind : undefined;
    if (kind) harmed += 1;
    if (kind === 'reset') return void incoming.socket.resetAndDestroy();
    if (kind === 'stall') {
      stalled += 1;
      incoming.socket.once('close', () => {
        stalled -= 1;
      });
      return void incoming.resume();
    }
    if (kind === 'fail') return void outgoing.writeHead(500).end();
    const forwarded = request(new URL(url, target), { method, headers });
    incoming.pipe(forwarded);
    const [answer]: IncomingMessage[] = await once(forwarded, 'response');
    if (kind === 'lose') {
      answer?.resume();
      return void incoming.socket.resetAndDestroy();
    }
    if (answer) send(answer, await buffer(answer), outgoing, kind);
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const wire: Wire = {
    endpoint: `http://127.0.0.1:${port}`,
    fault: undefined,
    get stalled() {
      return stalled;
    },
    get harmed() {
      return harmed;
    },
    stop: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
  return wire;
}

function send(answer: IncomingMessage, body: Buffer, outgoing: ServerResponse, kind?: Fault): void {
  const half = body.subarray(0, Math.floor(body.length / 2));
  if (kind === 'flip' && body.length) body.writeUInt8(body.readUInt8(half.length) ^ 1, half.length);
  const { 'transfer-encoding': _chunked, ...headers } = answer.headers;
  const length = answer.headers['content-length'] ?? String(body.length);
  outgoing.writeHead(answer.statusCode ?? 500, {
    ...headers,
    'content-length': kind === 'short' ? String(half.length) : length,
  });
  if (kind === 'cut') outgoing.write(half, () => outgoing.destroy());
  else outgoing.end(kind === 'short' ? half : body);
}
