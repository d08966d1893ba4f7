import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { Problem } from '../shared/errors.ts';
import type { ImageRecord } from '../stores/images.ts';

/** How long after its form has ended the status of an upload may be read: its variants are still being rendered. */
const AFTER_SECONDS = 3600;

export const newSecret = (): string => randomBytes(16).toString('base64url');

/** What a key says of itself, and what proves it. */
function keyOf(secret: string, id: string, ends: string): string {
  const proof = createHmac('sha256', secret).update(`status\n${id}\n${ends}`).digest('base64url');
  return `${ends}.${proof}`;
}

/**
 * A key that opens the status of one image and nothing else: a page has no token, and EventSource cannot send one.
 *
 * @param secret    of the record
 * @param formEnds  unix seconds
 */
export function statusKey(secret: string, id: string, formEnds: number): string {
  return keyOf(secret, id, String(Math.floor(formEnds) + AFTER_SECONDS));
}

/**
 * @param record  undefined where there is none: who has no key does not learn which images there are
 * @param now     unix seconds
 * @throws Problem `unauthorized`, `url_expired`
 */
export function checkStatusKey(record: ImageRecord | undefined, key: string, now: number): void {
  const [ends = ''] = key.split('.');
  const { id = '', announced } = record ?? {};
  const expected = Buffer.from(keyOf(announced?.secret ?? newSecret(), id, ends));
  const received = Buffer.from(key);
  if (received.length !== expected.length || !timingSafeEqual(received, expected))
    throw new Problem('unauthorized', 'The key of this status is not accepted.', { param: 'key' });
  if (Number(ends) < now)
    throw new Problem('url_expired', 'The time of this status is over.', { param: 'key' });
}
