/** A server of somebody else, whose pictures have ids that begin with a name of ours. */
export interface HttpSource {
  readonly kind: 'http';
  readonly name: string;
  /** Ends in a slash. */
  readonly base: string;
}

export type Source = HttpSource;

/** One segment of an id. */
const NAME = /^[\w-][\w.-]{0,63}$/;

/**
 * Reads `shop` and `https://shop.example/media/`.
 *
 * @throws Error that says what is wrong, without a word of the value
 */
export function readSource(name: string, text: string): Source {
  if (!NAME.test(name)) throw new Error(`the name "${name}" is no first segment of an id`);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isWeb = url?.protocol === 'https:' || url?.protocol === 'http:';
  if (!url || !isWeb) throw new Error(`${name} is no http or https URL`);
  if (url.username || url.password) throw new Error(`${name} has a name or password: see SOURCE_HEADERS`);
  if (url.search || url.hash || !url.pathname.endsWith('/'))
    throw new Error(`${name} must end in a slash, without a query: the rest of an id comes behind it`);
  return { kind: 'http', name, base: url.href };
}

/** The source that an id belongs to, and what it is called there. */
export function sourceOf(
  id: string,
  sources: readonly Source[],
): { source: Source; rest: string } | undefined {
  const end = id.indexOf('/');
  const name = id.slice(0, Math.max(0, end));
  const source = end > 0 ? sources.find((one) => one.name === name) : undefined;
  return source && { source, rest: id.slice(end + 1) };
}

/** Where a source has what it calls so. */
export const addressOf = ({ base }: HttpSource, rest: string): string =>
  base + rest.split('/').map(encodeURIComponent).join('/');
