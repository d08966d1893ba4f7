import { createHmac } from 'node:crypto';
import { readQuery } from '../../../server/core/operations/transformation.ts';
import { signedMessage } from '../../../server/core/query/signature.ts';

/** Key that the tests put into the store of a signing edge. */
export const KID = 'k1';
export const SECRET = '00112233445566778899aabbccddeeff';

/**
 * A query with its signature.
 *
 * @param exp  unix seconds as text; '' for a URL that does not end
 */
export function sign(id: string, query: string, exp = ''): string {
  const { canonical } = readQuery(query, {});
  const sig = createHmac('sha256', Buffer.from(SECRET, 'hex'))
    .update(signedMessage(id, canonical, KID, exp))
    .digest('base64url');
  return `${query}&kid=${KID}${exp ? `&exp=${exp}` : ''}&sig=${sig}`;
}

/** The same over the text of the URL, whatever it means. */
export function signAsWritten(id: string, query: string): string {
  const text = `w-/img/${id}?${query}`;
  const sig = createHmac('sha256', Buffer.from(SECRET, 'hex')).update(text).digest('base64url');
  return `${query}&sig=w-${sig}`;
}
