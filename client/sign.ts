export interface SigningKey {
  readonly kid: string;
  /** Hex digits, as SIGNING_KEYS of the deployment has them. */
  readonly key: string;
}

const bytesOf = (hex: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

const base64url = (bytes: ArrayBuffer): string =>
  btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');

/**
 * Signs an address as it is sent (docs/signing.md): nothing of it may be changed afterwards. For servers and edge
 * functions; a key in a page is no secret. What a browser would escape (`'`, blanks, `ü`) is escaped before it is signed.
 *
 * @param url  from `url()`, absolute or not
 * @param exp  Unix seconds at which it ends; never when absent
 * @throws Error for an address that is none of a picture, or is signed already
 */
export async function sign(url: string, { kid, key }: SigningKey, exp?: number): Promise<string> {
  const start = url.indexOf('/img/');
  if (start < 0 || /[?&](sig|kid|exp)=/.test(url)) throw new Error(`Cannot be signed: ${url}`);
  const end = exp === undefined ? '' : `exp=${exp}&`;
  const written = `${url}${url.includes('?') ? '&' : '?'}${end}kid=${kid}`;
  const { pathname, search } = new URL(written.slice(start).replaceAll('#', '%23'), 'http://localhost');
  const unsigned = pathname + search;
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  const secret = await crypto.subtle.importKey('raw', bytesOf(key), algorithm, false, ['sign']);
  const text = new TextEncoder().encode(`w-${unsigned}`);
  return `${url.slice(0, start)}${unsigned}&sig=w-${base64url(await crypto.subtle.sign('HMAC', secret, text))}`;
}
