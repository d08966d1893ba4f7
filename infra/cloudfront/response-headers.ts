import type { PolicyHeader } from './distribution.ts';
import type { Headers } from './message.ts';

/**
 * "Understand response headers policies": a header that overrides takes the place of the origin's, another one fills in.
 * CORS headers are for CORS requests, which an Origin makes.
 */
export function withPolicy(
  headers: Headers,
  policy: readonly PolicyHeader[],
  origin: string | undefined,
): Headers {
  const added = policy.filter(
    ({ name, overrides, isCors }) =>
      (!isCors || origin !== undefined) && (overrides || headers[name] === undefined),
  );
  return { ...headers, ...Object.fromEntries(added.map(({ name, value }) => [name, value])) };
}
