import { Cache, type Entry } from './cache.ts';
import { compressed } from './compression.ts';
import { asRequested } from './conditions.ts';
import type { Behaviour, Distribution } from './distribution.ts';
import { cacheKey, matches, normalized } from './forwarding.ts';
import { secondsKept, staleSeconds } from './freshness.ts';
import { type Answer, type Ask, type Headers, textAnswer, type ViewerRequest } from './message.ts';
import { withPolicy } from './response-headers.ts';
import { askTarget, type Routed } from './target.ts';
import type { FunctionRequest, ViewerFunction } from './viewer-function.ts';

/** "Quotas": bytes of a URL. */
const MAX_URL_BYTES = 8192;

export interface EdgeOptions {
  readonly distribution: Distribution;
  readonly ask: Ask;
  readonly viewerFunction: ViewerFunction;
  /** Unix ms. */
  readonly now: () => number;
}

type Result =
  | 'Hit'
  | 'Miss'
  | 'RefreshHit'
  | 'Error'
  | 'FunctionGeneratedResponse'
  | 'FunctionExecutionError';

interface Found {
  readonly answer: Answer;
  readonly result: Result;
  /** Seconds for which the answer has been kept. */
  readonly age?: number;
}

/** One edge location of CloudFront, by the rules of its Developer Guide; docs/edge.md has them with their pages. */
export class Edge {
  readonly #options: EdgeOptions;
  readonly #cache = new Cache();
  /** Requests for one key at a time are one ("Simultaneous requests for the same object"). */
  readonly #flights = new Map<string, Promise<Found>>();
  readonly #background = new Set<Promise<unknown>>();

  constructor(options: EdgeOptions) {
    this.#options = options;
  }

  async answer(request: ViewerRequest): Promise<Answer> {
    const behaviour = this.#behaviourOf(request.path);
    const found = await this.#found(request, behaviour);
    const shown = { ...found, answer: asRequested(found.answer, request) };
    return finished(shown, behaviour, request);
  }

  /** @returns how many answers went */
  invalidate(paths: readonly string[]): number {
    return this.#cache.invalidate(paths);
  }

  /** Answers that are kept. */
  get kept(): number {
    return this.#cache.size;
  }

  /** Resolves once nothing is asked behind a viewer's back any more. */
  async settle(): Promise<void> {
    await Promise.all(this.#background);
  }

  #behaviourOf(path: string): Behaviour {
    const plain = normalized(path);
    const found = this.#options.distribution.behaviours.find(({ pattern }) => matches(pattern, plain));
    if (!found) throw new Error('A distribution has a default behaviour');
    return found;
  }

