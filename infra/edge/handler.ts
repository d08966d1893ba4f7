// [edge-safe] CloudFront Function, viewer request. The limits are in server/core/query/rule.ts.
import crypto from 'node:crypto';
import cf from 'cloudfront';
import { negotiate } from '../../server/core/query/accept.ts';
import {
  ASSUMED,
  type Canonical,
  canonicalize,
  type RuleIndex,
  TRACKING,
  withFormat,
} from '../../server/core/query/canonical.ts';
import { splitQuery, withoutIgnored } from '../../server/core/query/pairs.ts';
import { idInUrl, place, splitPath } from '../../server/core/query/path.ts';
import type { Pairs } from '../../server/core/query/rule.ts';
import {
  checkSignature,
  messageOf,
  type SignedUrl,
  TAKES_TEXT,
  writtenMessage,
} from '../../server/core/query/signature.ts';
import { learnNames, named } from './named.ts';
import { rulesOf } from './rows.ts';

interface Request {
  uri: string;
  querystring: unknown;
  headers: Record<string, { value: string } | undefined>;
  rawQueryString(): string | undefined;
}

interface Refusal {
  statusCode: number;
  headers: Record<string, { value: string }>;
  body: string;
}

/** A value of the KeyValueStore. A store that fails fails the request: nothing is let through on a guess. */
async function stored(key: string): Promise<string | undefined> {
  const store = cf.kvs();
  return (await store.exists(key)) ? store.get(key) : undefined;
}

const isPreset = (pair: Pairs[number]): boolean => /^p(reset)?$/.test(pair[0]);
const namesColor = (pair: Pairs[number]): boolean =>
  __COLORED__.indexOf(pair[0]) >= 0 && /[g-z]/i.test(pair[1]);

/**
 * A text that is longer than a value of the store may be: `before` and the pieces from `number` on.
 * No await stands in a loop: in the engine, what a loop's body declares is that of its first round after one.
 */
async function joined(name: string, number: number, before: string): Promise<string> {
  const piece = await stored(name + ':' + number);
  return piece ? joined(name, number + 1, before + piece) : before;
}

/** The preset that the query names, into `found`; all pairs that take part in reading it. */
async function withPreset(pairs: Pairs, found: Record<string, Pairs>): Promise<Pairs> {
  const asked = pairs.filter(isPreset)[0];
  if (!asked) return pairs;
  const query = await stored('preset:' + asked[1]);
  const preset = (query && splitQuery(query)) || [];
  if (query) found['$' + asked[1]] = preset;
  return pairs.concat(preset);
}

/** The rules that reading the pairs takes, from the store where the function does not bring them. */
async function rulesFor(pairs: Pairs): Promise<RuleIndex> {
  const names = pairs.map((pair) => pair[0]);
  const asked = names.concat(__IMPLIED__);
  const common = rulesOf(__ROWS__, asked);
  if (names.every((name) => common.byName['$' + name] || TRACKING.test(name))) return common;
  const rows = await joined(__RULES__, 0, '');
  return rulesOf(rows, asked);
}

async function refusal(signed: SignedUrl): Promise<Refusal | undefined> {
  const kid = signed.url['kid'];
  const secret = kid && (await stored('key:' + kid));
  const code = checkSignature(
    signed,
    () => secret || undefined,
    (key, message) =>
      crypto.createHmac('sha256', Buffer.from(key, 'hex')).update(message).digest('base64url'),
    Date.now() / 1000,
  );
  if (!code) return undefined;
  const checked = code === 'bad_signature' ? ',"checked":' + JSON.stringify(messageOf(signed)) : '';
  return answer(code === 'url_expired' ? 410 : 403, code + '"' + checked);
}

/** @param code  and what follows it, in JSON */
function answer(status: number, code: string): Refusal {
  return {
    statusCode: status,
    headers: { 'content-type': { value: 'application/problem+json' } },
    body: '{"status":' + status + ',"code":"' + code + '}',
  };
}

/**
 * `dl` and `v` change headers that a stored result does not have, and under a key that is too long there is none: the
 * server answers, and nobody stands in: the bucket's 403 for what it lacks would hide that the server said "later".
 */
function keepForServer(request: Request, url: Canonical['url']): void {
  const kept = ['dl', 'v']
    .filter((name) => url[name])
    .map((name) => name + '=' + encodeURIComponent(url[name] as string))
    .join('&');
  request.querystring = kept;
  // S3 answers a key of more than 1,024 bytes with 400, which is no reason to ask the next origin. An escape is a byte.
  if (!kept && request.uri.replace(/%../g, '.').length < 1026) return;
  askServers();
}

/** Where the behaviour asks the bucket first; elsewhere it asks the servers alone as it is. */
function askServers(): void {
  if (__SERVER__) cf.selectRequestOriginById(__SERVER__);
}

/**
 * Moves the query into the path, in canonical form and with the format settled, so that one picture has one key in
 * CloudFront and in the bucket. What cannot be read passes on as a query, for the server alone to explain: to S3 a query
 * may be another call, and one that it refuses with 400 goes to no next origin.
 */
export async function handle(event: { request: Request }): Promise<Request | Refusal> {
  const request = event.request;
  const made = await rewritten(request);
  if (made) return made;
  askServers();
  return request;
}

/** Undefined for what cannot be read. */
async function rewritten(request: Request): Promise<Request | Refusal | undefined> {
  // CloudFront compares paths as RFC 3986 has them: what it takes for `/img/` may be spelled otherwise.
  const behind = request.uri.replace(/^.[^/]*./, '');
  const path = splitPath(behind);
  if (!path) return undefined;
  const id = path[0];
  const prefix = '/img/' + idInUrl(id);
  request.uri = prefix;
  let query = request.rawQueryString() || '';
  // The path form from outside is a query like any other: it may not be canonical, and nobody has checked it.
  if (path[1]) {
    query = path[1] + (query && '&' + query);
    request.querystring = query;
  }
  const written = query.length > 1024 ? undefined : splitQuery(query);
  if (!written) return undefined;
  const pairs = __IGNORED__ ? withoutIgnored(written, __IGNORED__.split(',')) : written;
  // The runtime takes no await among arguments, not even one that a minifier would move there.
  const presets: Record<string, Pairs> = {};
  if (__AUTO__) presets[ASSUMED] = [['q', 'auto']];
  const all = await withPreset(pairs, presets);
  if (!named && all.some(namesColor)) {
    const names = await joined('colors', 0, '');
    learnNames(names);
  }
  const index = await rulesFor(all);
  const read = canonicalize(index, pairs, presets);
  // Behind a signing edge the server asks for no signature, so it must not see what the edge could not check.
  if ('error' in read) return __SIGNED__ ? answer(400, read.error.code + '"') : undefined;
  if (__SIGNED__) {
    const text = writtenMessage('/img/' + behind, request.rawQueryString() || '');
    const refused = await refusal({ id: id, canonical: read.canonical, written: text, url: read.url });
    if (refused) return refused;
  } else if (TAKES_TEXT.test(read.canonical)) return answer(403, 'signature_required"');
  else if (Number(read.url['exp']) < Date.now() / 1000) return undefined;
  const accept = request.headers['accept'];
  const canonical = read.negotiable
    ? withFormat(read.canonical, negotiate(accept && accept.value), index)
    : read.canonical;
  request.uri = prefix + '/' + place(canonical, __EPOCH__, __MARKED__);
  keepForServer(request, read.url);
  return request;
}
