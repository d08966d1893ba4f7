import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from '../config/settings.ts';
import { resolved } from '../core/operations/transformation.ts';
import { negotiate } from '../core/query/accept.ts';
import type { Canonical } from '../core/query/canonical.ts';
import { readPath } from '../core/query/id.ts';
import type { Presets } from '../core/query/rule.ts';
import { writtenMessage } from '../core/query/signature.ts';
import type { Access, AccessRequest } from '../reading/access.ts';
import type { Tier, Timings } from '../reading/answer.ts';
import type { Demand } from '../reading/demand.ts';
import type { Epochs } from '../reading/epoch.ts';
import { isWithoutRecord } from '../reading/identity.ts';
import type { Images } from '../reading/images.ts';
import type { Renderer } from '../reading/renderer.ts';
import type { ResultFacts } from '../reading/result.ts';
import { factsOf } from '../reading/result.ts';
import { isProblem, type Problem } from '../shared/errors.ts';
import { showFallback } from './fallback.ts';
import type { HitPath } from './hit-path.ts';
import type { CacheSettings, Headers } from './image-headers.ts';
import { COMMON_HEADERS, DEGRADED_SECONDS, resultHeaders, tierHeaders } from './image-headers.ts';
import { imageSchema } from './image-schema.ts';
import type { Overload } from './overload.ts';
import { isConditional, isUnchanged } from './preconditions.ts';
import { deadlineProblem } from './problems.ts';
import { requestSignal } from './request-signal.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** An edge of another deployment asks: old and new ones run side by side for a while. */
    isForeign?: boolean;
    /** What the log line of an image request says beside status and time. */
    served: {
      id?: string;
      canonical?: string;
      tier?: Tier;
      timings?: Timings;
      bytes?: number;
      isRefused?: boolean;
    };
  }
}

export interface ImageRoutesOptions {
  readonly images: Images;
  readonly renderer: Renderer;
  readonly access: Access;
  readonly demand: Pick<Demand, 'add'>;
  readonly hitPath: HitPath;
  readonly overload: Overload;
  readonly presets: Presets;
  /** Of the core, with these presets. */
  readonly readQuery: (query: string) => Canonical;
  readonly settings: CacheSettings & Pick<Config, 'versionSeconds'>;
  /** What the edge of this deployment asks for. */
  readonly epochs: Epochs;
  readonly deadlineMs: number;
  readonly fallbackImage: string | undefined;
  /** Unix seconds. */
  readonly now: () => number;
}

export interface ImageRequest extends AccessRequest {
  /** Canonical form, format resolved. */
  readonly canonical: string;
}

/** As the edge writes it behind a canonical form, see place. */
const EPOCH = /&_=([^&]*)$/;

/**
 * Whether a URL names the place of another deployment. Under it no answer of this one may stay at the edge, which would
 * show it once this one is gone.
 */
function isForeign(url: string, { plain, marked }: Epochs): boolean {
  const epoch = EPOCH.exec(url.split('?', 1)[0] ?? '')?.[1];
  return epoch !== undefined && epoch !== plain && epoch !== marked;
}

/** Path and query as they stand in a URL. */
function splitUrl(url: string): [path: string, query: string] {
  const position = url.indexOf('?');
  return position < 0 ? [url, ''] : [url.slice(0, position), url.slice(position + 1)];
}

/** Splits `/img/<id>?query` and `/img/<id>/<canonical>?v=…` into what they ask for. */
export function readAsked(
  { url, originalUrl, headers: { accept } }: FastifyRequest,
  prefix: string,
  readQuery: ImageRoutesOptions['readQuery'],
): ImageRequest {
  const [path, query] = splitUrl(url);
  const { id, canonical } = readPath(path.slice(prefix.length));
  const form = canonical?.replace(EPOCH, '');
  const read = readQuery(form === undefined ? query : query ? `${form}&${query}` : form);
  return {
    id,
    read,
    canonical: read.negotiable ? resolved(read.canonical, negotiate(accept)) : read.canonical,
    written: () => writtenAs(originalUrl, prefix),
  };
}

/** What a signature of the written form covers. The prefix has escapes of its own, and explain another one. */
function writtenAs(originalUrl: string, prefix: string): string {
  const [path, query] = splitUrl(originalUrl);
  const behind = path.split('/').slice(prefix.split('/').length - 1);
  return writtenMessage(`/img/${behind.join('/')}`, query);
}

export function imageRoutes(app: FastifyInstance, options: ImageRoutesOptions): void {
  app.decorateRequest('served');
  app.addHook('onRequest', (request, _reply, done) => {
    request.served = {};
    done();
  });
  const handler = (request: FastifyRequest, reply: FastifyReply) => answer(request, reply, options);
  const schema = imageSchema(options.presets);
  app.route({ method: ['GET', 'HEAD'], url: '/img/*', schema, validatorCompiler: () => () => true, handler });
  app.options('/img/*', { schema: { hide: true } }, async (_request, reply) =>
    reply
      .code(204)
      .headers(COMMON_HEADERS)
      .header('Access-Control-Allow-Methods', ALLOW)
      .header('Access-Control-Max-Age', '86400')
      .send(),
  );
}

