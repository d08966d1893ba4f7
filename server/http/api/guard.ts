import type { FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify';
import { isProblem } from '../../shared/errors.ts';
import type { Auth } from './auth.ts';
import { checkOpenAccess } from './open-access.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Name of the token or subject of the JWT; undefined where the API is open. */
    caller?: string | undefined;
  }
  interface FastifyContextConfig {
    /** Lets everybody in: the route has a check of its own. */
    isOpen?: boolean;
    /** Lets in who has a `key` in the query; the route checks it. */
    takesKey?: boolean;
  }
}

/** Clients that are generated send what they have by every way that the document names: a token goes before a key. */
export function goesByKey({ query, headers, routeOptions }: FastifyRequest): boolean {
  if (!routeOptions.config.takesKey || headers.authorization !== undefined) return false;
  return typeof query === 'object' && query !== null && 'key' in query;
}

/**
 * Holds everything under /api/ to its token: reading needs `read`, anything else `write`. Without tokens it holds it to
 * this machine.
 *
 * @param origins  whose pages may use the API
 */
export function apiGuard(auth: Auth, origins: readonly string[]): onRequestHookHandler {
  const admit = async (request: FastifyRequest, reply: FastifyReply) => {
    const needed = request.method === 'GET' || request.method === 'HEAD' ? 'read' : 'write';
    if (auth.isOpen) return checkOpenAccess(request, origins);
    try {
      request.caller = await auth.check(request.headers.authorization, needed);
    } catch (error) {
      const hasCredentials = request.headers.authorization !== undefined;
      if (isProblem(error) && error.code === 'unauthorized') {
        reply.header(
          'WWW-Authenticate',
          `Bearer realm="rendition"${hasCredentials ? ', error="invalid_token"' : ''}`,
        );
      }
      throw error;
    }
  };
  return (request, reply, done) => {
    const { url = '', config } = request.routeOptions;
    if (!url.startsWith('/api/') || config.isOpen || goesByKey(request)) return done();
    admit(request, reply).then(() => done(), done);
  };
}
