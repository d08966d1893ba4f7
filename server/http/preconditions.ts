import type { IncomingHttpHeaders } from 'node:http';
import type { ResultFacts } from '../reading/result.ts';
import { Problem } from '../shared/errors.ts';
import { readHttpDate } from '../shared/http-date.ts';
import { isSetBack } from '../shared/set-back.ts';

export type Conditions = Pick<
  IncomingHttpHeaders,
  'if-match' | 'if-unmodified-since' | 'if-none-match' | 'if-modified-since'
>;
type Validators = Pick<ResultFacts, 'etag' | 'lastModified'>;

const TAGS = /(W\/)?"[\x21\x23-\x7e\x80-\xff]*"/g;

/** Whether the request asks for something only on a condition. */
export const isConditional = (request: Conditions): boolean =>
  isGuarded(request) || request['if-none-match'] !== undefined || request['if-modified-since'] !== undefined;

/** Whether it wants no answer at all of another state than the one that it knows. */
export const isGuarded = (request: Conditions): boolean =>
  request['if-match'] !== undefined || request['if-unmodified-since'] !== undefined;

/** HTTP dates have whole seconds. */
const secondsOf = (date: Date): number => Math.floor(date.getTime() / 1000) * 1000;

/** @param isStrong  a weak tag is none, as the bytes may differ */
function names(tags: string, etag: string, { isStrong }: { isStrong: boolean }): boolean {
  if (tags.trim() === '*') return true;
  const listed = [...tags.matchAll(TAGS)].map(([tag]) => tag);
  return listed.includes(`"${etag}"`) || (!isStrong && listed.includes(`W/"${etag}"`));
}

/**
 * Of what the client has already, in the order of RFC 9110, 13.2.2: a tag wins over a date, and what is no date is
 * ignored, as is one that is still to come: it is of no answer, or of one that was made while a clock was wrong.
 *
 * @returns whether 304 says it all
 * @throws Problem `precondition_failed`
 */
export function isUnchanged(request: Conditions, { etag, lastModified }: Validators): boolean {
  const match = request['if-match'];
  const since = readHttpDate(request['if-unmodified-since'] ?? '');
  if (match !== undefined && !names(match, etag, { isStrong: true })) throw failed('If-Match', match);
  if (match === undefined && since !== undefined && secondsOf(lastModified) > since)
    throw failed('If-Unmodified-Since', request['if-unmodified-since'] ?? '');
  const ifNoneMatch = request['if-none-match'];
  if (ifNoneMatch !== undefined) return names(ifNoneMatch, etag, { isStrong: false });
  const date = readHttpDate(request['if-modified-since'] ?? '');
  return date !== undefined && !isSetBack(date, Date.now()) && secondsOf(lastModified) <= date;
}

function failed(param: string, received: string): Problem {
  return new Problem('precondition_failed', `The picture is another one than ${param} says.`, {
    param,
    received,
  });
}
