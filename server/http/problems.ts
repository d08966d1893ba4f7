import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { ConnectionError, FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { brokenEscapes } from '../core/query/id.ts';
import { isProblem, Problem, type ProblemCode, problemBody, problemCacheControl } from '../shared/errors.ts';
import { STATUS_CODES } from '../shared/node-http.ts';
import { COMMON_HEADERS } from './image-headers.ts';

export const PROBLEM_TYPE = 'application/problem+json';

/** Answers what was thrown, and routes that are not there. */
export function handleErrors(app: FastifyInstance): void {
  app.setErrorHandler((thrown: FastifyError, request, reply) => {
    if (!reply.raw.destroyed) tell(translated(thrown), request, reply);
  });
  app.setNotFoundHandler((request, reply) => {
    const nothing = `There is nothing at ${request.method} ${request.url.split('?')[0]}.`;
    return tell(new Problem('route_not_found', nothing), request, reply);
  });
}

/** Turns the end of a request's time into what its client is told. */
export function deadlineProblem(error: unknown, ms: number): unknown {
  if (error instanceof Error && error.name === 'TimeoutError') {
    return new Problem('deadline', `The request took longer than ${ms} ms.`, { retryAfterSeconds: 1 }, error);
  }
  return error;
}

/** Who reads the log must not read a status by it. */
export const withoutKey = (url: string): string =>
  url.startsWith('/api/') ? url.replace(/([?&]key=)[^&]+/g, '$1***') : url;

/** What Fastify refuses before it looks for a route. */
export function frameworkErrors(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const { method, url } = request;
  tell(translated(error, url), request, reply);
  request.log.info({ method, url: withoutKey(url), status: reply.statusCode }, 'request');
}

/** What another caller may be answered otherwise: under /api/ it depends on who asks, and from where. */
const isPersonal = ({ isForeign, url }: FastifyRequest): boolean => isForeign || url.startsWith('/api/');

function tell(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (isProblem(error)) {
    if (error.status >= 500) request.log.warn({ err: error, cause: error.cause }, error.code);
    if (error.facts.retryAfterSeconds) reply.header('Retry-After', String(error.facts.retryAfterSeconds));
    reply
      .header('Cache-Control', isPersonal(request) ? 'no-store' : problemCacheControl(error.code))
      .code(error.status);
  } else {
    request.log.error({ err: error }, 'unexpected');
    reply.header('Cache-Control', 'no-store').code(500);
  }
  if (request.url.startsWith('/img/')) reply.headers(COMMON_HEADERS);
  return reply
    .header('X-Request-Id', request.id)
    .type(PROBLEM_TYPE)
    .send(JSON.stringify(problemBody(error, request.id)));
}

/** An error of Fastify as a Problem. */
function translated(error: FastifyError, path = ''): unknown {
  if (isProblem(error)) return error;
  if (error.code === 'FST_ERR_BAD_URL') return brokenEscapes(path);
  const status = error.statusCode ?? 500;
  if (error.validation) {
    const first = error.validation[0];
    const param =
      first?.instancePath.replace(/^\//, '').replaceAll('/', '.') ||
      String(first?.params['missingProperty'] ?? '');
    return new Problem('invalid_request', `${error.message}.`, param ? { param } : {}, error);
  }
  const codes: Readonly<Record<number, ProblemCode>> = {
    413: 'upload_too_large',
    414: 'uri_too_long',
    415: 'invalid_request',
    429: 'rate_limited',
  };
  const code = codes[status] ?? (status >= 400 && status < 500 ? 'invalid_request' : undefined);
  return code ? new Problem(code, error.message, {}, error) : error;
}

export const hasHost = ({ headers, httpVersion }: IncomingMessage): boolean =>
  headers.host !== undefined || httpVersion !== '1.1';

/** RFC 9112, 3.2; node:http would answer by itself, without a word. */
export function refuseWithoutHost(app: FastifyInstance): void {
  app.addHook('onRequest', ({ raw }, _reply, done) => {
    if (hasHost(raw)) return done();
    done(new Problem('malformed_request', 'A request of HTTP/1.1 names its Host.'));
  });
}

function unreadable({ code }: Pick<ConnectionError, 'code'>): Problem {
  if (code === 'HPE_HEADER_OVERFLOW')
    return new Problem('headers_too_large', 'The address and the headers together have more than 16 KiB.');
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new Problem('request_timeout', 'The request did not arrive whole in time.');
  return new Problem('malformed_request', 'This cannot be read as a request of HTTP/1.1.');
}

/**
 * What the parser of node:http refuses: there is no request, so the answer goes to the socket.
 *
 * @param nextId  makes the request id that stands in answer and log
 */
export function clientErrors(log: Logger, nextId: () => string) {
  return (
    error: ConnectionError,
    socket: Socket & { _httpMessage?: { headersSent: boolean } | null },
  ): void => {
    if (socket.destroyed || socket.writableEnded) return;
    // In the middle of an answer there is no place for another.
    if (error.code === 'ECONNRESET' || !socket.writable || socket._httpMessage?.headersSent) {
      socket.destroy();
      return;
    }
    const problem = unreadable(error);
    const requestId = nextId();
    log.info({ requestId, status: problem.status, code: error.code }, 'request');
    socket.write(answerOf(problem, requestId));
    socket.destroySoon();
  };
}

/** Head and body as they go over the wire. */
function answerOf(problem: Problem, requestId: string): string {
  const body = JSON.stringify(problemBody(problem, requestId));
  const headers = {
    'Content-Type': PROBLEM_TYPE,
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': problemCacheControl(problem.code),
    'X-Request-Id': requestId,
    ...COMMON_HEADERS,
    Connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const status = `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`;
  return [status, ...lines, '', body].join('\r\n');
}
