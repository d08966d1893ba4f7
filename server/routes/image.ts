import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Access } from '../access.ts';
import { negotiate } from '../core/accept.ts';
import type { Canonical } from '../core/canonical.ts';
import { splitPath } from '../core/id.ts';
import type { Presets } from '../core/rule.ts';
import { readQuery, readTransformation, resolved } from '../core/transformation.ts';
import { Problem } from '../errors.ts';
import type { Images, Tier, Timings } from '../images.ts';
import { deadlineProblem } from '../images.ts';
import type { Lane } from '../lane.ts';
import type { Metrics } from '../metrics.ts';
import type { Renderer } from '../renderer.ts';
import type { ResultFacts } from '../results.ts';
import { factsOf } from '../results.ts';
import type { CacheSettings } from './image-headers.ts';
import { COMMON_HEADERS, notModified, resultHeaders, tierHeaders } from './image-headers.ts';
import { imageSchema } from './image-schema.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** What the log line of an image request says beside status and time. */
    served: { id?: string; canonical?: string; tier?: Tier; timings?: Timings };
  }
}

export interface ImageRoutesOptions {
  readonly images: Images;
  readonly renderer: Renderer;
  readonly access: Access;
  readonly lane: Lane;
  readonly metrics: Metrics;
  readonly presets: Presets;
  readonly settings: CacheSettings;
  readonly deadlineMs: number;
  /** Unix seconds. */
  readonly now: () => number;
}

export interface Asked {
  readonly id: string;
  readonly read: Canonical;
  /** Canonical form, format resolved. */
  readonly canonical: string;
}

/** Splits `/img/<id>?query` and `/img/<id>/<canonical>?v=…` into what they ask for. */
export function readAsked(
  rawUrl: string,
  prefix: string,
  presets: Presets,
  accept: string | undefined,
): Asked {
  const at = rawUrl.indexOf('?');
  const path = at < 0 ? rawUrl : rawUrl.slice(0, at);
  const query = at < 0 ? '' : rawUrl.slice(at + 1);
  const { id, canonical: form } = splitPath(path.slice(prefix.length));
  const read = readQuery(form === undefined ? query : query ? `${form}&${query}` : form, presets);
  return {
    id,
    read,
    canonical: read.negotiable ? resolved(read.canonical, negotiate(accept)) : read.canonical,
  };
}

/** Fires when the client leaves or the time is over. */
export function requestSignal(request: FastifyRequest, reply: FastifyReply, deadlineMs: number): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) gone.abort(new DOMException('The client has left.', 'AbortError'));
  });
  if (request.raw.destroyed && !request.raw.complete) gone.abort();
  return AbortSignal.any([gone.signal, AbortSignal.timeout(deadlineMs)]);
}

export function imageRoutes(app: FastifyInstance, options: ImageRoutesOptions): void {
  app.decorateRequest('served');
  app.addHook('onRequest', async (request) => {
    request.served = {};
  });
  const handler = (request: FastifyRequest, reply: FastifyReply) => answer(request, reply, options);
  const schema = imageSchema(options.presets);
  app.route({ method: ['GET', 'HEAD'], url: '/img/*', schema, validatorCompiler: () => () => true, handler });
  app.options('/img/*', { schema: { hide: true } }, async (_request, reply) =>
    reply
      .code(204)
      .headers(COMMON_HEADERS)
      .header('Access-Control-Allow-Methods', 'GET, HEAD, OPTIONS')
      .header('Access-Control-Max-Age', '86400')
      .send(),
  );
  app.route({
    method: ['POST', 'PUT', 'PATCH', 'DELETE'],
    url: '/img/*',
    schema: { hide: true },
    handler: async (request, reply) => {
      reply.header('Allow', 'GET, HEAD, OPTIONS');
      throw new Problem(
        'method_not_allowed',
        `${request.method} is not for images; allowed: GET, HEAD, OPTIONS.`,
      );
    },
  });
}

async function answer(
  request: FastifyRequest,
  reply: FastifyReply,
  options: ImageRoutesOptions,
): Promise<unknown> {
  reply.headers(COMMON_HEADERS);
  const asked = readAsked(request.url, '/img/', options.presets, request.headers.accept);
  request.served = { id: asked.id, canonical: asked.canonical };
  options.access.check(asked.id, asked.read);
  options.renderer.check(readTransformation(asked.canonical));
  const signal = requestSignal(request, reply, options.deadlineMs);
  try {
    if (request.method === 'HEAD') return await head(request, reply, asked, options, signal);
    return await get(request, reply, asked, options, signal);
  } catch (error) {
    throw deadlineProblem(error, options.deadlineMs);
  }
}

async function get(
  request: FastifyRequest,
  reply: FastifyReply,
  asked: Asked,
  options: ImageRoutesOptions,
  signal: AbortSignal,
): Promise<unknown> {
  const { headers } = request;
  if (headers['if-none-match'] !== undefined || headers['if-modified-since'] !== undefined) {
    const known = await options.images.facts(asked, signal);
    if (known && notModified(headers, known.facts)) {
      return send(request, reply, asked, options, { ...known, timings: {} }, undefined);
    }
  }
  const { result, tier, timings } = await options.images.find(asked, signal);
  options.metrics.stages(timings);
  const { id, read } = asked;
  options.lane.learn(request.url, {
    id,
    canonical: read.canonical,
    negotiable: read.negotiable,
    url: read.url,
  });
  const facts = factsOf(result);
  const body = notModified(headers, facts) ? undefined : result.bytes;
  return send(request, reply, asked, options, { facts, tier, timings }, body);
}

/** GET's headers; never renders. What is not there yet has no length. */
async function head(
  request: FastifyRequest,
  reply: FastifyReply,
  asked: Asked,
  options: ImageRoutesOptions,
  signal: AbortSignal,
): Promise<unknown> {
  const known = await options.images.facts(asked, signal);
  if (known) {
    const body = notModified(request.headers, known.facts) ? undefined : Buffer.alloc(0);
    return send(request, reply, asked, options, { ...known, timings: {} }, body);
  }
  request.served.tier = 'miss';
  reply.hijack();
  const own = { ...COMMON_HEADERS, ...tierHeaders('miss', {}, request.id), 'Cache-Control': 'no-store' };
  reply.raw.writeHead(200, asked.read.negotiable ? { ...own, Vary: 'Accept' } : own).end();
  return reply;
}

function send(
  request: FastifyRequest,
  reply: FastifyReply,
  asked: Asked,
  options: ImageRoutesOptions,
  found: { facts: ResultFacts; tier: Tier; timings: Timings },
  body: Buffer | undefined,
): FastifyReply {
  const { facts, tier, timings } = found;
  Object.assign(request.served, { tier, timings });
  const negotiated = asked.read.negotiable;
  const headers = resultHeaders(facts, asked.read.url, {
    negotiated,
    settings: options.settings,
    now: options.now(),
  });
  reply.headers(tierHeaders(tier, timings, request.id));
  if (body !== undefined) return reply.headers(headers).send(request.method === 'HEAD' ? undefined : body);
  const { 'Content-Length': _length, 'Content-Type': _type, ...unchanged } = headers;
  return reply.code(304).headers(unchanged).send();
}
