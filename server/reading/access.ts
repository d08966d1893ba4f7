import { createHmac } from 'node:crypto';
import type { Config } from '../config/settings.ts';
import { INDEX, readPairs, readTransformation } from '../core/operations/transformation.ts';
import type { Canonical } from '../core/query/canonical.ts';
import type { Presets } from '../core/query/rule.ts';
import type { Hmac } from '../core/query/signature.ts';
import { checkSignature } from '../core/query/signature.ts';
import { isProblem, Problem } from '../shared/errors.ts';

export const hmacSha256: Hmac = (key, message) =>
  createHmac('sha256', Buffer.from(key, 'hex')).update(message).digest('base64url');

const REASONS = {
  signature_required: 'This deployment serves signed URLs only; sig and kid are missing.',
  bad_signature: 'The signature does not belong to this id and canonical form, or its key is not known.',
  url_expired: 'The time of this signed URL is over.',
} as const;

/** Every dpr that the grammar tells from others: quarters from 1 on. */
const DPRS = (INDEX['$dpr']?.grammar ?? []).flatMap((grammar) =>
  grammar[0] === 'density'
    ? Array.from({ length: grammar[2] * 4 - 3 }, (_, quarter) => String(1 + quarter / 4))
    : [],
);

/** Every value of `fmt`, `auto` among them. */
const FORMATS = (INDEX['$fmt']?.grammar ?? []).flatMap((grammar) =>
  grammar[0] === 'enum' ? [...new Set(Object.values(grammar[1]))] : [],
);

/**
 * Canonical forms of every picture that presets make, in all steps of dpr and all formats. Whole forms are
 * compared: what a format has no use for (q of a PNG) is not in the form that is asked for either.
 */
function presetForms(presets: Presets): Set<string> {
  const forms = new Set<string>();
  for (const name of Object.keys(presets)) {
    for (const dpr of DPRS) {
      for (const fmt of FORMATS) {
        const form = formOf({ p: name.slice(1), dpr, fmt }, presets);
        if (form !== undefined) forms.add(form);
      }
    }
  }
  return forms;
}

/** Undefined for what the grammar refuses, as a dpr that would pass the largest side: nobody can ask for it. */
function formOf(query: Readonly<Record<string, string>>, presets: Presets): string | undefined {
  try {
    return readPairs(Object.entries(query), presets).canonical;
  } catch (error) {
    if (isProblem(error)) return undefined;
    throw error;
  }
}

type AccessSettings = Pick<
  Config,
  'signatures' | 'signingKeys' | 'presets' | 'presetsOnly' | 'allowedWidths'
>;

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
  check(id: string, { canonical, url }: Canonical): void {
    this.#checkSignature(id, canonical, url);
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

  #checkSignature(id: string, canonical: string, url: Canonical['url']): void {
    const { signatures, signingKeys } = this.#settings;
    // A URL that says when it ends ends then, signed or not: `edge` has checked the rest.
    if (signatures !== 'required') {
      this.#checkExpiry(url);
      return;
    }
    // Own properties only: `kid=constructor` would otherwise find a function of every object.
    const keyOf = (kid: string) => (Object.hasOwn(signingKeys, kid) ? signingKeys[kid] : undefined);
    const code = checkSignature({ id, canonical, url }, keyOf, hmacSha256, this.#now());
    if (code) throw new Problem(code, REASONS[code], code === 'bad_signature' ? { param: 'sig' } : {});
  }

  #checkExpiry(url: Canonical['url']): void {
    if (url['exp'] && Number(url['exp']) < this.#now())
      throw new Problem('url_expired', REASONS.url_expired, { param: 'exp' });
  }

  #checkWidth(canonical: string): void {
    const { allowedWidths } = this.#settings;
    if (allowedWidths.length === 0) return;
    const { w, h } = readTransformation(canonical);
    if (w === undefined ? h === undefined : allowedWidths.includes(w)) return;
    const allowed = allowedWidths.join(' ');
    const received = w === undefined ? 'a height without a width' : `w=${w}`;
    throw new Problem('not_allowed', `${received} is not served here; widths (with dpr): ${allowed}.`, {
      param: w === undefined ? 'h' : 'w',
      received: String(w ?? h),
      allowed,
    });
  }
}
