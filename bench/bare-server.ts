/**
 * The yardstick: node:http that sends one body with the headers that it is sent over once, from an LRU, or from a file
 * that it opens, reads and closes for each request (BARE_FILE).
 */
import { open } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import { LRUCache } from 'lru-cache';

interface Page {
  readonly body: Buffer;
  readonly headers: Record<string, string>;
}

const { COPY_OF = '', BARE_FILE: file, PORT = '0' } = process.env;

async function copyOf(url: string): Promise<Page> {
  const source = await fetch(url);
  const body = Buffer.from(await source.arrayBuffer());
  const kept = [...source.headers].filter(([name]) => !/^(date|connection|keep-alive)$/.test(name));
  return { body, headers: Object.fromEntries(kept) };
}

async function sendFile(path: string, { headers, body }: Page, response: ServerResponse): Promise<void> {
  const handle = await open(path);
  const bytes = Buffer.allocUnsafe(body.length);
  await handle.read(bytes, 0, bytes.length, 0);
  await handle.close();
  response.writeHead(200, headers);
  response.end(bytes);
}

const page = await copyOf(COPY_OF);
const { pathname, search } = new URL(COPY_OF);
const pages = new LRUCache<string, Page>({ max: 1000 });
pages.set(pathname + search, page);

const server = createServer({ keepAliveTimeout: 65_000 }, (request, response) => {
  const found = pages.get(request.url ?? '');
  if (!found) {
    response.writeHead(404).end();
    return;
  }
  if (file) {
    void sendFile(file, found, response);
    return;
  }
  response.writeHead(200, found.headers);
  response.end(found.body);
});
server.listen(Number(PORT), '127.0.0.1', () => process.stdout.write('listening\n'));
process.on('SIGTERM', () => process.exit(0));
