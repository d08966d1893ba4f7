import { readQuery } from '../core/operations/transformation.ts';
import { idInUrl } from '../core/query/path.ts';
import type { Presets } from '../core/query/rule.ts';
import { signedMessage } from '../core/query/signature.ts';
import { hmacSha256 } from '../reading/access.ts';
import { isProblem, Problem } from '../shared/errors.ts';

export interface UrlSettings {
  readonly publicUrl: string | undefined;
  readonly signatures: 'off' | 'required' | 'edge';
  readonly signingKeys: Readonly<Record<string, string>>;
  readonly presets: Presets;
}

/** Addresses of images as pages write them; signed where the deployment serves nothing else. */
export class Urls {
  readonly #settings: UrlSettings;

  constructor(settings: UrlSettings) {
    this.#settings = settings;
  }

  /** @param origin  scheme and host that the request came to; PUBLIC_URL wins */
  base(origin: string): string {
    return this.#settings.publicUrl ?? origin;
  }

  image(base: string, id: string): string {
    return this.variant(base, id, '');
  }

  variant(base: string, id: string, canonical: string): string {
    return this.#url(base, id, [canonical, this.#signature(id, canonical)]);
  }

  /**
   * Of a query as a caller has written it; the format is negotiated where the query names none.
   *
   * @returns  undefined for what is a query no more: its preset is gone
   */
  requested(base: string, id: string, query: string): string | undefined {
    try {
      const written = new URL('http://localhost');
      // What no URL can have is escaped; what is escaped stays as it is.
      written.search = query.replace(/^\?/, '');
      const raw = written.search.slice(1);
      const { canonical } = readQuery(raw, this.#settings.presets);
      return this.#url(base, id, [raw, this.#signature(id, canonical)]);
    } catch (error) {
      if (isProblem(error)) return undefined;
      throw error;
    }
  }

  #url(base: string, id: string, query: readonly string[]): string {
    const search = query.filter((part) => part !== '').join('&');
    return `${base}/img/${idInUrl(id)}${search ? `?${search}` : ''}`;
  }

  status(base: string, id: string): string {
    return `${base}/api/images/${idInUrl(id)}/status`;
  }

  /**
   * The first key when no name is told: rotation puts the new one there.
   *
   * @throws Problem `not_allowed` where there are no keys, `invalid_request` for a name that is none
   */
  signingKey(name?: string): readonly [kid: string, key: string] {
    const keys = Object.entries(this.#settings.signingKeys);
    if (keys.length === 0)
      throw new Problem('not_allowed', 'This deployment has no SIGNING_KEYS to sign with.');
    const found = name === undefined ? keys[0] : keys.find(([kid]) => kid === name);
    if (found) return found;
    const facts = { param: 'kid', received: name, allowed: keys.map(([kid]) => kid).join(' ') };
    throw new Problem('invalid_request', `There is no signing key "${name}".`, facts);
  }

  /** With the first key: rotation puts the new one there. */
  #signature(id: string, canonical: string): string {
    const { signatures, signingKeys } = this.#settings;
    const [first] = Object.entries(signingKeys);
    if (signatures === 'off' || !first) return '';
    const [kid, key] = first;
    return `kid=${kid}&sig=${hmacSha256(key, signedMessage(id, canonical, kid, ''))}`;
  }
}
