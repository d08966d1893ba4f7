import { Problem } from '../../shared/errors.ts';
import { beginningOf } from '../../shared/text.ts';
import { splitPath } from './path.ts';

/** S3 keys end at 1,024 bytes; the rest is for `img/` and the canonical form. */
export const MAX_ID_BYTES = 700;

/** Characters of what is no id that are told. */
const MOST_TOLD = 2_048;

/** Of all that an id must not have, the letters: for documents, which cannot say the rest. JSON Schema's dialect, without `u`. */
export const ID_PATTERN = '^[^\\\\\\u0000-\\u001f\\u007f-\\u009f]+$';

/** Where bytes lie in the bucket of originals until they are known to be good: no id begins like this. */
export const STAGED = '.incoming/';

const ALLOWED = `1 to ${MAX_ID_BYTES} bytes of UTF-8: segments joined by /, none empty, "." or "..", without control characters and backslashes`;

/** Why a text is no id, in the order in which it is looked at. */
const REFUSALS: readonly (readonly [reason: string, holds: (text: string) => boolean])[] = [
  ['it is empty', (text) => text === ''],
  [
    'it ends in a slash, as the markers of folders do',
    (text) => text.endsWith('/') && !/^\/|\/\//.test(text),
  ],
  ['it has an empty segment', (text) => /^\/|\/\/|\/$/.test(text)],
  ['it has a segment "." or ".."', (text) => /(?:^|\/)\.\.?(?:\/|$)/.test(text)],
  ['it has a backslash', (text) => text.includes('\\')],
  ['it has a control character', (text) => /\p{Cc}/u.test(text)],
  ['it is no UTF-8', (text) => !text.isWellFormed()],
  [`it has more than ${MAX_ID_BYTES} bytes`, (text) => Buffer.byteLength(text) > MAX_ID_BYTES],
  [`${STAGED} is where uploads wait`, (text) => text.startsWith(STAGED)],
];

/**
 * Why a key cannot be served; undefined for one that is an id (PARAMS.md, rule 10). Nothing is normalised: two keys
 * that look alike are two images.
 */
export function refusalOf(key: string): string | undefined {
  return REFUSALS.find(([, holds]) => holds(key))?.[0];
}

export function isId(text: string): boolean {
  return refusalOf(text) === undefined;
}

/**
 * @param text  decoded, as the bucket has it
 * @throws Problem `invalid_parameter`
 */
export function readId(text: string): string {
  const refusal = refusalOf(text);
  if (refusal === undefined) return text;
  // In a body it may be as long as that.
  const received = beginningOf(text, MOST_TOLD);
  throw new Problem('invalid_parameter', `"${received}" is not an id: ${refusal}.`, {
    param: 'id',
    received,
    allowed: ALLOWED,
  });
}

/** What a URL whose escapes cannot be read is told. */
export function brokenEscapes(path: string): Problem {
  const hint = 'Write each segment of an id as encodeURIComponent does: UTF-8, and a percent sign as %25.';
  const detail = 'The path has a percent sign that begins no escape, or escapes that are no UTF-8.';
  return new Problem('invalid_parameter', detail, { param: 'id', received: path, hint });
}

/**
 * Reads the path behind `/img/`.
 *
 * @param path  raw, as it stands in the URL
 * @throws Problem `invalid_parameter`
 */
export function readPath(path: string): { id: string; canonical: string | undefined } {
  const split = splitPath(path);
  if (!split) throw brokenEscapes(path);
  const [id, canonical] = split;
  if (id === '' && canonical !== undefined) {
    const hint = 'A "=" in the last segment marks a canonical form; that of an id is written %3D.';
    throw new Problem('invalid_parameter', 'There is no id before the canonical form.', {
      param: 'id',
      received: path,
      allowed: ALLOWED,
      hint,
    });
  }
  return { id: readId(id), canonical };
}

/** Key of a result in memory and, with what else it is made of behind it, in the results bucket. */
export function resultKey(id: string, canonical: string): string {
  return `img/${id}/${canonical}`;
}

/** Prefix of all results of an image. */
export function resultPrefix(id: string): string {
  return `img/${id}/`;
}

/**
 * Prefix of what stands for an original that is not rendered as it is; beside the results, where no edge looks. It begins with
 * the number of segments, so that no id lies below another one, and their masters are told apart by prefix.
 */
export function masterPrefix(id: string): string {
  return `master/${id.split('/').length}/${id}/`;
}

/** Prefix of all results of a variant, whichever pipeline made them. */
export function resultPlaces(id: string, canonical: string): string {
  return `${resultKey(id, canonical)}&_=`;
}
