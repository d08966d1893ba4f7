// [edge-safe] The HMAC itself is handed in: node:crypto on the server, the runtime's crypto at the edge.

/** HMAC-SHA256 of `message` under `key`, base64url without padding (43 characters). */
export type Hmac = (key: string, message: string) => string;

export type SignatureError = 'signature_required' | 'bad_signature' | 'url_expired';

/** Name of the form that signs a URL as it is written: its signatures and what it signs begin so. */
export const WRITTEN = 'w-';

/** Whether a signature is of the written form. One of the other form may begin alike by chance, and is shorter. */
export function isWritten(sig: string): boolean {
  return /^w-.{43}$/.test(sig);
}

/**
 * Of a canonical form: whether it writes a text of the URL on a picture. Such a URL must be signed whatever else need not
 * be: else anybody could have pictures of this deployment say anything.
 */
export const TAKES_TEXT = /(?:^|&)wm2?x=/;

/** A URL whose signature is to be checked. */
export interface SignedUrl {
  readonly id: string;
  /** Before the format is negotiated, so one signature serves every client. */
  readonly canonical: string;
  /** From writtenMessage. */
  readonly written: string;
  /** sig, kid, exp of the URL. */
  readonly url: Readonly<Record<string, string>>;
}

/**
 * What the canonical form signs: every part on a line of its own, so that no part can run into the next.
 *
 * @param exp  unix seconds as text; '' when the URL does not expire
 */
export function signedMessage(id: string, canonical: string, kid: string, exp: string): string {
  return [id, canonical, kid, exp].join('\n');
}

/**
 * What the written form signs: path and query byte for byte, up to `&sig=`. It has no line break, the other form has
 * three. A path may have `&sig=` in it, so only a query ends there.
 *
 * @param path   raw, with its `/img/`
 * @param query  raw, behind the `?`
 */
export function writtenMessage(path: string, query: string): string {
  return WRITTEN + path + '?' + query.split('&sig=')[0];
}

/** The text that the signature of a URL must be of. */
export function messageOf(signed: SignedUrl): string {
  const url = signed.url;
  return isWritten(url['sig'] || '')
    ? signed.written
    : signedMessage(signed.id, signed.canonical, url['kid'] || '', url['exp'] || '');
}

/** Takes the same time wherever two texts of one length differ. */
function sameText(a: string, b: string): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < b.length; i++) difference |= a.charCodeAt(i % (a.length || 1)) ^ b.charCodeAt(i);
  return difference === 0;
}

/**
 * @param keyOf  the secret of a key id; undefined when there is none of that name
 * @param now    unix seconds
 * @returns      the reason for a refusal, or undefined when the signature holds
 */
export function checkSignature(
  signed: SignedUrl,
  keyOf: (kid: string) => string | undefined,
  hmac: Hmac,
  now: number,
): SignatureError | undefined {
  const sig = signed.url['sig'];
  const kid = signed.url['kid'];
  if (!sig || !kid) return 'signature_required';
  const key = keyOf(kid);
  if (key === undefined) return 'bad_signature';
  const expected = (isWritten(sig) ? WRITTEN : '') + hmac(key, messageOf(signed));
  if (!sameText(sig, expected)) return 'bad_signature';
  return Number(signed.url['exp']) < now ? 'url_expired' : undefined;
}
