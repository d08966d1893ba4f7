import { type JsonValue, query } from 'jsonpath-rfc9535';
import { broken } from './document.ts';
import type { Found } from './found.ts';

/** Names under which an object has what a text would be; the first that is there. */
const URLS = ['url', 'src', 'href'] as const;
const MARKS = ['updatedAt', 'updated', 'modified', 'lastModified', 'version', 'etag'] as const;

/** What a page of a list in JSON says. */
export interface JsonPage {
  readonly found: readonly Found[];
  /** Address of the next page as it is written; undefined: this is the last. */
  readonly next: string | undefined;
}

/** Paths as RFC 9535 has them. */
interface Paths {
  /** Leads to texts, or to objects with `url`, `title` and `updatedAt` or the like. */
  readonly path: string;
  /** Leads to the address of the next page, or to nothing, null, false or '' on the last; undefined: there is one page. */
  readonly next?: string | undefined;
}

/**
 * Reads addresses out of JSON.
 *
 * @throws Problem `invalid_feed` for what is no JSON or was cut, and where a path leads to something else
 */
export function readJsonPage(from: string, text: string, { path, next }: Paths): JsonPage {
  const value = parsed(from, text);
  const found = select(from, value, path).map((one, index) => {
    const picture = typeof one === 'string' ? { url: one } : foundIn(one);
    if (picture) return picture;
    throw broken(
      from,
      `item ${index + 1} of ${path} is neither a text nor an object with ${URLS.join(', ')}`,
    );
  });
  return { found, next: next === undefined ? undefined : nextOf(from, value, next) };
}

function nextOf(from: string, value: JsonValue, path: string): string | undefined {
  const [link, another] = select(from, value, path);
  if (another === undefined && typeof link === 'string') return link || undefined;
  if (another === undefined && (link ?? false) === false) return undefined;
  throw broken(from, `${path} is not the address of one next page`);
}

function parsed(from: string, text: string): JsonValue {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw broken(from, `is no JSON: ${error instanceof Error ? error.message : String(error)}`, error);
  }
}

/** What is nested without end ends the stack of the query, and is refused as well. */
function select(from: string, value: JsonValue, path: string): JsonValue[] {
  try {
    return query(value, path);
  } catch (error) {
    throw broken(from, `cannot be asked for ${path}`, error);
  }
}

function foundIn(value: JsonValue): Found | undefined {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return undefined;
  const texts = new Map(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
  const first = (names: readonly string[]) => names.map((name) => texts.get(name)).find(Boolean);
  const [url, title, mark] = [first(URLS), texts.get('title'), first(MARKS)];
  return url === undefined ? undefined : { url, ...(title && { title }), ...(mark && { mark }) };
}

/** @throws where a path is none of RFC 9535 */
export function checkJsonPath(path: string): void {
  query(null, path);
}
