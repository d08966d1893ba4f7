import { createHmac } from 'node:crypto';

const PREFIX = 'whsec_';

/** A key as the specification serialises it; any other text is a key as it stands. */
function keyOf(secret: string): Buffer {
  return secret.startsWith(PREFIX) ? Buffer.from(secret.slice(PREFIX.length), 'base64') : Buffer.from(secret);
}

/**
 * Headers of a webhook call. With several secrets each signs, so that a receiver may go over from one to the next.
 *
 * @param secrets  `whsec_` and base64, or any text
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export function webhookHeaders(
  secrets: readonly string[],
  { id, unixSeconds, body }: { id: string; unixSeconds: number; body: string },
): Record<string, string> {
  const timestamp = String(Math.floor(unixSeconds));
  const signed = `${id}.${timestamp}.${body}`;
  const signatures = secrets.map(
    (secret) => `v1,${createHmac('sha256', keyOf(secret)).update(signed).digest('base64')}`,
  );
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': signatures.join(' '),
  };
}
