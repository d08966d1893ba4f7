import type { IncomingMessage, ServerResponse } from 'node:http';
import { LRUCache } from 'lru-cache';
import { resolved } from '../core/operations/transformation.ts';
import { negotiate } from '../core/query/accept.ts';
import { resultKey } from '../core/query/id.ts';
import type { Inputs } from '../reading/inputs.ts';
import type { ResultCache } from '../reading/result-cache.ts';
import type { Result } from '../reading/results.ts';
import { factsOf } from '../reading/results.ts';
import type { CacheSettings } from './image-headers.ts';
import { resultHeaders } from './image-headers.ts';
import { isGuarded, isUnchanged } from './preconditions.ts';

/** What a raw URL was found to mean, after it passed parsing and access. */
interface Meaning {
  readonly id: string;
  readonly canonical: string;
  readonly negotiable: boolean;
  readonly url: Readonly<Record<string, string>>;
}

/** Headers as they are sent. Nothing here holds a result: what memory has let go must be free. */
interface Prepared {
  /** What tells the result that the headers belong to from a later one. */
  readonly of: Pick<Result, 'etag' | 'version' | 'lastModified'>;
  readonly ok: string[];
  readonly unchanged: string[];
}

export interface HitPathOptions {
  readonly memory: ResultCache;
  readonly inputs: Pick<Inputs, 'lastKnown'>;
  readonly settings: CacheSettings;
  /** Monotonic ms. */
  readonly now: () => number;
  readonly requestId: (request: IncomingMessage) => string;
  readonly onHit: (hit: { requestId: string; status: number; result: Result; ms: number }) => void;
}

const MAX_URLS = 20_000;
/** Longer ones go by the router: what all entries take together stays below 100 MB. */
const MAX_URL_LENGTH = 512;

const isSame = (entry: Prepared['of'], other: Prepared['of']): boolean =>
  entry.etag === other.etag && entry.version === other.version && entry.lastModified === other.lastModified;

/**
 * Answers memory hits before the router, from the raw URL: the same work as a bare node:http server with a
 * map does (bench: "memory hit"). A URL gets in when the router has answered it once; what depends on the
 * clock (`exp`) never does.
 */
export class HitPath {
  readonly #options: HitPathOptions;
  readonly #meanings = new LRUCache<string, Meaning>({ max: MAX_URLS });
  /** Keys of results by format and raw URL. */
  readonly #keys = new LRUCache<string, string>({ max: MAX_URLS });
  readonly #prepared = new LRUCache<string, Prepared>({ max: MAX_URLS });
  /** Accept headers are few: browsers send one per version. */
  readonly #formats = new LRUCache<string, string>({ max: 500 });

  constructor(options: HitPathOptions) {
    this.#options = options;
  }

  /** The router has answered this URL. */
  learn(rawUrl: string, meaning: Meaning): void {
    if (meaning.url['exp'] === undefined && rawUrl.length <= MAX_URL_LENGTH)
      this.#meanings.set(rawUrl, meaning);
  }

  /** Whether the request was answered. */
  answer(request: IncomingMessage, response: ServerResponse): boolean {
    const url = request.url ?? '';
    const meaning = request.method === 'GET' ? this.#meanings.get(url) : undefined;
    if (!meaning || isGuarded(request.headers)) return false;
    const identity = this.#options.inputs.lastKnown(meaning);
    if (!identity) return false;
    const started = this.#options.now();
    const format = meaning.negotiable ? this.#format(request.headers.accept) : '';
    const spelling = `${format} ${url}`;
    const result = this.#options.memory.get(this.#key(spelling, meaning, format), identity.version);
    if (!result) return false;
    this.#send(request, response, { prepared: this.#prepare(spelling, meaning, result), result, started });
    return true;
  }

  #key(spelling: string, { id, canonical, negotiable }: Meaning, format: string): string {
    const known = this.#keys.get(spelling);
    if (known !== undefined) return known;
    const key = resultKey(id, negotiable ? resolved(canonical, format) : canonical);
    this.#keys.set(spelling, key);
    return key;
  }

  #format(accept: string | undefined): string {
    const header = accept ?? '';
    const known = this.#formats.get(header);
    if (known !== undefined) return known;
    const format = negotiate(accept);
    if (header.length < 1024) this.#formats.set(header, format);
    return format;
  }

  #prepare(key: string, { url, negotiable }: Meaning, result: Result): Prepared {
    const known = this.#prepared.get(key);
    if (known && isSame(known.of, result)) return known;
    const { settings } = this.#options;
    const headers = resultHeaders(factsOf(result), url, { negotiated: negotiable, settings, now: 0 });
    const flat = (from: object) => Object.entries(from).flatMap(([name, value]) => [name, String(value)]);
    const { 'Content-Length': _length, 'Content-Type': _type, ...unchanged } = headers;
    const { etag, version, lastModified } = result;
    const of = { etag, version, lastModified };
    const prepared = { of, ok: flat(headers), unchanged: flat(unchanged) };
    this.#prepared.set(key, prepared);
    return prepared;
  }

  #send(
    request: IncomingMessage,
    response: ServerResponse,
    { prepared, result, started }: { prepared: Prepared; result: Result; started: number },
  ): void {
    const requestId = this.#options.requestId(request);
    const same = isUnchanged(request.headers, result);
    const own = ['X-Image-Cache', 'memory', 'X-Request-Id', requestId];
    response.writeHead(same ? 304 : 200, (same ? prepared.unchanged : prepared.ok).concat(own));
    response.end(same ? undefined : result.bytes);
    this.#options.onHit({ requestId, status: same ? 304 : 200, result, ms: this.#options.now() - started });
  }
}
