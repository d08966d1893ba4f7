/** Last segments that name what is done to the image before them. */
const ACTIONS = ['status', 'variants', 'purge', 'original'] as const;
const PREFIX = '/api/images/';

/**
 * Writes the slashes of an id as `%2F`, so that one route parameter holds all of it: `/api/images/a/b.jpg/status`
 * becomes `/api/images/a%2Fb.jpg/status`. The last of several segments is an action if it is the name of one;
 * an id that really ends so is written with `%2F` by its caller.
 *
 * @param url  path and query as they came
 */
export function foldId(url: string): string {
  if (!url.startsWith(PREFIX)) return url;
  const end = url.indexOf('?');
  const path = end < 0 ? url : url.slice(0, end);
  const segments = path.slice(PREFIX.length).split('/');
  if (segments.length < 2) return url;
  const last = segments.at(-1);
  const action = ACTIONS.find((name) => name === last);
  const id = (action ? segments.slice(0, -1) : segments).join('%2F');
  return `${PREFIX}${id}${action ? `/${action}` : ''}${end < 0 ? '' : url.slice(end)}`;
}