  async #found(request: ViewerRequest, behaviour: Behaviour): Promise<Found> {
    if (Buffer.byteLength(`${request.path}?${request.query}`) > MAX_URL_BYTES) return refused(414);
    // "HTTP 403 status code": a method that the behaviour does not allow.
    if (!behaviour.allowedMethods.includes(request.method)) return refused(403);
    const routed = await this.#routed(request, behaviour);
    if ('answer' in routed) return routed;
    return behaviour.cachedMethods.includes(request.method) ? this.#cached(routed) : this.#asked(routed);
  }

  async #routed(request: ViewerRequest, behaviour: Behaviour): Promise<Routed | Found> {
    const { viewerCode, target } = behaviour;
    if (viewerCode === undefined) return { request, behaviour, target };
    try {
      const outcome = await this.#options.viewerFunction(viewerCode, request);
      if ('statusCode' in outcome) {
        const { statusCode: status, headers, body } = outcome;
        return { answer: { status, headers, body: Buffer.from(body) }, result: 'FunctionGeneratedResponse' };
      }
      return { request: this.#changed(request, outcome), behaviour, target: outcome.origin ?? target };
    } catch {
      // "HTTP 503 status code": a function that fails.
      return { answer: textAnswer(503, ''), result: 'FunctionExecutionError' };
    }
  }

  /** "Restrictions on all edge functions": a path begins with a slash, an origin is one of the distribution's. */
  #changed(request: ViewerRequest, { uri, query, origin }: FunctionRequest): ViewerRequest {
    if (!uri.startsWith('/')) throw new Error(`${uri} is no path`);
    if (origin !== undefined && !this.#options.distribution.origins.has(origin))
      throw new Error(`There is no origin ${origin}`);
    return { ...request, path: uri, query };
  }

  async #cached(routed: Routed): Promise<Found> {
    const { request, behaviour } = routed;
    const name = cacheKey(behaviour, request);
    const key = this.#keyFor(request.method, name);
    const entry = this.#cache.get(key);
    const now = this.#options.now();
    if (entry && now < entry.freshUntil) return this.#hit(entry);
    if (entry && now < entry.freshUntil + staleSeconds(entry.answer).whileAsking * 1000) {
      this.#behind(this.#flight(key, routed, entry));
      return this.#hit(entry);
    }
    return this.#flight(key, routed, entry);
  }

  /** What a GET has brought answers a HEAD as well, while it lasts; OPTIONS are kept apart. */
  #keyFor(method: string, name: string): string {
    const picture = this.#cache.get(`GET ${name}`);
    const isAnswered = method === 'HEAD' && picture && this.#options.now() < picture.freshUntil;
    return `${isAnswered ? 'GET' : method} ${name}`;
  }

  #hit(entry: Entry): Found {
    const age = Math.floor((this.#options.now() - entry.storedAt) / 1000);
    return { answer: entry.answer, result: entry.answer.status >= 400 ? 'Error' : 'Hit', age };
  }

  #behind(work: Promise<unknown>): void {
    this.#background.add(work);
    work.finally(() => this.#background.delete(work));
  }

  #flight(key: string, routed: Routed, entry: Entry | undefined): Promise<Found> {
    const before = this.#flights.get(key);
    if (before) return before;
    const work = this.#fetched(key, routed, entry).finally(() => this.#flights.delete(key));
    this.#flights.set(key, work);
    return work;
  }

  async #fetched(key: string, routed: Routed, entry: Entry | undefined): Promise<Found> {
    const found = await this.#asked(routed, entry);
    const { answer } = found;
    const isStandIn = entry !== undefined && answer.status >= 500 && this.#standsIn(entry);
    if (entry && (answer.status === 304 || isStandIn)) return this.#renewed(key, routed, entry, answer);
    const packed = compressed(answer, routed.behaviour, routed.request);
    this.#keep(key, routed, packed);
    return { ...found, answer: packed };
  }

  /** A picture that has expired stands in where the origin fails; an error does not. */
  #standsIn({ answer, freshUntil }: Entry): boolean {
    return answer.status < 400 && this.#options.now() < freshUntil + staleSeconds(answer).onError * 1000;
  }

  /** After a 304 what is kept counts as new, with the headers of the 304; after a failure for as long as the error is kept. */
  #renewed(key: string, { behaviour }: Routed, entry: Entry, answer: Answer): Found {
    const now = this.#options.now();
    const isFailure = answer.status !== 304;
    const headers: Headers = isFailure
      ? entry.answer.headers
      : { ...entry.answer.headers, ...answer.headers };
    const kept = { ...entry.answer, headers };
    const { errors } = this.#options.distribution;
    const seconds = secondsKept(isFailure ? answer : kept, { policy: behaviour.cache, errors }, now);
    const storedAt = isFailure ? entry.storedAt : now;
    this.#cache.set(key, { asked: entry.asked, answer: kept, storedAt, freshUntil: now + seconds * 1000 });
    return { answer: kept, result: 'RefreshHit' };
  }

  #keep(key: string, { behaviour, request }: Routed, answer: Answer): void {
    const now = this.#options.now();
    const { errors } = this.#options.distribution;
    const seconds = secondsKept(answer, { policy: behaviour.cache, errors }, now);
    const asked = request.query ? `${request.path}?${request.query}` : request.path;
    if (seconds <= 0) this.#cache.delete(key);
    else this.#cache.set(key, { answer, asked, storedAt: now, freshUntil: now + seconds * 1000 });
  }

  async #asked(routed: Routed, entry?: Entry): Promise<Found> {
    const answer = await askTarget(this.#options, routed, entry?.answer);
    if (answer.status < 400) return { answer, result: 'Miss' };
    const page = this.#options.distribution.errors.get(answer.status)?.page;
    if (!page || page.path === routed.request.path) return { answer, result: 'Error' };
    const behaviour = this.#behaviourOf(page.path);
    const request = { ...routed.request, method: 'GET', path: page.path, query: '' };
    const shown = await askTarget(this.#options, { request, behaviour, target: behaviour.target });
    // "Create a custom error page": where it cannot be had, the viewer gets what the origin said.
    return { answer: shown.status < 400 ? { ...shown, status: page.status } : answer, result: 'Error' };
  }
}

const refused = (status: number): Found => ({ answer: textAnswer(status, ''), result: 'Error' });

/** As it goes to the viewer: the policy's headers, and what CloudFront says of itself. */
function finished(
  { answer, result, age }: Found,
  { headers: policy }: Behaviour,
  request: ViewerRequest,
): Answer {
  const own: Headers = {
    via: '1.1 model.cloudfront.net (CloudFront)',
    'x-cache': `${result} from cloudfront`,
    'x-amz-cf-pop': 'MODEL1-C1',
    ...(age === undefined ? {} : { age: String(age) }),
  };
  const headers = { ...withPolicy(answer.headers, policy, request.headers['origin']), ...own };
  return { ...answer, headers, body: request.method === 'HEAD' ? Buffer.alloc(0) : answer.body };
}
