import { readQuery } from '../core/operations/transformation.ts';
import { readPath } from '../core/query/id.ts';
import { idInUrl } from '../core/query/path.ts';
import type { Presets } from '../core/query/rule.ts';
import { signedMessage, WRITTEN, writtenMessage } from '../core/query/signature.ts';
import { hmacSha256 } from '../reading/access.ts';
import { Problem } from '../shared/errors.ts';

/** What a signature covers: the picture in every spelling, or the URL as it is written. */
export const SIGNATURE_FORMS = ['canonical', 'written'] as const;

export interface SigningOptions {
  readonly kid: string;
  /** Hex. */
  readonly key: string;
  /** Unix seconds; absent when the URL does not end. */
  readonly exp?: number | undefined;
  readonly presets: Presets;
  /** Names that the deployment drops without a word. */
  readonly ignored?: readonly string[];
  /** Canonical when absent. */
  readonly form?: (typeof SIGNATURE_FORMS)[number] | undefined;
}

/**
 * Signs `id?query`. The query stays as it is written, but for what no URL can have.
 *
 * @param url  an id or a path form, escaped as in a URL, and a query
 * @returns    path and query with exp, kid and sig
 * @throws Problem of readQuery and readPath; `invalid_parameter` for a query that names sig, kid or exp
 */
export function signUrl(url: string, options: SigningOptions): string {
  const { kid, key, exp, presets, ignored, form } = options;
  const [path = '', asked = ''] = url.replaceAll('#', '%23').split(/\?(.*)/s);
  const query = new URL(`http://localhost/?${asked}`).search.slice(1);
  const { id, canonical: segment } = readPath(path);
  const { canonical, url: own } = readQuery([segment, query].filter(Boolean).join('&'), presets, ignored);
  refuseSigned(own);
  const ends = exp === undefined ? '' : String(exp);
  const unsigned = [query, ends && `exp=${ends}`, `kid=${kid}`].filter(Boolean).join('&');
  const written = `/img/${idInUrl(id)}${segment === undefined ? '' : `/${segment}`}`;
  // As it is sent: with its query behind it, or a blank at its end would be lost.
  const place = new URL(`${written}?`, 'http://localhost').pathname;
  const sig =
    form === 'written'
      ? WRITTEN + hmacSha256(key, writtenMessage(place, unsigned))
      : hmacSha256(key, signedMessage(id, canonical, kid, ends));
  return `${place}?${unsigned}&sig=${sig}`;
}

/** A second key or end beside our own would be a duplicate for whoever opens the URL. */
function refuseSigned(url: Readonly<Record<string, string>>): void {
  const param = ['sig', 'kid', 'exp'].find((name) => url[name] !== undefined);
  if (param === undefined) return;
  const detail = `The query names ${param} already; signing adds kid, exp and sig itself.`;
  throw new Problem('invalid_parameter', detail, { param, received: url[param] });
}
