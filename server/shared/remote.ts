import { isUtf8 } from 'node:buffer';
import type { Agent, IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { Problem } from './errors.ts';
import { readHttpDate } from './http-date.ts';
import { Agent as HttpAgent, request as requestHttp } from './node-http.ts';
import { answerTo, checkedLookup, ForbiddenHost, isReachableAddress } from './outbound.ts';
import { hostOf } from './remote-hosts.ts';
import { beginningOf } from './text.ts';

/** Of one original; more of them go in circles. */
const MAX_REDIRECTS = 5;
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];
/** What a server says that will answer otherwise in a while. */
const PASSING: readonly number[] = [408, 425, 429];
const ABSENT: readonly number[] = [404, 410];
/** Characters of an address. */
export const MAX_URL = 2048;
/** Characters of an ETag or a date: a server may send some thousand, and others refuse a request that has as many. */
const MAX_VALIDATOR = 1_024;
/** Idle connections that are kept, of all hosts together. */
const MAX_IDLE = 16;

export interface RemoteOptions {
  /** Whether an original may be fetched from an address, as far as its text says; asked of every redirect too. */
  readonly allows: (url: URL) => boolean;
  /** Whether hosts may have private addresses. Those of a cloud's metadata may not in any case. */
  readonly allowPrivate: boolean;
  /** Of one original, redirects and body included. */
  readonly maxSeconds: number;
}

export interface RemoteRequest {
  /** Validators of what is there already. */
  readonly etag?: string | undefined;
  readonly lastModified?: string | undefined;
  /** Sent to the origin of the address and to nobody whom that redirects to. */
  readonly credentials?: Readonly<Record<string, string>> | undefined;
}

/** What a server said of an original. */
export interface RemoteAnswer {
  /** Where it was, behind all redirects. Whatever is fetched from there is asked for by the address that was given. */
  readonly url: string;
  readonly isUnchanged: boolean;
  /** Absent too where it is of no use for asking again. */
  readonly etag: string | undefined;
  readonly lastModified: string | undefined;
  /** Empty where it is unchanged. Must be read to its end, or ended. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** Servers of others, which originals are fetched from. */
export class Remote {
  readonly #options: RemoteOptions;
  readonly #lookup: LookupFunction;
  readonly #agents: { readonly http: Agent; readonly https: HttpsAgent };

  constructor(options: RemoteOptions) {
    this.#options = options;
    this.#lookup = checkedLookup(options);
    // Connections of our own: in those of the process are some that were made under other rules.
    const settings = { keepAlive: true, maxFreeSockets: MAX_IDLE, timeout: 10_000 };
    this.#agents = { http: new HttpAgent(settings), https: new HttpsAgent(settings) };
  }

  /**
   * Whether an address may be fetched from, as far as its text says.
   *
   * @throws Problem `invalid_parameter`, `not_allowed`
   */
  check(text: string): URL {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    const isPlain = url?.username === '' && url.password === '' && text.length <= MAX_URL;
    if (!url || !isPlain || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
      const allowed = `an https URL of at most ${MAX_URL} characters, without name and password`;
      const facts = { param: 'url', received: beginningOf(text, MAX_URL), allowed };
      throw new Problem('invalid_parameter', `The address must be ${allowed}.`, facts);
    }
    if (this.#options.allows(url)) return url;
    const facts = { param: 'url', received: text };
    throw new Problem('not_allowed', `This deployment fetches nothing from ${url.origin}.`, facts);
  }

  /**
   * Fetches an original, or hears that it is what it was.
   *
   * @throws Problem those of `check`; `source_absent`, `source_refused` where asking again is of no use, else `source_error`: the body
   *         throws it as well; the signal's reason
   */
  async get(text: string, request: RemoteRequest, signal: AbortSignal): Promise<RemoteAnswer> {
    const { maxSeconds } = this.#options;
    const timeout = AbortSignal.timeout(maxSeconds * 1000);
    const ending = AbortSignal.any([signal, timeout]);
    const explain = (error: unknown): unknown => {
      if (signal.aborted) return signal.reason;
      return timeout.aborted
        ? failed(text, `took longer than ${maxSeconds} s`, error)
        : asProblem(text, error);
    };
    try {
      const { url, response } = await this.#follow(text, request, ending);
      return { url: url.href, ...this.#answer(text, response, { request, explain }) };
    } catch (error) {
      throw explain(error);
    }
  }

  async #follow(
    text: string,
    request: RemoteRequest,
    signal: AbortSignal,
  ): Promise<{ url: URL; response: IncomingMessage }> {
    let url = this.check(text);
    const { origin } = url;
    for (let hops = 0; ; hops++) {
      const headers = url.origin === origin ? request.credentials : undefined;
      const response = await this.#request(url, { ...validators(request), ...headers }, signal);
      if (!REDIRECTS.includes(response.statusCode ?? 0)) return { url, response };
      response.destroy();
      if (hops === MAX_REDIRECTS) throw refused(text, `redirects more than ${MAX_REDIRECTS} times`);
      url = this.#redirected(text, url, response.headers.location);
    }
  }

  #redirected(text: string, from: URL, written: string | undefined): URL {
    const location = written && decodedLocation(written);
    if (location === undefined || !URL.canParse(location, from.href))
      throw refused(text, 'redirects to no address');
    const next = new URL(location, from);
    try {
      return this.check(next.href);
    } catch (error) {
      throw refused(text, `redirects to ${next.href.slice(0, 200)}, from which nothing is fetched`, error);
    }
  }