const ALLOW = 'GET, HEAD, OPTIONS';

async function answer(
  request: FastifyRequest,
  reply: FastifyReply,
  options: ImageRoutesOptions,
): Promise<FastifyReply> {
  request.isForeign = isForeign(request.url, options.epochs);
  try {
    const imageRequest = readAsked(request, '/img/', options.readQuery);
    request.served = { id: imageRequest.id, canonical: imageRequest.canonical };
    options.access.check(imageRequest);
    options.renderer.check(imageRequest.canonical);
    const signal = requestSignal(request, reply, options.deadlineMs);
    const respond = request.method === 'HEAD' ? head : get;
    return await respond(request, reply, imageRequest, options, signal).catch(async (error: unknown) => {
      const missing = { ...imageRequest, negotiated: imageRequest.read.negotiable };
      const shown = await showFallback(request, reply, missing, { ...options, error, signal });
      if (!shown) throw error;
      return shown;
    });
  } catch (error) {
    if (isProblem(error) && error.code === 'overloaded')
      return refuse(request, reply, options.overload, error);
    throw deadlineProblem(error, options.deadlineMs);
  }
}

function refuse(
  request: FastifyRequest,
  reply: FastifyReply,
  overload: Overload,
  problem: Problem,
): FastifyReply {
  const { originalUrl: url, headers } = request;
  if (request.method === 'GET') overload.learn({ url, headers }, problem);
  request.served.isRefused = true;
  reply.hijack();
  overload.send(reply.raw, problem, request.id);
  return reply;
}

async function get(
  request: FastifyRequest,
  reply: FastifyReply,
  asked: ImageRequest,
  options: ImageRoutesOptions,
  signal: AbortSignal,
): Promise<FastifyReply> {
  const { headers } = request;
  if (isConditional(headers)) {
    const existing = await options.images.facts(asked, signal);
    if (existing && isUnchanged(headers, existing.facts)) {
      options.images.noteUse(existing.facts);
      return send(request, reply, asked, options, { ...existing, timings: {} }, undefined);
    }
  }
  const { result, tier, timings } = await options.images.find(asked, signal);
  const facts = factsOf(result);
  const body = isUnchanged(headers, facts) ? undefined : result.bytes;
  const sent = send(request, reply, asked, options, { facts, tier, timings }, body);
  const { id, read, canonical: form } = asked;
  options.demand.add({ id, form, tier, timings, bytes: result.bytes.length });
  if (request.isForeign || isWithoutRecord(facts.version)) return sent;
  options.hitPath.learn(request.originalUrl, {
    id,
    canonical: read.canonical,
    negotiable: read.negotiable,
    url: read.url,
  });
  return sent;
}

/** GET's headers; never renders. What is not there yet has no length. */
async function head(
  request: FastifyRequest,
  reply: FastifyReply,
  value: ImageRequest,
  options: ImageRoutesOptions,
  signal: AbortSignal,
): Promise<FastifyReply> {
  const existing = await options.images.facts(value, signal);
  if (existing) {
    const body = isUnchanged(request.headers, existing.facts) ? undefined : NOTHING;
    return send(request, reply, value, options, { ...existing, timings: {} }, body);
  }
  request.served.tier = 'miss';
  const own = { ...COMMON_HEADERS, ...tierHeaders('miss', {}, request.id), 'Cache-Control': 'no-store' };
  return write(reply, 200, value.read.negotiable ? { ...own, Vary: 'Accept' } : own);
}

const NOTHING = Buffer.alloc(0);

/** @param body  empty for HEAD; absent for a 304 */
function send(
  request: FastifyRequest,
  reply: FastifyReply,
  imageRequest: ImageRequest,
  options: ImageRoutesOptions,
  found: { facts: ResultFacts; tier: Tier; timings: Timings },
  body: Buffer | undefined,
): FastifyReply {
  const { facts, tier, timings } = found;
  Object.assign(request.served, { tier, timings, bytes: body?.length ?? 0 });
  const isPassing = request.isForeign || isWithoutRecord(facts.version);
  const { versionSeconds } = options.settings;
  const passing = facts.isDegraded ? Math.min(versionSeconds, DEGRADED_SECONDS) : versionSeconds;
  const foreign: Headers = isPassing ? { 'Cache-Control': `public, max-age=${passing}` } : {};
  const headers: Headers = {
    ...resultHeaders(facts, imageRequest.read.url, {
      negotiated: imageRequest.read.negotiable,
      settings: options.settings,
      now: options.now(),
    }),
    ...tierHeaders(tier, timings, request.id),
    ...foreign,
  };
  if (body) return write(reply, 200, headers, body);
  const { 'Content-Length': _length, 'Content-Type': _type, ...unchanged } = headers;
  return write(reply, 304, unchanged);
}

/** Past Fastify, as the hit path does: its reply handles each header by itself, 0.1 ms of a cold answer. */
function write(reply: FastifyReply, status: 200 | 304, headers: Headers, body?: Buffer): FastifyReply {
  reply.hijack();
  reply.raw.writeHead(status, headers).end(body);
  return reply;
}
