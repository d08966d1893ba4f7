// [edge-safe] The HMAC itself is handed in: node:crypto on the server, the runtime's crypto at the edge.

/** HMAC-SHA256 of `message` under `key`, base64url without padding (43 characters). */
export type Hmac = (key: string, message: string) => string;

export type SignatureError = 'signature_required' | 'bad_signature' | 'url_expired';

/**
 * What is signed: every part on a line of its own, so that no part can run into the next.
 *
 * @param canonical  before the format is negotiated, so one signature serves every client
 * @param exp        unix seconds as text; '' when the URL does not expire
 */
export function signedMessage(id: string, canonical: string, kid: string, exp: string): string {
  return [id, canonical, kid, exp].join('\n');
}

/** Takes the same time wherever two texts of one length differ. */
function sameText(a: string, b: string): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < b.length; i++) difference |= a.charCodeAt(i % (a.length || 1)) ^ b.charCodeAt(i);
  return difference === 0;
}

/**
 * @param url    sig, kid, exp of the URL
 * @param keyOf  the secret of a key id; undefined when there is none of that name
 * @param now    unix seconds
 * @returns      the reason for a refusal, or undefined when the signature holds
 */
export function checkSignature(
  request: { id: string; canonical: string; url: Readonly<Record<string, string>> },
  keyOf: (kid: string) => string | undefined,
  hmac: Hmac,
  now: number,
): SignatureError | undefined {
  const sig = request.url['sig'];
  const kid = request.url['kid'];
  const exp = request.url['exp'] || '';
  if (!sig || !kid) return 'signature_required';
  const key = keyOf(kid);
  if (key === undefined) return 'bad_signature';
  const expected = hmac(key, signedMessage(request.id, request.canonical, kid, exp));
  if (!sameText(sig, expected)) return 'bad_signature';
  return exp && Number(exp) < now ? 'url_expired' : undefined;
}
