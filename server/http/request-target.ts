import type { IncomingMessage } from 'node:http';

const ABSOLUTE = /^https?:\/\/([^/?#@]+)(.*)$/is;
/** node:http hands over the bytes of a target, one character each. */
const RAW_BYTES = /[\x80-\xff]/g;
const escaped = (byte: string): string => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`;

/**
 * Brings a request into the form that everything behind this reads: absolute targets, which proxies send, become a path
 * and a Host (RFC 9112, 3.2.2), and bytes that a client should have escaped, as curl does not, are.
 */
export function normalizeTarget(request: Pick<IncomingMessage, 'url' | 'headers'>): void {
  const { url = '' } = request;
  const path = url.startsWith('/') ? url : withoutAuthority(request, url);
  request.url = path.replace(RAW_BYTES, escaped);
}

/** The authority of the target wins over the header, whatever that says; one that is no http URL stays as it is. */
function withoutAuthority({ headers }: Pick<IncomingMessage, 'headers'>, url: string): string {
  const [, authority, rest = ''] = ABSOLUTE.exec(url) ?? [];
  if (authority === undefined) return url;
  // Of 1.1, one without a Host is refused all the same (3.2).
  if (headers.host !== undefined) headers.host = authority;
  return rest.startsWith('/') ? rest : `/${rest}`;
}
