import { type JsonValue, query } from 'jsonpath-rfc9535';
import { broken } from './document.ts';
import type { Found } from './found.ts';

/** Names under which an object has what a text would be; the first that is there. */
const URLS = ['url', 'src', 'href'] as const;
const MARKS = ['updatedAt', 'updated', 'modified', 'lastModified', 'version', 'etag'] as const;

/**
 * Reads addresses out of JSON.
 *
 * @param path  as RFC 9535 has it; what it leads to is a text, or an object with `url`, `title` and `updatedAt` or the like
 * @throws Problem `invalid_feed` for what is no JSON or was cut, and where the path leads to something else
 */
export function readJsonList(from: string, text: string, path: string): Found[] {
  let value: JsonValue;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw broken(from, `is no JSON: ${error instanceof Error ? error.message : String(error)}`, error);
  }
  return select(from, value, path).map((one, index) => {
    const found = typeof one === 'string' ? { url: one } : foundIn(one);
    if (found) return found;
    throw broken(
      from,
      `item ${index + 1} of ${path} is neither a text nor an object with ${URLS.join(', ')}`,
    );
  });
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
