/**
 * The yardstick: node:http that sends one body with the headers that it is sent over once, from an LRU, from a file
 * that it opens, reads and closes for each request (BARE_FILE), or from an object of S3 that it gets for each (BARE_S3).
 */
import { open } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { LRUCache } from 'lru-cache';

interface Page {
  readonly body: Buffer;
  readonly headers: Record<string, string>;
}

const { COPY_OF = '', BARE_FILE: file, BARE_S3: endpoint, PORT = '0' } = process.env;
const { BARE_BUCKET: Bucket, BARE_KEY: Key } = process.env;

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

const s3 = endpoint === undefined ? undefined : new S3Client({ endpoint, forcePathStyle: true });

async function sendObject(client: S3Client, { headers }: Page, response: ServerResponse): Promise<void> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
  response.writeHead(200, headers);
  if (Body instanceof Readable) await pipeline(Body, response);
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
  if (s3) {
    // The generator leaves in the middle of its last answers.
    void sendObject(s3, found, response).catch(() => response.destroy());
    return;
  }
  response.writeHead(200, found.headers);
  response.end(found.body);
});
server.listen(Number(PORT), '127.0.0.1', () => process.stdout.write('listening\n'));
process.on('SIGTERM', () => process.exit(0));
