import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { Test } from 'tap';
import { addressOf } from './ports.ts';

export interface Receiver {
  calls: {
    body: string;
    headers: IncomingHttpHeaders;
    /** Whether the caller still waits. */
    isOpen: () => boolean;
  }[];
  url: string;
}

/** A server that remembers what it was sent and answers with the next of `statuses`, then 200; never with 0. */
export async function receiver(t: Test, statuses: number[] = []): Promise<Receiver> {
  const calls: Receiver['calls'] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    calls.push({ body, headers: request.headers, isOpen: () => !response.closed });
    const status = statuses.shift() ?? 200;
    if (status) response.writeHead(status, { location: 'http://127.0.0.1:1/' }).end('<x/>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close().closeAllConnections());
  const { port } = addressOf(server);
  return { calls, url: `http://127.0.0.1:${port}/hook` };
}
