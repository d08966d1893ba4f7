import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { Edge } from './edge.ts';
import { type Answer, plainHeaders, type ViewerRequest } from './message.ts';

export interface Listening {
  readonly base: string;
  close(): void;
}

/** Longer than any client keeps a connection that it does not use: which of both ends it is left to the client. */
const KEEP_ALIVE_MS = 600_000;

async function listening(server: Server, port: number): Promise<Listening> {
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const { port: taken } = server.address() as AddressInfo;
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { base: `http://127.0.0.1:${taken}`, close };
}

async function viewerRequest(request: IncomingMessage): Promise<ViewerRequest> {
  const [path = '/', ...rest] = (request.url ?? '/').split('?');
  const body = await buffer(request);
  return {
    method: request.method ?? 'GET',
    path,
    query: rest.join('?'),
    headers: plainHeaders(request),
    address: request.socket.remoteAddress ?? '127.0.0.1',
    ...(body.length > 0 ? { body } : {}),
  };
}

function send(response: ServerResponse, { status, headers, body }: Answer, isHead: boolean): void {
  const length = isHead || status === 304 || status === 204 ? {} : { 'content-length': body.length };
  response.writeHead(status, { ...headers, ...length });
  response.end(body);
}

/** The edge as viewers reach it, but without TLS. */
export function listenForViewers(edge: Edge, port: number): Promise<Listening> {
  const server = createServer((request, response) => {
    viewerRequest(request)
      .then((asked) => edge.answer(asked))
      .then(
        (answer) => send(response, answer, request.method === 'HEAD'),
        (error: unknown) => response.writeHead(500).end(String(error)),
      );
  });
  return listening(server, port);
}

const INVALIDATION = /^\/2020-05-31\/distribution\/([^/]+)\/invalidation$/;

const unescaped = (text: string): string =>
  text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&');

function invalidated(edge: Edge, distribution: string, xml: string): string {
  const paths = [...xml.matchAll(/<Path>([^<]*)<\/Path>/g)].map(([, path = '']) => unescaped(path));
  edge.invalidate(paths);
  return `<?xml version="1.0"?><Invalidation xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/"><Id>I${distribution}</Id><Status>Completed</Status></Invalidation>`;
}

/** CreateInvalidation of CloudFront's API, for AWS_ENDPOINT_URL_CLOUDFRONT of the programs. */
export function listenForInvalidations(edge: Edge): Promise<Listening> {
  const server = createServer((request, response) => {
    const [, distribution] = INVALIDATION.exec(request.url ?? '') ?? [];
    if (request.method !== 'POST' || distribution === undefined) return void response.writeHead(404).end();
    buffer(request).then((body) => {
      const answer = invalidated(edge, distribution, body.toString());
      response.writeHead(201, { 'content-type': 'text/xml' }).end(answer);
    });
  });
  return listening(server, 0);
}
