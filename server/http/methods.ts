import type { FastifyInstance, onRequestHookHandler } from 'fastify';
import findMyWay from 'find-my-way';
import { Problem } from '../shared/errors.ts';
import { METHODS } from '../shared/node-http.ts';

/** Methods of each URL that has a route. */
export type MethodsByUrl = ReadonlyMap<string, ReadonlySet<string>>;

/** Notes the routes that are registered from now on, for refuseOtherMethods. */
export function watchMethods(app: FastifyInstance): MethodsByUrl {
  const found = new Map<string, Set<string>>();
  app.addHook('onRoute', ({ url, method }) => {
    // The plugin of CORS takes preflights of whatever address; an address that is none stays one.
    if (url === '*') return;
    const methods = found.get(url) ?? new Set();
    for (const name of [method].flat()) methods.add(name);
    found.set(url, methods);
  });
  return found;
}

/**
 * 405 with Allow for every method that the URL of a route does not have (RFC 9110, 15.5.6). The body is not read. A URL
 * that further routes match, as the id `presign` does, has their methods as well.
 */
export function refuseOtherMethods(app: FastifyInstance, routes: MethodsByUrl): void {
  const methods = METHODS.filter((method) => method !== 'CONNECT');
  for (const method of methods) if (!app.supportedMethods.includes(method)) app.addHttpMethod(method);
  const used = new Set([...routes.values()].flatMap((names) => [...names]));
  const refuse = (names: readonly string[], url: string, onRequest: onRequestHookHandler) =>
    app.route({
      method: [...names],
      url,
      schema: { hide: true },
      // Which methods there are is no secret; a token is asked for by those.
      config: { isOpen: true },
      onRequest,
      handler: () => undefined,
    });
  const addresses = findMyWay({ maxParamLength: Number.POSITIVE_INFINITY });
  const refusals = new Map<unknown, onRequestHookHandler>();
  for (const [url, allowed] of [...routes].map(([url]) => [url, allowedAt(url, routes)] as const)) {
    const others = [...used].filter((method) => !allowed.includes(method));
    if (others.length > 0) refuse(others, url, refusal(allowed.join(', ')));
    const address = () => undefined;
    addresses.on('GET', url, address);
    refusals.set(address, refusal(allowed.join(', ')));
  }
  // Thirty methods that nobody has: a tree of all routes for each took 30 ms of every start.
  const strange = methods.filter((method) => !used.has(method));
  refuse(strange, '/*', function refuseStrange(request, reply, done) {
    const found = refusals.get(addresses.find('GET', request.raw.url ?? '/')?.handler);
    if (found) found.call(this, request, reply, done);
    else reply.callNotFound();
  });
}

function allowedAt(url: string, routes: MethodsByUrl): string[] {
  // Of the root of a plugin Fastify registers both forms, and tells of one.
  const plain = withoutSlash(url);
  const matching = [...routes].filter(
    ([pattern]) => withoutSlash(pattern) === plain || patternOf(pattern).test(url),
  );
  return [...new Set(matching.flatMap(([, methods]) => [...methods]))].sort();
}

const withoutSlash = (url: string): string => url.replace(/(.)\/$/, '$1');

function patternOf(url: string): RegExp {
  const parts = url.split('/').map((part) => {
    if (part === '*') return '.*';
    return part.startsWith(':') ? '[^/:*]+' : part.replaceAll('.', '\\.');
  });
  return new RegExp(`^${parts.join('/')}$`);
}

function refusal(allowed: string): onRequestHookHandler {
  return ({ method }, reply, done) => {
    reply.header('Allow', allowed);
    done(new Problem('method_not_allowed', `${method} is not for this address; allowed: ${allowed}.`));
  };
}
