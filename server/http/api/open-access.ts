import { BlockList, isIPv6 } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { Problem } from '../../shared/errors.ts';

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** Names that no DNS server outside this machine can lead here: RFC 6761, 6.3. */
const LOOPBACK_HOST = /^(localhost|[\w-]+\.localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i;

/** What proxies add. Behind one on this machine everybody comes from loopback. */
const PROXY_HEADER = /^(forwarded|via|x-forwarded-.*|x-real-ip|x-client-ip|x-original-.*|cf-connecting-ip)$/;

const HOW =
  'To close it: set API_TOKENS or JWKS_URL (docs/settings.md#api_tokens); with a token it then answers everywhere. To use it open: ask this machine itself, by http://localhost.';

/** Why a request does not come from a program on this machine; undefined where it does. */
function whyElsewhere({ raw, headers }: FastifyRequest): string | undefined {
  const peer = raw.socket.remoteAddress ?? '';
  if (!LOOPBACK.check(peer || '0.0.0.0', isIPv6(peer) ? 'ipv6' : 'ipv4'))
    return 'the caller is another machine';
  const proxy = Object.keys(headers).find((name) => PROXY_HEADER.test(name));
  if (proxy) return `the header ${proxy} says that a proxy passed this on`;
  // nginx speaks 1.0 to what is behind it, and names itself in no header, unless it is told otherwise.
  if (raw.httpVersion === '1.0') return 'HTTP/1.0 is what a proxy speaks';
  // DNS rebinding: a page's own name leads to 127.0.0.1, and the page is then of one origin with this API.
  return LOOPBACK_HOST.test(headers.host ?? '') ? undefined : 'Host is no name of this machine';
}

/** Of another origin, as browsers say it. Another port of localhost is `same-site`, and another origin too. */
export function isForeignPage({ headers }: FastifyRequest, origins: readonly string[]): boolean {
  const { origin, host = '' } = headers;
  const site = headers['sec-fetch-site'];
  if (origin !== undefined && origins.includes(origin)) return false;
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true;
  const own = URL.canParse(`http://${host}`) ? new URL(`http://${host}`).origin : undefined;
  return origin !== undefined && origin !== own;
}

/**
 * Without tokens the API answers programs and its own pages on this machine.
 *
 * @param origins  pages that CORS_ORIGINS lets in
 * @throws Problem `not_allowed` for what comes from elsewhere, `foreign_page` for what a page of another origin sends
 */
export function checkOpenAccess(request: FastifyRequest, origins: readonly string[]): void {
  const reason = whyElsewhere(request);
  if (reason) {
    const detail = `The management API has no tokens, so it answers this machine alone; ${reason}.`;
    throw new Problem('not_allowed', detail, { hint: HOW });
  }
  if (!isForeignPage(request, origins)) return;
  const received = request.headers.origin ?? String(request.headers['sec-fetch-site']);
  const hint = 'Name its origin in CORS_ORIGINS, or give the API a token (API_TOKENS).';
  const detail = 'The management API has no tokens, so it refuses what pages of another origin send.';
  throw new Problem('foreign_page', detail, { received, hint });
}
