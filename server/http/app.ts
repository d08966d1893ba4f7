import type { IncomingMessage } from 'node:http';
import fastifySwagger from '@fastify/swagger';
import Fastify, {
  type FastifyInstance,
  type FastifyRequest,
  LogController,
  type onRequestHookHandler,
} from 'fastify';
import type { Logger } from 'pino';
import type { Originals } from '../reading/originals.ts';
import type { Deferred } from '../shared/deferred.ts';
import { Problem } from '../shared/errors.ts';
import { createServer } from '../shared/node-http.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Tracing } from '../telemetry/tracing.ts';
import { lateSerializers, noValidators } from './compilers.ts';
import { allowOrigins } from './cors.ts';
import { explainRoutes } from './explain.ts';
import { type HealthOptions, healthRoutes } from './health.ts';
import type { HitLog } from './hit-log.ts';
import type { HitPath } from './hit-path.ts';
import { foldId } from './id-in-path.ts';
import { type ImageRoutesOptions, imageRoutes } from './image.ts';
import { refuseOtherMethods, watchMethods } from './methods.ts';
import { type OpenApiOptions, openApi, operationOf, PROBLEM_SCHEMA } from './openapi.ts';
import type { Overload } from './overload.ts';
import type { PictureMetrics } from './picture-metrics.ts';
import { playgroundRoutes } from './playground.ts';
import type { PlaygroundOptions } from './playground-form.ts';
import { presetRoutes } from './presets.ts';
import {
  clientErrors,
  frameworkErrors,
  handleErrors,
  hasHost,
  refuseWithoutHost,
  withoutKey,
} from './problems.ts';
import { referenceRoutes } from './reference.ts';
import { normalizeTarget } from './request-target.ts';
import { traceRequests } from './trace-requests.ts';

export interface AppDeps {
  readonly log: Logger;
  readonly hitPath: HitPath;
  readonly hitLog: HitLog;
  readonly overload: Overload;
  readonly metrics: Metrics;
  readonly tracing: Tracing;
  readonly pictures: PictureMetrics;
  readonly deferred: Deferred;
  readonly requestId: (request: Pick<IncomingMessage, 'headers'>) => string;
  readonly image: ImageRoutesOptions & { readonly originals: Originals };
  readonly watermarks: readonly string[];
  readonly health: HealthOptions;
  readonly playground: PlaygroundOptions;
  /** Who may use what is under /api/. */
  readonly guard?: onRequestHookHandler | undefined;
  /** Pages that may use what is under /api/. */
  readonly corsOrigins: readonly string[];
  /** Further routes: the management API. */
  readonly plugins: ReadonlyArray<(app: FastifyInstance) => void>;
  readonly openApi: OpenApiOptions;
  /** Proxies in front whose X-Forwarded headers are believed. */
  readonly proxyHops: number;
}

/** ALB keeps a connection for 60 s: closing first would drop a request that is on its way. */
const KEEP_ALIVE_MS = 65_000;

/** An id of 700 bytes, each of them escaped. */
const MAX_PARAM_LENGTH = 2100;

