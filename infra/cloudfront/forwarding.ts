import type { Behaviour, Names, Origin } from './distribution.ts';
import type { Headers, OriginRequest, ViewerRequest } from './message.ts';
import { withoutHopByHop } from './message.ts';

function chosen({ rule, names }: Names, name: string): boolean {
  if (rule === 'none') return false;
  if (rule === 'all') return true;
  return names.includes(name) === (rule === 'only');
}

function queryOf(query: string, selections: readonly Names[]): string {
  const isKept = (pair: string) =>
    selections.some((names) => chosen(names, pair.split('=')[0]?.toLowerCase() ?? ''));
  return query.split('&').filter(isKept).join('&');
}

/** "Compressed objects": what of Accept-Encoding is part of the key. */
function encodings({ gzip, brotli }: Behaviour['cache'], accept = ''): string {
  const has = (name: string) => new RegExp(`(^|[\\s,])${name}($|[\\s,;])`).test(accept);
  return [brotli && has('br') ? 'br' : '', gzip && has('gzip') ? 'gzip' : ''].filter(Boolean).join();
}

/** "Understand the cache key": the path as the function left it, and what the cache policy names. */
export function cacheKey({ cache }: Behaviour, request: ViewerRequest): string {
  const headers = Object.entries(request.headers).filter(([name]) => chosen(cache.headers, name));
  return JSON.stringify([
    request.path,
    queryOf(request.query, [cache.queries]),
    headers.sort(),
    encodings(cache, request.headers['accept-encoding']),
  ]);
}

/** Viewer's conditions and ranges are the edge's own affair; the origin is asked for the whole. */
const ANSWERED_HERE = [
  'if-none-match',
  'if-modified-since',
  'if-match',
  'if-unmodified-since',
  'if-range',
  'range',
];

/**
 * "Control origin requests with a policy": what the cache policy and the origin request policy name goes on, beside what
 * CloudFront writes itself. "Request and response behavior for custom origins": Host is the origin's own unless named.
 */
export function originRequest(behaviour: Behaviour, request: ViewerRequest, origin: Origin): OriginRequest {
  const { cache, forward } = behaviour;
  const selections = [cache, ...(forward ? [forward] : [])];
  const isKept = (name: string) => selections.some(({ headers }) => chosen(headers, name));
  const kept = Object.entries(withoutHopByHop(request.headers)).filter(
    ([name]) => isKept(name) && !ANSWERED_HERE.includes(name),
  );
  const before = request.headers['x-forwarded-for'];
  const headers: Headers = {
    host: origin.domain,
    'user-agent': 'Amazon CloudFront',
    ...Object.fromEntries(kept),
    via: '1.1 model.cloudfront.net (CloudFront)',
    'x-forwarded-for': before ? `${before}, ${request.address}` : request.address,
    ...origin.customHeaders,
  };
  const query = queryOf(
    request.query,
    selections.map((one) => one.queries),
  );
  return {
    method: request.method,
    path: request.path,
    query,
    headers,
    ...(request.body ? { body: request.body } : {}),
  };
}

/** Path patterns: `*` is any text, `?` any character, the case counts. */
export function matches(pattern: string, path: string): boolean {
  const slashed = pattern.startsWith('/') || pattern.startsWith('*') ? pattern : `/${pattern}`;
  const source = slashed
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '[^]*')
    .replaceAll('?', '[^]');
  return new RegExp(`^${source}$`).test(path);
}

/** "Path pattern": compared in the form that RFC 3986 (6.2.2) gives a path, while the origin gets it as it was written. */
export function normalized(path: string): string {
  const plain = path.replace(/%[0-9a-f]{2}/gi, (triplet) => {
    const char = String.fromCharCode(Number.parseInt(triplet.slice(1), 16));
    return /[\w.~-]/.test(char) ? char : triplet.toUpperCase();
  });
  const segments: string[] = [];
  for (const segment of plain.split('/').slice(1)) {
    if (segment === '..') segments.pop();
    else if (segment !== '.') segments.push(segment);
  }
  return `/${segments.join('/')}`;
}
