import type { CachePolicy, ErrorResponse } from './distribution.ts';
import type { Answer } from './message.ts';

/** Directives by name in lower case; one without a value is ''. */
export function directives(cacheControl = ''): ReadonlyMap<string, string> {
  const parts = cacheControl.split(',').map((part) => part.trim().toLowerCase());
  return new Map(
    parts.filter(Boolean).map((part): [string, string] => {
      const [name = '', value = ''] = part.split('=');
      return [name, value];
    }),
  );
}

const DEFAULT_ERROR_SECONDS = 10;

/** "How CloudFront processes HTTP 4xx and 5xx status codes from your origin": kept whatever their headers say. */
const ALWAYS_KEPT: readonly number[] = [404, 405, 414, 500, 501, 502, 503, 504];
/** The same page: kept where the origin gives an age. All others are never kept, 416 among them. */
const KEPT_WITH_AGE: readonly number[] = [400, 403, 412, 415];

/** Seconds that the origin gives itself, s-maxage before max-age. */
function ageOf({ headers }: Answer): number | undefined {
  const said = directives(headers['cache-control']);
  const text = said.get('s-maxage') ?? said.get('max-age');
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

function errorSeconds(answer: Answer, errors: ReadonlyMap<number, ErrorResponse>): number {
  const { status } = answer;
  const age = ageOf(answer);
  const isKept = ALWAYS_KEPT.includes(status) || (KEPT_WITH_AGE.includes(status) && age !== undefined);
  if (!isKept) return 0;
  return Math.max(errors.get(status)?.minSeconds ?? DEFAULT_ERROR_SECONDS, age ?? 0);
}

/** "Manage how long content stays in the cache (expiration)", its table of TTLs and headers. */
function pictureSeconds(answer: Answer, { minTtl, defaultTtl, maxTtl }: CachePolicy, now: number): number {
  const said = directives(answer.headers['cache-control']);
  if (['no-cache', 'no-store', 'private'].some((name) => said.has(name))) return minTtl;
  const expires = Date.parse(answer.headers['expires'] ?? '');
  const age = ageOf(answer) ?? (Number.isNaN(expires) ? undefined : (expires - now) / 1000);
  return age === undefined ? Math.max(minTtl, defaultTtl) : Math.min(maxTtl, Math.max(minTtl, age));
}

export interface Ttls {
  readonly policy: CachePolicy;
  readonly errors: ReadonlyMap<number, ErrorResponse>;
}

/**
 * Seconds for which an answer is served without asking again; 0: not kept.
 *
 * @param now  unix ms
 */
export function secondsKept(answer: Answer, { policy, errors }: Ttls, now: number): number {
  if (answer.status >= 400) return errorSeconds(answer, errors);
  // A part is not the whole of what was asked for.
  return answer.status === 206 ? 0 : pictureSeconds(answer, policy, now);
}

export interface StaleSeconds {
  /** Served at once while the origin is asked behind the viewer's back. */
  readonly whileAsking: number;
  /** Served where the origin fails. */
  readonly onError: number;
}

/** The same page: what the two directives say; without stale-if-error an expired picture stands in for any 5xx. */
export function staleSeconds({ headers }: Answer): StaleSeconds {
  const said = directives(headers['cache-control']);
  const ifError = said.get('stale-if-error');
  return {
    whileAsking: Number(said.get('stale-while-revalidate') ?? 0) || 0,
    onError: ifError === undefined ? Number.POSITIVE_INFINITY : Number(ifError) || 0,
  };
}
