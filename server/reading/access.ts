import { createHmac } from 'node:crypto';
import type { Config } from '../config/settings.ts';
import { presetForms, refusedWidth } from '../core/operations/allowed.ts';
import type { Canonical } from '../core/query/canonical.ts';
import type { Hmac } from '../core/query/signature.ts';
import { checkSignature, isWritten, messageOf, TAKES_TEXT } from '../core/query/signature.ts';
import { isProblem, Problem } from '../shared/errors.ts';

export const hmacSha256: Hmac = (key, message) =>
  createHmac('sha256', Buffer.from(key, 'hex')).update(message).digest('base64url');

const REASONS = {
  signature_required: 'This deployment serves signed URLs only; sig and kid are missing.',
  bad_signature: 'The signature is not that of the text that was checked, or there is no key of this name.',
  url_expired: 'The time of this signed URL is over.',
} as const;

const TEXT_UNSIGNED = 'A text on a mark (wmx, wm2x) is taken from signed URLs only; sig and kid are missing.';

type AccessSettings = Pick<
  Config,
  'signatures' | 'signingKeys' | 'presets' | 'presetsOnly' | 'allowedWidths'
>;

/** What a URL asks for, and as what it is written. */
export interface AccessRequest {
  readonly id: string;
  readonly read: Canonical;
  /** What a signature of the written form covers: asked where there is one. */
  readonly written: () => string;
}

/** Who may ask for what, as the deployment decides. Everything is off by default. */
export class Access {
  readonly #settings: AccessSettings;
  readonly #forms: Set<string>;
  readonly #now: () => number;

  /** @param now  unix seconds */
  constructor(settings: AccessSettings, now: () => number) {
    this.#settings = settings;
    this.#forms = settings.presetsOnly ? presetForms(settings.presets) : new Set();
    this.#now = now;
  }

  /** @throws Problem `signature_required`, `bad_signature`, `url_expired`, `not_allowed`, each naming its reason */
  check(asked: AccessRequest): void {
    this.#checkSignature(asked);
    const { canonical } = asked.read;
    if (this.#settings.presetsOnly && !this.#forms.has(canonical)) {
      const allowed = Object.keys(this.#settings.presets)
        .map((name) => `p=${name.slice(1)}`)
        .join(' ');
      throw new Problem('not_allowed', `This deployment serves presets only: ${allowed}.`, {
        received: canonical,
        allowed,
      });
    }
    this.#checkWidth(canonical);
  }

  /** Whether an address without a signature is served, so that it may be told to whoever asks what a URL would do. */
  servesUnsigned(asked: AccessRequest): boolean {
    if (this.#settings.signatures !== 'off') return false;
    try {
      this.check({ ...asked, read: { ...asked.read, url: {} } });
      return true;
    } catch (error) {
      if (isProblem(error)) return false;
      throw error;
    }
  }

  #checkSignature({ id, read: { canonical, url }, written }: AccessRequest): void {
    const { signatures, signingKeys } = this.#settings;
    // A URL that says when it ends ends then, signed or not: `edge` has checked the rest.
    const takesText = TAKES_TEXT.test(canonical);
    if (signatures === 'edge' || (signatures === 'off' && !takesText)) {
      this.#checkExpiry(url);
      return;
    }
    const signed = { id, canonical, url, written: isWritten(url['sig'] ?? '') ? written() : '' };
    // Own properties only: `kid=constructor` would otherwise find a function of every object.
    const keyOf = (kid: string) => (Object.hasOwn(signingKeys, kid) ? signingKeys[kid] : undefined);
    const code = checkSignature(signed, keyOf, hmacSha256, this.#now());
    const facts = code === 'bad_signature' ? { param: 'sig', checked: messageOf(signed) } : {};
    const isOfText = code === 'signature_required' && takesText;
    if (code) throw new Problem(code, isOfText ? TEXT_UNSIGNED : REASONS[code], facts);
  }

  #checkExpiry(url: Canonical['url']): void {
    if (url['exp'] && Number(url['exp']) < this.#now())
      throw new Problem('url_expired', REASONS.url_expired, { param: 'exp' });
  }

  #checkWidth(canonical: string): void {
    const { allowedWidths } = this.#settings;
    const refused = refusedWidth(canonical, allowedWidths);
    if (!refused) return;
    const allowed = allowedWidths.join(' ');
    const { param, received, value } = refused;
    throw new Problem('not_allowed', `${received} is not served here; widths (with dpr): ${allowed}.`, {
      param,
      received: String(value),
      allowed,
    });
  }
}
