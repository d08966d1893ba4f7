import { Problem } from '../../shared/errors.ts';

/** PARAMS.md, rule 10: 1 to 8 segments, so an existing bucket's keys are ids as they stand. */
export const ID_SEGMENT = '[A-Za-z0-9][A-Za-z0-9._~-]{0,127}';
const ID = new RegExp(`^${ID_SEGMENT}(?:/${ID_SEGMENT}){0,7}$`);
const ALLOWED = '1-8 segments of [A-Za-z0-9][A-Za-z0-9._~-]{0,127} joined by /';

/** S3 keys end at 1,024 bytes; the rest is for `img/` and the canonical form. */
const MAX_ID_BYTES = 700;

export function isId(text: string): boolean {
  return text.length <= MAX_ID_BYTES && ID.test(text) && !text.includes('..');
}

/**
 * @param text  as it stands in the path or body, not decoded: an escaped slash is no slash
 * @throws Problem `invalid_parameter`
 */
export function readId(text: string): string {
  if (isId(text)) return text;
  throw new Problem('invalid_parameter', `"${text}" is not an id; allowed: ${ALLOWED}.`, {
    param: 'id',
    received: text,
    allowed: ALLOWED,
  });
}

/** Splits the path behind `/img/`: the last segment is a canonical form exactly when it has a `=`, which no id has. */
export function splitPath(path: string): { id: string; canonical: string | undefined } {
  const offset = path.lastIndexOf('/');
  const last = path.slice(offset + 1);
  if (offset < 0 || !last.includes('=')) return { id: readId(path), canonical: undefined };
  return { id: readId(path.slice(0, offset)), canonical: last };
}

/** Key of a result in the results bucket, and its path behind the host. */
export function resultKey(id: string, canonical: string): string {
  return `img/${id}/${canonical}`;
}

/** Prefix of all results of an image. */
export function resultPrefix(id: string): string {
  return `img/${id}/`;
}
