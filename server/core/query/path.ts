// [edge-safe] What a path behind `/img/` says, and the one spelling of an id in a URL.

/**
 * `id` is decoded, whether it can be one is not looked at; '' where the path has a form alone. `form` is the last
 * segment as it is written, where that is a canonical form.
 */
export type ImagePath = readonly [id: string, form: string | undefined];

/** Matches whatever stands before a query. Each character is looked at twice at most, however many `=` there are. */
const PARTS = /^([^?]*?)(?:(?:^|\/)([^/=]*=[^/]*))?$/;

/**
 * Reads a path. An escaped slash is a slash (RFC 3986, 6.2.2.2); a raw `=` in the last segment marks a canonical form,
 * so that an id's own is written `%3D`.
 *
 * @param path  raw, behind the prefix of the route
 * @returns     undefined for escapes that are broken or no UTF-8
 */
export function splitPath(path: string): ImagePath | undefined {
  const parts = PARTS.exec(path.replace(/%2f/gi, '/')) as RegExpExecArray;
  try {
    return [decodeURIComponent(parts[1] as string), parts[2]];
  } catch (_broken) {
    return undefined;
  }
}

/** An id as it stands in URLs, in the cache of the CDN and in links: `+` is `%2B`, which S3 would read as a blank. */
export function idInUrl(id: string): string {
  return encodeURIComponent(id).replace(/%2F/g, '/');
}

/**
 * Last segment of the path that the edge asks for, and of the key of a stored result. Every version of the parser drops
 * `_`, so tasks of another deployment read it as the same picture.
 *
 * @param canonical  format resolved
 * @param marked     in place of `epoch` where there is a watermark
 */
export function place(canonical: string, epoch: string, marked: string): string {
  return canonical + '&_=' + (canonical.indexOf('&wm') < 0 ? epoch : marked);
}