  #request(
    url: URL,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    const host = hostOf(url);
    if (isIP(host) !== 0 && !isReachableAddress(host, this.#options))
      throw new ForbiddenHost(`${host} is not a public address`);
    const isHttps = url.protocol === 'https:';
    const options = { headers: { ...FIXED, ...headers }, signal, lookup: this.#lookup };
    const sent = isHttps
      ? requestHttps(url, { ...options, agent: this.#agents.https })
      : requestHttp(url, { ...options, agent: this.#agents.http });
    sent.on('timeout', () => sent.destroy(new Error('the server is silent')));
    const answer = answerTo(sent);
    sent.end();
    return answer;
  }

  #answer(
    text: string,
    response: IncomingMessage,
    { request, explain }: { request: RemoteRequest; explain: (error: unknown) => unknown },
  ): Omit<RemoteAnswer, 'url'> {
    const { statusCode: status = 0, headers } = response;
    const isAsked = Object.keys(validators(request)).length > 0;
    const problem =
      status === 304 && !isAsked
        ? refused(text, 'answers 304, and was not asked whether anything has changed')
        : problemOf(text, status, headers);
    if (problem) {
      response.destroy();
      throw problem;
    }
    const isUnchanged = status === 304;
    if (isUnchanged) response.resume();
    return {
      isUnchanged,
      etag: asValidator(headers.etag),
      lastModified: asValidator(headers['last-modified']),
      body: isUnchanged ? NOTHING : explained(response, explain),
    };
  }
}

/** A picture has no other form on the wire, and a small body may not become a large one. */
const FIXED = {
  Accept: 'image/*,*/*;q=0.1',
  'Accept-Encoding': 'identity',
  'User-Agent': 'rendition',
} as const;
const NOTHING: AsyncIterable<Uint8Array> = {
  [Symbol.asyncIterator]: () => ({ next: async () => ({ done: true, value: undefined }) }),
};

/** node:http reads bytes of a header as characters; servers that encode nothing mean UTF-8, and so do browsers. */
function decodedLocation(written: string): string {
  const bytes = Buffer.from(written, 'latin1');
  return isUtf8(bytes) ? bytes.toString() : written;
}

const asValidator = (text: string | undefined): string | undefined =>
  text === '' || (text?.length ?? 0) > MAX_VALIDATOR ? undefined : text;

function validators(request: RemoteRequest): Record<string, string> {
  const [etag, lastModified] = [asValidator(request.etag), asValidator(request.lastModified)];
  return {
    ...(etag !== undefined && { 'If-None-Match': etag }),
    ...(lastModified !== undefined && { 'If-Modified-Since': lastModified }),
  };
}

async function* explained(
  response: IncomingMessage,
  explain: (error: unknown) => unknown,
): AsyncGenerator<Uint8Array> {
  try {
    yield* response;
  } catch (error) {
    throw explain(error);
  }
}

/** What an answer that is no picture means; undefined for one that may be. */
function problemOf(
  text: string,
  status: number,
  { 'content-encoding': encoding = '', ...headers }: IncomingHttpHeaders,
): Problem | undefined {
  if (status === 304) return undefined;
  if (status === 200)
    return isCompressed(encoding) ? refused(text, `sends it compressed (${encoding}), unasked`) : undefined;
  if (ABSENT.includes(status))
    return new Problem('source_absent', `${text} answers ${status}.`, { param: 'url', received: text });
  if (status < 500 && !PASSING.includes(status)) return refused(text, `answers ${status}`);
  return failed(text, `answers ${status}`, undefined, retryAfter(headers));
}

/** A list of codings, in any case (RFC 9110, 8.4.1). */
const isCompressed = (encoding: string): boolean =>
  encoding.split(',').some((coding) => !['', 'identity'].includes(coding.trim().toLowerCase()));

/** Seconds, or a date (RFC 9110, 10.2.3), which is told by the clock of the server that says it, if it tells that too. */
function retryAfter({ 'retry-after': text = '', date = '' }: IncomingHttpHeaders): number | undefined {
  const until = readHttpDate(text);
  const seconds = until === undefined ? Number(text) : (until - (readHttpDate(date) ?? Date.now())) / 1000;
  return seconds > 0 ? Math.ceil(seconds) : undefined;
}

const refused = (text: string, why: string, cause?: unknown): Problem =>
  new Problem('source_refused', `${text} ${why}.`, { param: 'url', received: text }, cause);

const failed = (text: string, why: string, cause: unknown, retryAfterSeconds?: number): Problem =>
  new Problem('source_error', `${text} ${why}.`, { param: 'url', received: text, retryAfterSeconds }, cause);

function asProblem(text: string, error: unknown): unknown {
  if (error instanceof Problem) return error;
  if (error instanceof ForbiddenHost)
    return refused(text, 'leads to an address that is not fetched from', error);
  const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
  return failed(text, `cannot be read${code}`, error);
}
