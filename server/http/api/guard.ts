import type { FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify';
import { isProblem } from '../../shared/errors.ts';
import type { Auth } from './auth.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Name of the token or subject of the JWT; undefined where the API is open. */
    caller?: string | undefined;
  }
  interface FastifyContextConfig {
    /** Lets everybody in: the route has a check of its own. */
    isOpen?: boolean;
  }
}

/** Holds everything under /api/ to its token: reading needs `read`, anything else `write`. */
export function apiGuard(auth: Auth): onRequestHookHandler {
  const admit = async (request: FastifyRequest, reply: FastifyReply) => {
    const needed = request.method === 'GET' || request.method === 'HEAD' ? 'read' : 'write';
    try {
      request.caller = await auth.check(request.headers.authorization, needed);
    } catch (error) {
      const given = request.headers.authorization !== undefined;
      if (isProblem(error) && error.code === 'unauthorized') {
        reply.header('WWW-Authenticate', `Bearer realm="rendition"${given ? ', error="invalid_token"' : ''}`);
      }
      throw error;
    }
  };
  return (request, reply, done) => {
    const { url = '', config } = request.routeOptions;
    if (!url.startsWith('/api/') || config.isOpen) return done();
    admit(request, reply).then(() => done(), done);
  };
}
