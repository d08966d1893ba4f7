import { createHash, timingSafeEqual } from 'node:crypto';
import type { JWTPayload, JWTVerifyGetKey } from 'jose';
import type { ApiToken, Scope } from '../../config/parsers.ts';
import { Problem } from '../../shared/errors.ts';

/** What signs with a public key: a JWKS never holds the secret of an HMAC, and `none` is no signature. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];

export interface AuthSettings {
  readonly apiTokens: readonly ApiToken[];
  readonly jwksUrl: string | undefined;
  readonly jwtIssuer: string | undefined;
  readonly jwtAudience: string | undefined;
}

interface Caller {
  readonly name: string;
  readonly scopes: readonly string[];
}

/** Who may use the management API. */
export class Auth {
  readonly #settings: AuthSettings;
  #keys: JWTVerifyGetKey | undefined;

  constructor(settings: AuthSettings) {
    this.#settings = settings;
  }

  /** Nothing is configured: whoever is let in may do everything. */
  get isOpen(): boolean {
    return this.#settings.apiTokens.length === 0 && this.#settings.jwksUrl === undefined;
  }

  /**
   * @param authorization  the header
   * @param needed         write includes read
   * @returns              the name of the caller; undefined where the API is open
   * @throws Problem `unauthorized`, `forbidden`, `keys_unavailable`
   */
  async check(authorization: string | undefined, needed: Scope): Promise<string | undefined> {
    if (this.isOpen) return undefined;
    const token = /^Bearer +([\w.~+/=-]+)$/i.exec(authorization ?? '')?.[1];
    if (!token) throw unauthorized('This call needs a bearer token.');
    const caller = this.#byToken(token) ?? (await this.#byJwt(token));
    if (!caller) throw unauthorized('The bearer token is not accepted.');
    if (caller.scopes.includes(needed) || caller.scopes.includes('write')) return caller.name;
    const facts = { received: caller.scopes.join(' ') || 'none', allowed: needed };
    throw new Problem('forbidden', `This call needs the scope "${needed}".`, facts);
  }

  /** Looks at every hash, whatever matches: the time says nothing about how near a guess came. */
  #byToken(token: string): Caller | undefined {
    const digest = createHash('sha256').update(token).digest();
    let found: Caller | undefined;
    for (const { name, scope, hash } of this.#settings.apiTokens) {
      if (timingSafeEqual(digest, Buffer.from(hash, 'hex'))) found = { name, scopes: [scope] };
    }
    return found;
  }

  async #byJwt(token: string): Promise<Caller | undefined> {
    const { jwksUrl, jwtIssuer, jwtAudience } = this.#settings;
    if (jwksUrl === undefined || token.split('.').length !== 3) return undefined;
    const { createRemoteJWKSet, errors, jwtVerify } = await import('jose');
    this.#keys ??= createRemoteJWKSet(new URL(jwksUrl));
    try {
      const { payload } = await jwtVerify(token, this.#keys, {
        algorithms: ALGORITHMS,
        requiredClaims: ['exp'],
        ...(jwtIssuer ? { issuer: jwtIssuer } : {}),
        ...(jwtAudience ? { audience: jwtAudience } : {}),
      });
      return { name: payload.sub ?? 'jwt', scopes: scopesOf(payload) };
    } catch (error) {
      if (isTokenFault(errors, error)) throw unauthorized('The token is not accepted.', error);
      const detail = 'The keys that tokens are checked with cannot be fetched.';
      throw new Problem('keys_unavailable', detail, { retryAfterSeconds: 5 }, error);
    }
  }
}

/** `scope` as RFC 8693 has it, or a list as other issuers write it. */
function scopesOf({ scope, scp, scopes }: JWTPayload & Record<string, unknown>): string[] {
  return [scope, scp, scopes].flat().flatMap((entry) => (typeof entry === 'string' ? entry.split(' ') : []));
}

function isTokenFault(errors: typeof import('jose').errors, error: unknown): boolean {
  return (
    error instanceof errors.JOSEError &&
    !(error instanceof errors.JWKSTimeout) &&
    !(error instanceof errors.JWKSInvalid) &&
    // jose names any answer of the key server other than 200 like this.
    error.code !== 'ERR_JOSE_GENERIC'
  );
}

function unauthorized(detail: string, cause?: unknown): Problem {
  const hint = 'Authorization: Bearer <token>';
  return new Problem('unauthorized', detail, { hint }, cause);
}
