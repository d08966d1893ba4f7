/** What HTTP alone costs a render: node:http, a file, sharp; the file's path is the URL's. */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { configureSharp } from '../server/core/sharp/configure.ts';
import { renderBare } from './bare-sharp.ts';
import { report } from './child.ts';

configureSharp();
const server = createServer({ keepAliveTimeout: 65_000 }, async (request, response) => {
  const picture = await renderBare(await readFile(decodeURIComponent(request.url ?? '')));
  response.writeHead(200, { 'Content-Type': 'image/webp', 'Content-Length': picture.length }).end(picture);
});
server.listen(0, '127.0.0.1', () => report((server.address() as AddressInfo).port));
