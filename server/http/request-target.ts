import type { IncomingMessage } from 'node:http';

const ABSOLUTE = /^https?:\/\/([^/?#@]+)(.*)$/is;

/** Absolute targets, which proxies send, become a path and a Host before anything reads them (RFC 9112, 3.2.2). */
export function normalizeTarget(request: Pick<IncomingMessage, 'url' | 'headers'>): void {
  const { url = '' } = request;
  if (!url.startsWith('/')) request.url = withoutAuthority(request, url);
}

/** The authority of the target wins over the header, whatever that says; one that is no http URL stays as it is. */
function withoutAuthority({ headers }: Pick<IncomingMessage, 'headers'>, url: string): string {
  const [, authority, rest = ''] = ABSOLUTE.exec(url) ?? [];
  if (authority === undefined) return url;
  // A request of HTTP/1.1 without a Host is refused whatever its target says (RFC 9112, 3.2).
  if (headers.host !== undefined) headers.host = authority;
  return rest.startsWith('/') ? rest : `/${rest}`;
}
