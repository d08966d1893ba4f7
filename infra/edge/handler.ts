// [edge-safe] CloudFront Function, viewer request. The limits are in server/core/rule.ts.
import crypto from 'node:crypto';
import cf from 'cloudfront';
import { negotiate } from '../../server/core/accept.ts';
import {
  type Canonical,
  canonicalize,
  indexRules,
  splitQuery,
  withFormat,
} from '../../server/core/canonical.ts';
import type { Pairs, Presets } from '../../server/core/rule.ts';
import { checkSignature, type SignatureError } from '../../server/core/signature.ts';
import { expand } from './expand.ts';
import { learnNames, named } from './named.ts';
import { RESULTS, SERVER } from './origin-names.ts';

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

const MAX_QUERY = 1024;
const TABLE = __RULES__;
const INDEX = indexRules(JSON.parse(expand(TABLE, TABLE[0]).replace(/'/g, '"')));

/** A value of the KeyValueStore. A store that fails fails the request: nothing is let through on a guess. */
async function stored(key: string): Promise<string | undefined> {
  const store = cf.kvs();
  return (await store.exists(key)) ? store.get(key) : undefined;
}

/** Fetches what the query names: the preset `p`, and the colour names when a colour is not hex. */
async function presetsOf(pairs: Pairs): Promise<Presets> {
  const found: Record<string, Pairs> = {};
  let all = pairs;
  for (let i = 0; i < all.length; i++) {
    const pair = all[i] as Pairs[number];
    const query = i < pairs.length && /^p(reset)?$/.test(pair[0]) && (await stored('preset:' + pair[1]));
    const preset = query && splitQuery(query);
    if (preset) {
      found['$' + pair[1]] = preset;
      all = all.concat(preset);
    }
    if (!named && __COLORED__.indexOf(pair[0]) >= 0 && /[g-z]/i.test(pair[1])) await fetchNames();
  }
  return found;
}

async function fetchNames(): Promise<void> {
  let text = '';
  for (let i = 0; i < __COLOR_PIECES__; i++) text += await stored('colors:' + i);
  learnNames(text);
}

async function refusal(id: string, read: Canonical): Promise<SignatureError | undefined> {
  const kid = read.url['kid'];
  const secret = kid && (await stored('key:' + kid));
  return checkSignature(
    { id: id, canonical: read.canonical, url: read.url },
    () => secret || undefined,
    (key, message) =>
      crypto.createHmac('sha256', Buffer.from(key, 'hex')).update(message).digest('base64url'),
    Date.now() / 1000,
  );
}

function answer(status: number, code: string): Refusal {
  return {
    statusCode: status,
    headers: { 'content-type': { value: 'application/problem+json' } },
    body: '{"status":' + status + ',"code":"' + code + '"}',
  };
}

/** `dl` and `v` change headers that a stored result does not have: the server answers, the bucket stands in. */
function keepForServer(request: Request, url: Canonical['url']): void {
  const kept = ['dl', 'v']
    .filter((name) => url[name])
    .map((name) => name + '=' + encodeURIComponent(url[name] as string));
  request.querystring = kept.join('&');
  if (kept.length === 0) return;
  cf.createRequestOriginGroup({
    originIds: [{ originId: SERVER }, { originId: RESULTS }],
    failoverCriteria: { statusCodes: [500, 502, 503, 504] },
  });
}

/**
 * Moves the query into the path, in canonical form and with the format settled, so that one picture has one key in
 * CloudFront and in the bucket. What cannot be read passes on as a query, for the server to explain.
 */
export async function handle(event: { request: Request }): Promise<Request | Refusal> {
  const request = event.request;
  const path = request.uri.slice(5);
  const at = path.lastIndexOf('/');
  let id = path;
  let query = request.rawQueryString() || '';
  // The path form from outside is a query like any other: it may not be canonical, and nobody has checked it.
  if (path.indexOf('=', at) > at && at > 0) {
    id = path.slice(0, at);
    query = path.slice(at + 1) + (query && '&' + query);
    request.uri = '/img/' + id;
    request.querystring = query;
  }
  const pairs = query.length > MAX_QUERY ? undefined : splitQuery(query);
  if (!pairs) return request;
  const read = canonicalize(INDEX, pairs, await presetsOf(pairs));
  // Behind a signing edge the server asks for no signature, so it must not see what the edge could not check.
  if ('error' in read) return __SIGNED__ ? answer(400, read.error.code) : request;
  if (__SIGNED__) {
    const refused = await refusal(id, read);
    if (refused) return answer(refused === 'url_expired' ? 410 : 403, refused);
  } else if (Number(read.url['exp']) < Date.now() / 1000) return request;
  const accept = request.headers['accept'];
  const canonical = read.negotiable
    ? withFormat(read.canonical, negotiate(accept && accept.value))
    : read.canonical;
  request.uri = '/img/' + id + '/' + canonical;
  keepForServer(request, read.url);
  return request;
}
