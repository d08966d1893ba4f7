/** Last segments that name what is done to the image before them. */
const ACTIONS = ['status', 'variants', 'purge', 'original', 'notifications', 'refresh', 'block'] as const;
const PREFIX = '/api/images/';

/** RFC 3986, 6.2.2.2: of letters, digits and `-._~` the escape is another spelling, also in the names of routes. */
const plain = (path: string): string =>
  path.replace(/%(?:2[DE]|3[0-9]|[46][1-9A-F]|[57][0-9A]|5F|7E)/gi, decodeURIComponent);

/**
 * Writes the slashes of an id as `%2F`, so that one route parameter holds all of it: `/api/images/a/b.jpg/status`
 * becomes `/api/images/a%2Fb.jpg/status`. The last of several segments is an action if it is the name of one;
 * an id that really ends so is written with `%2F` by its caller.
 *
 * @param target  path and query as they came
 */
export function foldId(target: string): string {
  const end = target.indexOf('?');
  const path = plain(end < 0 ? target : target.slice(0, end));
  const query = end < 0 ? '' : target.slice(end);
  const url = path + query;
  if (!path.startsWith(PREFIX)) return url;
  const segments = path.slice(PREFIX.length).split('/');
  if (segments.length < 2) return url;
  const last = segments.at(-1);
  const action = ACTIONS.find((name) => name === last);
  const id = (action ? segments.slice(0, -1) : segments).join('%2F');
  return `${PREFIX}${id}${action ? `/${action}` : ''}${query}`;
}
