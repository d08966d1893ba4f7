import type { IncomingMessage, ServerResponse } from 'node:http';
import { resolved } from '../core/operations/transformation.ts';
import { negotiate } from '../core/query/accept.ts';
import { resultKey } from '../core/query/id.ts';
import { isWithoutRecord } from '../reading/identity.ts';
import type { Images } from '../reading/images.ts';
import type { Inputs, Variant } from '../reading/inputs.ts';
import type { Result } from '../reading/result.ts';
import { factsOf } from '../reading/result.ts';
import type { ResultCache } from '../reading/result-cache.ts';
import type { Uses } from '../reading/uses.ts';
import type { Tracing } from '../telemetry/tracing.ts';
import type { Hit } from './hit-log.ts';
import type { CacheSettings } from './image-headers.ts';
import { resultHeaders } from './image-headers.ts';
import { isConditional, isGuarded, isUnchanged } from './preconditions.ts';

/** What a raw URL was found to mean, after it passed parsing and access. */
interface Meaning {
  readonly id: string;
  readonly canonical: string;
  readonly negotiable: boolean;
  readonly url: Readonly<Record<string, string>>;
}

/** Headers as they are sent; what is of one answer alone stands at their end, and is written there before each. */
interface Prepared {
  /** What tells the result that the headers belong to from a later one. */
  readonly of: Pick<Result, 'etag' | 'version' | 'lastModified'>;
  readonly ok: string[];
  readonly unchanged: string[];
}

/** A URL in one format. Nothing here holds a result: what memory has let go must be free. */
interface Answer {
  readonly key: string;
  readonly variant: Variant;
  prepared?: Prepared;
}

interface Entry {
  readonly meaning: Meaning;
  /** By format; by '' where nothing is negotiated. */
  readonly answers: Map<string, Answer>;
}

export interface HitPathOptions {
  readonly memory: ResultCache;
  readonly inputs: Pick<Inputs, 'believed'>;
  /** A stored result where it can be had without waiting. */
  readonly stored: Images['findAtOnce'];
  readonly uses: Pick<Uses, 'add'>;
  readonly settings: CacheSettings;
  /** Monotonic ms. */
  readonly now: () => number;
  readonly requestId: (request: IncomingMessage) => string;
  readonly tracing: Pick<Tracing, 'request'>;
  readonly onHit: (hit: Hit) => void;
}

/** The last of an answer's headers, without their values. */
const OF_ONE_ANSWER = [
  ['X-Image-Cache', ''],
  ['X-Request-Id', ''],
] as const;
const MAX_URLS = 20_000;
const MAX_FORMATS = 500;
/** Longer ones go by the router: what all entries take together stays below 100 MB. */
const MAX_URL_LENGTH = 512;

const isSame = (entry: Prepared['of'], other: Prepared['of']): boolean =>
  entry.etag === other.etag &&
  entry.version === other.version &&
  entry.lastModified.getTime() === other.lastModified.getTime();

/**
 * Answers hits before the router, from the raw URL: the same work as a bare node:http server does with an LRU or a file
 * (bench: "hits", "stored"). A URL gets in when the router has answered it once; what depends on the clock (`exp`) never
 * does. What is in use is told from what is not by the memory of results alone: of URLs the oldest goes first, which
 * costs one that is in use a single way through the router.
 */
export class HitPath {
  readonly #options: HitPathOptions;
  readonly #entries = new Map<string, Entry>();
  /** Accept headers are few: browsers send one per version. */
  readonly #formats = new Map<string, string>();

  constructor(options: HitPathOptions) {
    this.#options = options;
  }

  /** The router has answered this URL. */
  learn(rawUrl: string, meaning: Meaning): void {
    if (meaning.url['exp'] !== undefined || rawUrl.length > MAX_URL_LENGTH || this.#entries.has(rawUrl))
      return;
    makeRoom(this.#entries, MAX_URLS);
    this.#entries.set(rawUrl, { meaning, answers: new Map() });
  }

  /** Whether the request was answered. */
  answer(request: IncomingMessage, response: ServerResponse): boolean {
    const entry = request.method === 'GET' ? this.#entries.get(request.url ?? '') : undefined;
    if (!entry || isGuarded(request.headers)) return false;
    const started = this.#options.now();
    const { meaning } = entry;
    const identity = this.#options.inputs.believed(meaning);
    if (!identity || isWithoutRecord(identity.version)) return false;
    const answer = this.#answerIn(entry, meaning.negotiable ? this.#format(request.headers.accept) : '');
    const inMemory = this.#options.memory.get(answer.key, identity.version, identity.upgraded);
    const result = inMemory ?? this.#options.stored(answer.variant, identity);
    if (!result) return false;
    this.#options.uses.add(answer.key, result);
    const prepared = this.#prepare(answer, meaning, result);
    const tier = identity.isStale ? 'stale' : inMemory ? 'memory' : 'stored';
    this.#send(request, response, { prepared, result, tier, started });
    return true;
  }

  #answerIn({ meaning, answers }: Entry, format: string): Answer {
    const found = answers.get(format);
    if (found) return found;
    const { id, canonical, negotiable } = meaning;
    const form = negotiable ? resolved(canonical, format) : canonical;
    const answer = { key: resultKey(id, form), variant: { id, canonical: form } };
    answers.set(format, answer);
    return answer;
  }

  #format(accept: string | undefined): string {
    const header = accept ?? '';
    const cached = this.#formats.get(header);
    if (cached !== undefined) return cached;
    const format = negotiate(accept);
    makeRoom(this.#formats, MAX_FORMATS);
    if (header.length < 1024) this.#formats.set(header, format);
    return format;
  }

  #prepare(answer: Answer, { url, negotiable }: Meaning, result: Result): Prepared {
    const { prepared: known } = answer;
    if (known && isSame(known.of, result)) return known;
    const { settings } = this.#options;
    const headers = resultHeaders(factsOf(result), url, { negotiated: negotiable, settings, now: 0 });
    const flat = (from: object) =>
      [...Object.entries(from), ...OF_ONE_ANSWER].flatMap(([name, value]) => [name, String(value)]);
    const { 'Content-Length': _length, 'Content-Type': _type, ...unchanged } = headers;
    const { etag, version, lastModified } = result;
    const of = { etag, version, lastModified };
    answer.prepared = { of, ok: flat(headers), unchanged: flat(unchanged) };
    return answer.prepared;
  }

  #send(
    request: IncomingMessage,
    response: ServerResponse,
    {
      prepared,
      result,
      tier,
      started,
    }: Pick<Hit, 'result' | 'tier'> & { prepared: Prepared; started: number },
  ): void {
    const requestId = this.#options.requestId(request);
    const traced = this.#options.tracing.request(request);
    const same = isConditional(request.headers) && isUnchanged(request.headers, result);
    const status = same ? 304 : 200;
    const headers = same ? prepared.unchanged : prepared.ok;
    headers[headers.length - 3] = tier;
    headers[headers.length - 1] = requestId;
    response.writeHead(status, traced ? [...headers, 'traceparent', traced.traceparent] : headers);
    response.end(same ? undefined : result.bytes);
    this.#options.onHit({ requestId, traced, tier, status, result, ms: this.#options.now() - started });
  }
}

/** The oldest goes. */
function makeRoom(map: Map<string, unknown>, max: number): void {
  if (map.size < max) return;
  for (const key of map.keys()) {
    map.delete(key);
    return;
  }
}
