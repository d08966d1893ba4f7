import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Images } from '../reading/images.ts';
import type { Variant } from '../reading/inputs.ts';
import { factsOf, type ResultFacts } from '../reading/result.ts';
import { isProblem, problemCacheControl } from '../shared/errors.ts';
import {
  type CacheSettings,
  COMMON_HEADERS,
  type Headers,
  resultHeaders,
  tierHeaders,
} from './image-headers.ts';

export interface FallbackOptions {
  readonly images: Images;
  /** Id of the picture that is shown in place of one that is not there. */
  readonly fallbackImage: string | undefined;
  readonly settings: CacheSettings;
}

/** What was asked for and is not there. */
export interface Missing {
  readonly id: string;
  /** Canonical form, format resolved. */
  readonly canonical: string;
  readonly negotiated: boolean;
}

/**
 * Shows the fallback in the form that was asked for, with the 404 kept: pages have no hole, caches and crawlers know
 * better. It is a result of its own image; nothing lies under the id that is missing.
 *
 * @param error  why the picture was not sent
 * @returns      undefined where that is another reason, or the fallback cannot be had: the error is the answer then
 */
export async function showFallback(
  request: FastifyRequest,
  reply: FastifyReply,
  missing: Missing,
  options: FallbackOptions & { readonly error: unknown; readonly signal: AbortSignal },
): Promise<FastifyReply | undefined> {
  const { images, fallbackImage: id, settings, error, signal } = options;
  if (id === undefined || id === missing.id) return undefined;
  if (!isProblem(error) || error.code !== 'image_not_found') return undefined;
  const look = request.method === 'HEAD' ? known : made;
  const found = await look(images, { id, canonical: missing.canonical }, signal).catch(() => undefined);
  if (!found) return undefined;
  const { facts, tier, timings, body } = found;
  Object.assign(request.served, { tier, timings, bytes: body?.length ?? 0 });
  const shown = facts
    ? resultHeaders(asFallback(facts), {}, { negotiated: missing.negotiated, settings, now: 0 })
    : { ...COMMON_HEADERS, ...(missing.negotiated && { Vary: 'Accept' }), 'X-Image-Warning': WARNING };
  // It is no version of what was asked for: with a validator it would be "not modified" once that is there.
  const { ETag: _etag, 'Last-Modified': _date, ...own } = shown;
  const headers: Headers = {
    ...own,
    ...tierHeaders(tier, timings, request.id),
    'Cache-Control': request.isForeign ? 'no-store' : problemCacheControl('image_not_found'),
  };
  reply.hijack();
  reply.raw.writeHead(404, headers).end(body);
  return reply;
}

const WARNING = 'fallback';
const asFallback = (facts: ResultFacts): ResultFacts => ({
  ...facts,
  warnings: [...facts.warnings, WARNING],
});

async function made(images: Images, variant: Variant, signal: AbortSignal) {
  const { result, tier, timings } = await images.find(variant, signal);
  return { facts: factsOf(result), tier, timings, body: result.bytes };
}

/** HEAD never renders: what is not there yet has no length. */
async function known(images: Images, variant: Variant, signal: AbortSignal) {
  const { facts, tier } = (await images.facts(variant, signal)) ?? { tier: 'miss' as const };
  return { facts, tier, timings: {}, body: undefined };
}
