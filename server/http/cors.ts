import cors from '@fastify/cors';
import type { FastifyInstance, FastifyRequest } from 'fastify';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** False: CORS of the API is not for this route. */
    cors?: false;
  }
}

/** What a page may read of an answer beside what every page may. */
const EXPOSED = [
  ...['Idempotent-Replayed', 'Location', 'Retry-After', 'WWW-Authenticate', 'X-Request-Id'],
  ...['X-RateLimit-Limit', 'X-RateLimit-Remaining', 'X-RateLimit-Reset'],
];

/** Chromium keeps a preflight for two hours at most. */
const MAX_AGE_SECONDS = 7200;

/**
 * Lets pages of other origins call and read the API. Before any check of a token: a preflight carries none, and a
 * refusal that the page cannot read looks like a network that is down. Pictures are open to all pages, by headers of
 * their own that a cache may keep.
 */
export async function allowOrigins(app: FastifyInstance, origins: readonly string[]): Promise<void> {
  if (origins.length === 0) return;
  app.addHook('onRoute', (route) => {
    if (!route.url.startsWith('/api/')) route.config = { ...route.config, cors: false };
  });
  const shared = {
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    exposedHeaders: EXPOSED,
    maxAge: MAX_AGE_SECONDS,
  };
  await app.register(cors, {
    delegator: (request, done) =>
      done(null, { ...shared, origin: isStrayOptions(request) ? false : [...origins] }),
  });
}

/** An OPTIONS that is no preflight gets what it gets without CORS: 405. */
function isStrayOptions({ method, headers }: FastifyRequest): boolean {
  return method === 'OPTIONS' && !(headers.origin && headers['access-control-request-method']);
}
