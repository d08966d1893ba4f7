import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { join } from 'node:path';
import { Problem } from '../shared/errors.ts';
import { madeOnce } from '../shared/made-once.ts';
import type { Form } from '../stores/objects.ts';

/** What a form of ours allows. */
export interface Policy {
  readonly id: string;
  readonly contentType: string;
  /** Bytes, neither more nor fewer. */
  readonly size: number;
  /** Unix ms. */
  readonly expires: number;
  /** Of the announcement that it was made for; absent in one of a checkout of before. */
  readonly form?: string;
}

/** Browsers post to this server, which holds them to the same conditions by a signed policy of its own. */
export class LocalForms {
  readonly #secret: string;

  constructor(secret: string) {
    this.#secret = secret;
  }

  /** @param base  of this server */
  form(policy: Policy, base: string): Form {
    const encoded = Buffer.from(JSON.stringify(policy)).toString('base64url');
    const fields = { key: policy.id, 'Content-Type': policy.contentType, policy: encoded };
    const url = `${base}/api/uploads/${encodeURIComponent(policy.id)}`;
    return { url, fields: { ...fields, signature: this.#sign(encoded) } };
  }

  /**
   * What the fields of a posted form allow.
   *
   * @throws Problem `bad_signature`, `url_expired`, `not_allowed` for a field that the policy does not allow
   */
  open(fields: Readonly<Record<string, string>>, id: string, now: number): Policy {
    const { policy: encoded = '', signature = '' } = fields;
    if (!isSame(signature, this.#sign(encoded))) {
      throw new Problem('bad_signature', 'The policy is not one of ours, or was changed.', {
        param: 'policy',
      });
    }
    const policy: Policy = JSON.parse(Buffer.from(encoded, 'base64url').toString());
    if (policy.expires <= now) throw new Problem('url_expired', 'The time for this upload is over.');
    const allowed = { key: policy.id, 'Content-Type': policy.contentType };
    for (const [param, value] of Object.entries(allowed)) {
      if (fields[param] !== value) throw notAllowed(param, fields[param], value);
    }
    if (id !== policy.id) throw notAllowed('key', id, policy.id);
    return policy;
  }

  #sign(policy: string): string {
    return createHmac('sha256', this.#secret).update(`upload\n${policy}`).digest('base64url');
  }
}

function notAllowed(param: string, received: string | undefined, allowed: string): Problem {
  return new Problem('not_allowed', `The policy of this upload allows ${param} "${allowed}" only.`, {
    param,
    received,
    allowed,
  });
}

function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

/** The secret of a data folder; made by whoever comes first, the same for all processes on it. */
export async function openSecret(folder: string): Promise<string> {
  const { text } = await madeOnce(join(folder, 'upload.secret'), () => randomBytes(32).toString('hex'));
  return text;
}