/** Builds the server without listening: tests inject into the same thing that main runs. */
export async function buildApp(deps: AppDeps): Promise<FastifyInstance> {
  const app = Fastify({
    loggerInstance: withoutNews(deps.log),
    childLoggerFactory: (_quiet, bindings, options) => deps.log.child(bindings, options),
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    // A number of hops, never `true`: a client could then call itself by any address and escape the rate limit.
    trustProxy: deps.proxyHops > 0 && ((_address: string, hop: number) => hop < deps.proxyHops),
    rewriteUrl: (raw) => foldId(raw.url ?? '/'),
    genReqId: (raw) => deps.requestId(raw as IncomingMessage),
    serverFactory: (handler) =>
      createServer({ keepAliveTimeout: KEEP_ALIVE_MS, requireHostHeader: false }, (request, response) => {
        normalizeTarget(request);
        // Told so, a client sends the next one elsewhere: on a connection that is closed under it, it would be lost.
        if (deps.health.isDraining()) response.shouldKeepAlive = false;
        const isAnswered =
          hasHost(request) &&
          (deps.hitPath.answer(request, response) || deps.overload.answer(request, response));
        if (!isAnswered) handler(request, response);
      }),
    frameworkErrors,
    clientErrorHandler: clientErrors(deps.log, () => deps.requestId({ headers: {} })),
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH, ignoreTrailingSlash: false },
    // refuseWhileDraining answers instead, as a problem with Retry-After.
    return503OnClosing: false,
    // The image route reads its own, raw query.
    schemaController: {
      compilersFactory: { buildSerializer: lateSerializers, buildValidator: noValidators },
    },
  }) as unknown as FastifyInstance;
  const routes = watchMethods(app);
  handleErrors(app);
  traceRequests(app, deps.tracing);
  refuseWithoutHost(app);
  logRequests(app, deps);
  await allowOrigins(app, deps.corsOrigins);
  refuseWhileDraining(app, deps.health);
  if (deps.guard) app.addHook('onRequest', deps.guard);
  app.addSchema(PROBLEM_SCHEMA);
  await app.register(fastifySwagger, openApi(deps.openApi));
  await app.register(async (scope) => referenceRoutes(scope));
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
  await app.register(async (scope) => imageRoutes(scope, deps.image));
  await app.register(async (scope) => explainRoutes(scope, deps.image));
  await app.register(async (scope) => presetRoutes(scope, deps.image.presets, deps.watermarks));
  await app.register(async (scope) => playgroundRoutes(scope, deps.playground));
  await app.register(async (scope) => healthRoutes(scope, deps.health));
  for (const plugin of deps.plugins) await app.register(async (scope) => plugin(scope));
  refuseOtherMethods(app, routes);
  return app;
}

/** Fastify says where it listens, once for each address of the machine: whoever starts us says it, and more. */
const withoutNews = (log: Logger): Logger =>
  log.child({}, { level: log.isLevelEnabled('info') ? 'warn' : log.level });

/** What proxies write for a client that left before its answer was out. */
const CLIENT_LEFT = 499;

/** One line per request, whatever becomes of it; the hit path writes the same for its own. */
function logRequests(app: FastifyInstance, { metrics, pictures, deferred, overload }: AppDeps): void {
  const write = (request: FastifyRequest, status: number, ms: number) => {
    const { tier, isRefused, ...served } = request.served ?? {};
    if (request.served) {
      pictures.request(tier ?? 'none', status, ms, served.bytes ?? 0);
      // One render, however many waited for it.
      if (tier !== 'coalesced') pictures.stages(served.timings ?? {});
    }
    const { method, routeOptions } = request;
    if (routeOptions.url?.startsWith('/api/'))
      countCall(metrics, operationOf(method, routeOptions.url), status, ms);
    const level = routeOptions.config?.isRoutine ? 'debug' : 'info';
    const url = withoutKey(request.url);
    request.trace?.end(status, ms, { 'http.route': routeOptions.url, 'rendition.tier': tier });
    if (isRefused) return overload.add({ requestId: request.id, method, url, ...served }, ms);
    request.log[level]({ method, url, status, ms: Math.round(ms * 10) / 10, tier, ...served }, 'request');
  };
  app.addHook('onRequest', (request, reply, done) => {
    reply.raw.once('close', () => {
      if (!reply.raw.writableFinished) write(request, CLIENT_LEFT, reply.elapsedTime);
    });
    done();
  });
  app.addHook('onResponse', async (request, reply) => {
    // Also called for an answer that breaks off; its connection closes then.
    if (!reply.raw.writableFinished) return;
    const { statusCode, elapsedTime } = reply;
    deferred.afterResponse(() => write(request, statusCode, elapsedTime));
  });
}

function countCall(metrics: Metrics, operation: string, status: number, ms: number): void {
  metrics.add('apiRequests', { operation, status: String(status) });
  metrics.observe('apiRequestSeconds', ms / 1000, { operation });
}

/** Holds for what comes over connections open at SIGTERM. Hits of the hit path go out: a refusal costs no less. */
function refuseWhileDraining(app: FastifyInstance, { isDraining }: HealthOptions): void {
  app.addHook('onRequest', ({ routeOptions }, _reply, done) => {
    if (!isDraining() || routeOptions.config.answersWhileDraining) return done();
    const facts = { retryAfterSeconds: 1 };
    done(new Problem('draining', 'This server is shutting down; try again in 1 s.', facts));
  });
}
