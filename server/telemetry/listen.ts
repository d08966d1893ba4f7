import { once } from 'node:events';
import type { Server } from 'node:http';
import { createServer } from '../shared/node-http.ts';

interface Told {
  readonly status?: number;
  readonly type?: string;
  readonly body?: string;
}

/**
 * Answers health checks and Prometheus on a port of their own, for as long as the program runs for other reasons.
 *
 * @param pages  by path; anything else is 404
 * @returns      listening
 */
export async function listenFor(
  { port, host }: { port: number; host?: string },
  pages: Readonly<Record<string, () => Told | Promise<Told>>>,
): Promise<Server> {
  const server = createServer(async (request, response) => {
    const path = (request.url ?? '').split('?', 1)[0] ?? '';
    const page = Object.hasOwn(pages, path) ? pages[path] : undefined;
    const { status = 200, type, body } = (await page?.()) ?? { status: 404 };
    response.writeHead(status, type ? { 'Content-Type': type } : {}).end(body);
  });
  server.listen({ port, host }).unref();
  await once(server, 'listening');
  return server;
}
