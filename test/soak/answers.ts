import { createHash } from 'node:crypto';

/** An answer, read to its end. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Buffer;
}

/** Of each file that may come: how it begins. */
const STARTS: Readonly<Record<string, RegExp>> = {
  'image/webp': /^RIFF....WEBP/s,
  'image/jpeg': /^\xff\xd8\xff/,
  'image/png': /^\x89PNG\r\n/,
  'image/avif': /^....ftypavif/s,
};

/** The answers with which a service that is well may refuse: it is full or ends, or too late. */
const MAY_REFUSE = [503, 504];

export const isRefusal = ({ status }: Answer): boolean => MAY_REFUSE.includes(status);

/** What is wrong with a refusal: it says when to come again, and is kept by no cache. */
function wrongInRefusal({ status, headers }: Answer): string | undefined {
  const cached = headers.get('cache-control');
  if (cached !== 'no-store') return `is a ${status} that may be kept: ${cached}`;
  const seconds = Number(headers.get('retry-after'));
  return status === 503 && !(seconds >= 1 && seconds <= 60)
    ? `is a 503 with Retry-After: ${seconds}`
    : undefined;
}

/** What is wrong with a picture: its bytes are those of its ETag, length and type, whoever was killed meanwhile. */
function wrongInPicture({ headers, bytes }: Answer): string | undefined {
  if (headers.get('etag') !== `"${createHash('md5').update(bytes).digest('hex')}"`)
    return `has the ETag of other bytes: ${headers.get('etag')}`;
  if (Number(headers.get('content-length')) !== bytes.length) return 'has another length than it says';
  const type = headers.get('content-type') ?? '';
  return STARTS[type]?.test(bytes.toString('latin1', 0, 16)) ? undefined : `is no ${type}`;
}

/**
 * @param expected  statuses beside refusals
 * @returns         what is wrong with an answer; undefined: nothing
 */
export function wrongIn(answer: Answer, expected: readonly number[]): string | undefined {
  const { status, bytes, headers } = answer;
  if (isRefusal(answer)) return wrongInRefusal(answer);
  if (!expected.includes(status)) return `is a ${status}: ${bytes.toString('utf8', 0, 300)}`;
  const isPicture = headers.get('content-type')?.startsWith('image/');
  return status === 200 && isPicture && bytes.length > 0 ? wrongInPicture(answer) : undefined;
}
