import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Test } from 'tap';
import { addressOf } from './ports.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** A server of somebody else: pictures with ETag and Last-Modified, 304, ranges, and whatever else is put there. */
export interface RemoteServer {
  /** Scheme, host and port, as IMPORT_HOSTS may have it. */
  readonly base: string;
  /** Paths of all requests so far, with what was answered. */
  readonly requests: {
    readonly path: string;
    readonly status: number;
    readonly headers: IncomingMessage['headers'];
  }[];
  /** Most that were under way at once. */
  readonly most: () => number;
  picture(path: string, bytes: Uint8Array): string;
  answer(path: string, answer: Answer): string;
  remove(path: string): void;
}

const LAST_MODIFIED = new Date(Date.UTC(2026, 0, 1)).toUTCString();

function sendPicture(bytes: Uint8Array): Answer {
  const etag = `"${createHash('sha1').update(bytes).digest('hex')}"`;
  const validators = { etag, 'last-modified': LAST_MODIFIED };
  return ({ headers }, response) => {
    if (headers['if-none-match'] === etag) return void response.writeHead(304, validators).end();
    response.writeHead(200, { ...validators, 'content-type': 'image/jpeg', 'content-length': bytes.length });
    response.end(bytes);
  };
}

export async function remoteServer(t: Pick<Test, 'teardown'>): Promise<RemoteServer> {
  const answers = new Map<string, Answer>();
  const requests: { path: string; status: number; headers: IncomingMessage['headers'] }[] = [];
  let [underWay, most] = [0, 0];
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    underWay += 1;
    most = Math.max(most, underWay);
    response.once('close', () => {
      underWay -= 1;
    });
    const absent: Answer = (_request, response) => response.writeHead(404).end();
    (answers.get(path) ?? absent)(request, response);
    requests.push({ path, status: response.statusCode, headers: request.headers });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close().closeAllConnections());
  const host = `127.0.0.1:${addressOf(server).port}`;
  const base = `http://${host}`;
  const answer = (path: string, act: Answer) => {
    answers.set(path, act);
    return base + path;
  };
  return {
    base,
    requests,
    most: () => most,
    answer,
    picture: (path, bytes) => answer(path, sendPicture(bytes)),
    remove: (path) => answers.delete(path),
  };
}
