import type { IncomingMessage, ServerResponse } from 'node:http';
import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';
import { atMost } from '../shared/at-most.ts';
import { type Problem, problemBody, problemCacheControl } from '../shared/errors.ts';
import type { Tracing } from '../telemetry/tracing.ts';
import { COMMON_HEADERS } from './image-headers.ts';
import type { PictureMetrics } from './picture-metrics.ts';
import { PROBLEM_TYPE } from './problems.ts';

export interface OverloadOptions {
  readonly log: Logger;
  readonly metrics: Pick<PictureMetrics, 'request'>;
  /** What a render that came now would be told; undefined where it would be let in. */
  readonly refusal: () => Problem | undefined;
  readonly requestId: (request: IncomingMessage) => string;
  readonly tracing: Pick<Tracing, 'request'>;
  /** Monotonic ms. */
  readonly now: () => number;
}

/** A refusal as it goes over the wire, but for the request id. */
interface Prepared {
  readonly headers: readonly string[];
  readonly before: string;
  readonly behind: string;
}

/** Refusals since the last line about them. */
interface Tally {
  refused: number;
  maxMs: number;
  /** The first of them. */
  readonly sample: object;
}

const INTERVAL_MS = 1000;
const MAX_URLS = 5000;
/** Of address and of Accept. */
const MAX_LENGTH = 512;
/** Within this a stored result that somebody else has made meanwhile may be missed. */
const MAX_MS = 5000;
/** Stands for the request id while a body is prepared. */
const INSTANCE = '\u0001';

/** Undefined for what is too long to be remembered: by 16 kB of Accept each, 5,000 of them took 60 MB. */
function nameOf({
  url = '',
  headers: { accept = '' },
}: Pick<IncomingMessage, 'url' | 'headers'>): string | undefined {
  return url.length > MAX_LENGTH || accept.length > MAX_LENGTH ? undefined : `${url}\n${accept}`;
}

/**
 * Refuses renders while too much waits. Those who are refused are many: so the bytes are prepared, there is no line for
 * each, and who asks again before the time is over is refused before anything is read but the address.
 */
export class Overload {
  readonly #options: OverloadOptions;
  readonly #prepared = new WeakMap<Problem, Prepared>();
  /** Addresses that were refused, with what they accept. */
  readonly #refused: LRUCache<string, true>;
  #tally: Tally | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: OverloadOptions) {
    this.#options = options;
    this.#refused = new LRUCache({
      ...atMost(MAX_URLS),
      perf: { now: options.now },
      ttl: MAX_MS,
      ttlResolution: 0,
    });
  }

  /** Whether the request was refused, because it was before and nothing has become better. */
  answer(request: IncomingMessage, response: ServerResponse): boolean {
    if (this.#refused.size === 0 || request.method !== 'GET') return false;
    const name = nameOf(request);
    if (name === undefined || !this.#refused.has(name)) return false;
    const problem = this.#options.refusal();
    if (!problem) return false;
    const started = this.#options.now();
    const requestId = this.#options.requestId(request);
    const traced = this.#options.tracing.request(request);
    if (traced) response.setHeader('traceparent', traced.traceparent);
    this.send(response, problem, requestId);
    const { method, url } = request;
    const ms = this.#options.now() - started;
    traced?.end(problem.status, ms, { 'http.route': '/img/*' });
    this.add({ requestId, ...traced?.ids, method, url }, ms);
    this.#options.metrics.request('none', problem.status, ms, 0);
    return true;
  }

  /** A request came all the way to where it was refused: not again so soon. */
  learn(request: Pick<IncomingMessage, 'url' | 'headers'>, { facts }: Problem): void {
    const name = nameOf(request);
    // What ends is told so when it has ended.
    if (name === undefined || /[?&/]exp=/.test(request.url ?? '') || !facts.retryAfterSeconds) return;
    this.#refused.set(name, true, { ttl: Math.min(MAX_MS, facts.retryAfterSeconds * 1000) });
  }

  send(response: ServerResponse, problem: Problem, requestId: string): void {
    const { headers, before, behind } = this.#prepare(problem);
    const body = before + requestId + behind;
    const own = ['Content-Length', String(Buffer.byteLength(body)), 'X-Request-Id', requestId];
    response.writeHead(problem.status, headers.concat(own)).end(body);
  }

  /** Counts a refusal for the line of this second. */
  add(request: object, ms: number): void {
    const tally = this.#tally;
    if (tally) {
      tally.refused += 1;
      tally.maxMs = Math.max(tally.maxMs, ms);
      return;
    }
    this.#tally = { refused: 1, maxMs: ms, sample: request };
    this.#timer ??= setTimeout(() => this.flush(), INTERVAL_MS).unref();
  }

  /** Writes what has been counted. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#tally) this.#options.log.warn(this.#tally, 'refused');
    this.#tally = undefined;
  }

  #prepare(problem: Problem): Prepared {
    const known = this.#prepared.get(problem);
    if (known) return known;
    const [before = '', behind = ''] = JSON.stringify(problemBody(problem, INSTANCE)).split(
      JSON.stringify(INSTANCE).slice(1, -1),
    );
    const headers = {
      'Content-Type': PROBLEM_TYPE,
      'Cache-Control': problemCacheControl(problem.code),
      'Retry-After': problem.facts.retryAfterSeconds ?? 1,
      ...COMMON_HEADERS,
    };
    const flat = Object.entries(headers).flatMap(([name, value]) => [name, String(value)]);
    const prepared = { headers: flat, before, behind };
    this.#prepared.set(problem, prepared);
    return prepared;
  }
}
