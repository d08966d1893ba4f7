/** The yardstick: node:http and a Map, with the body and headers that it is sent over once. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { report } from './child.ts';

const source = await fetch(process.env['COPY_OF'] ?? '');
const body = Buffer.from(await source.arrayBuffer());
const headers: Record<string, string> = {};
for (const [name, value] of source.headers)
  if (!/^(date|connection|keep-alive)$/.test(name)) headers[name] = value;
const known = new Map([[new URL(source.url).pathname + new URL(source.url).search, { body, headers }]]);

const server = createServer({ keepAliveTimeout: 65_000 }, (request, response) => {
  const found = known.get(request.url ?? '');
  if (!found) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, found.headers);
  response.end(found.body);
});
server.listen(0, '127.0.0.1', () => report((server.address() as AddressInfo).port));
