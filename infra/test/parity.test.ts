import { createHmac } from 'node:crypto';
import t from 'tap';
import { presets as presetParser } from '../../server/config/parsers.ts';
import { loadConfig } from '../../server/config/settings.ts';
import { RULES } from '../../server/core/operations/table.ts';
import {
  readPresets,
  readQuery,
  resolved,
  withAutoQuality,
} from '../../server/core/operations/transformation.ts';
import { negotiate } from '../../server/core/query/accept.ts';
import { isId, readPath } from '../../server/core/query/id.ts';
import { idInUrl, place } from '../../server/core/query/path.ts';
import { signedMessage, TAKES_TEXT, writtenMessage } from '../../server/core/query/signature.ts';
import { Access } from '../../server/reading/access.ts';
import { epochsAtEdge } from '../../server/reading/epoch.ts';
import { isProblem } from '../../server/shared/errors.ts';
import { API_TOKENS } from '../../test/support/env.ts';
import { type EdgeOutcome, type EdgeRequest, PRESETS, runEdge } from './support/edge.ts';
import { randomPath } from './support/paths.ts';
import { chainQuery, type Draw, drawing, randomQuery } from './support/queries.ts';
import { KID, SECRET } from './support/signing.ts';
import { noNjs } from './support/tools.ts';

const SEED = 20261121;
const COUNT = 20_000;
const ACCEPTS = [
  undefined,
  '*/*',
  'image/avif,image/webp,image/apng,image/*,*/*;q=0.8',
  'image/webp,*/*',
  'image/avif;q=0, image/webp;q=0.5',
  'image/png',
  'text/html',
  'image/jpeg;q=0.9, image/*;q=0',
  'IMAGE/AVIF',
  'image/jpeg, image/webp;q=0.1',
  'image/avif;q=0.8, image/webp;q=0.9, */*;q=0.1',
  'image/avif;q=high, image/webp;q=2, image/gif',
  'image/avif;v=1;q=0.5;ext, image/*;q=0.4',
];

const { plain, marked } = epochsAtEdge(loadConfig({}));
const registered = presetParser.parse(PRESETS) ?? readPresets({});

/** What the server's own parser makes of the request: a path with the format settled, or undefined for a refusal. */
function expected(
  { query = '', accept }: EdgeRequest,
  presets = registered,
): { path: string; url: Readonly<Record<string, string>> } | undefined {
  try {
    const { canonical, negotiable, url } = readQuery(query, presets);
    const form = negotiable ? resolved(canonical, negotiate(accept)) : canonical;
    return { path: `/img/a/b.jpg/${place(form, plain, marked)}`, url };
  } catch {
    return undefined;
  }
}

/** What differs, or undefined. */
function difference(
  request: EdgeRequest,
  outcome: EdgeOutcome | undefined,
  presets = registered,
): object | undefined {
  const wanted = expected(request, presets);
  if (wanted && TAKES_TEXT.test(wanted.path.replace('/img/a/b.jpg/', '')))
    return outcome?.statusCode === 403 ? undefined : { request, wanted: 403, outcome };
  const late = wanted?.url.exp && Number(wanted.url.exp) < Date.now() / 1000;
  const same =
    wanted && !late
      ? outcome?.uri === wanted.path && Boolean(outcome.origins) === Boolean(wanted.url.dl || wanted.url.v)
      : outcome?.uri === '/img/a/b.jpg' && (outcome.querystring ?? '') === (request.query ?? '');
  return same ? undefined : { request, wanted: wanted?.path, outcome };
}

function requests(): EdgeRequest[] {
  const draw = drawing(SEED);
  return Array.from({ length: COUNT }, () => {
    const accept = draw.pick(ACCEPTS.map((one) => one ?? ''));
    return { uri: '/img/a/b.jpg', query: randomQuery(draw, RULES), ...(accept ? { accept } : {}) };
  });
}

t.test('the server and the edge read every query alike, in njs', { skip: noNjs }, async (t) => {
  // 20 s of CPU, which a machine with other work may take minutes for.
  t.setTimeout(900_000);
  const asked = requests();
  const { outcomes, output } = await runEdge(t.testdir(), 'njs', asked);
  t.equal(outcomes.length, COUNT, 'all were answered', { output: output.slice(-2000) });
  const differences = asked.flatMap((request, at) => difference(request, outcomes[at]) ?? []);
  t.same(differences.slice(0, 5), [], 'no difference');
  const accepted = asked.filter((request) => expected(request)).length;
  t.comment(
    `njs: ${COUNT} queries, ${accepted} accepted, ${COUNT - accepted} refused, ${differences.length} differences`,
  );
  t.ok(accepted > COUNT / 5 && accepted < COUNT * 0.9, 'both kinds are well represented');
});

const CHAINS = 2500;

function idleIn(query: string): readonly string[] {
  try {
    return readQuery(query, registered).idle;
  } catch {
    return [];
  }
}

/** Queries in which several parameters have no effect: dropping one may be what drops another, or keeps it. */
function chains(): EdgeRequest[] {
  const draw = drawing(SEED);
  const found: EdgeRequest[] = [];
  while (found.length < CHAINS) {
    const query = chainQuery(draw, RULES);
    if (idleIn(query).length > 1) found.push({ uri: '/img/a/b.jpg', query });
  }
  return found;
}

t.test('the server and the edge drop alike what has no effect, in njs', { skip: noNjs }, async (t) => {
  t.setTimeout(900_000);
  const marks = ['wm2', 'wm2g', 'wm2o', 'wm2s', 'wm2p', 'wm2t', 'wm2x'];
  const asked = chains();
  const { outcomes } = await runEdge(t.testdir(), 'njs', asked);
  t.equal(outcomes.length, CHAINS, 'all were answered');
  const differences = asked.flatMap((request, index) => difference(request, outcomes[index]) ?? []);
  t.same(differences.slice(0, 5), [], 'no difference');
  const idle = new Set(asked.flatMap(({ query = '' }) => idleIn(query)));
  t.comment(`njs: ${CHAINS} queries, ${idle.size} parameters idle, ${differences.length} differences`);
  for (const mark of marks) t.ok(idle.has(mark), mark);
});

const AUTO = 3000;

t.test('where q is auto unless said, the edge and the server say so alike', { skip: noNjs }, async (t) => {
  t.setTimeout(900_000);
  const presets = withAutoQuality(registered);
  const asked = requests().slice(0, AUTO);
  const { outcomes } = await runEdge(t.testdir(), 'njs', asked, { signed: false, autoQuality: true });
  t.equal(outcomes.length, AUTO);
  const differences = asked.flatMap((request, index) => difference(request, outcomes[index], presets) ?? []);
  t.same(differences.slice(0, 5), [], 'no difference');
  const paths = outcomes.map(({ uri = '' }) => uri).filter((uri) => uri.includes('&_='));
  t.ok(paths.filter((uri) => /q=auto/.test(uri)).length > AUTO / 10);
  const again = paths.slice(0, 1000).map((uri) => ({ uri: uri.replace(/&_=.*/, '') }));
  const second = await runEdge(t.testdir(), 'njs', again, { signed: false, autoQuality: true });
  const moved = second.outcomes.flatMap(({ uri }, index) =>
    uri === paths[index] ? [] : [{ uri, was: paths[index] }],
  );
  t.same(moved.slice(0, 5), [], 'a path that the edge wrote is read as it stands');
});

const SIGNED = 3000;
const access = new Access(
  loadConfig({ SIGNATURES: 'required', SIGNING_KEYS: `${KID}=${SECRET}`, API_TOKENS }),
  () => Date.now() / 1000,
);

/** What a server that asks for signatures itself says to the same URL: a path, or status and code. */
function verdict({ uri, query = '' }: EdgeRequest): object {
  try {
    const { id, canonical: form } = readPath(uri.slice('/img/'.length));
    const read = readQuery([form, query].filter(Boolean).join('&'), registered);
    access.check({ id, read, written: () => writtenMessage(uri, query) });
    const canonical = read.negotiable ? resolved(read.canonical, negotiate(undefined)) : read.canonical;
    return { uri: `/img/${idInUrl(id)}/${place(canonical, plain, marked)}` };
  } catch (error) {
    if (!isProblem(error)) throw error;
    const { code, status, facts } = error;
    return { status, code, ...(facts.checked === undefined ? {} : { checked: facts.checked }) };
  }
}

function verdictOfEdge({ uri, body }: EdgeOutcome): object {
  return body === undefined ? { uri } : JSON.parse(body);
}

const hmac = (text: string) =>
  createHmac('sha256', Buffer.from(SECRET, 'hex')).update(text).digest('base64url');

/** A signed URL of one form or the other, or one that somebody has changed afterwards. */
function signedRequest(draw: Draw): EdgeRequest {
  const uri = `/img/${draw.pick(['a/b.jpg', '%61/b.jpg', 'a%2Fb.jpg', 'c&sig=w/b.jpg', 'a/b.jpg/h=7'])}`;
  const asked = draw.pick([
    'w=5',
    'width=10&dpr=2',
    'fmt=webp',
    'bg=Teal',
    'p=card',
    'w=0',
    'utm_x=1',
    'dl',
    '',
  ]);
  const end = draw.pick(['', '', '&exp=9999999999', '&exp=1']);
  const query = `${asked}${end}${draw.pick(['&', '&', '&', '&amp;'])}kid=${draw.pick([KID, KID, KID, 'k2'])}`;
  const sig = draw.random() < 0.6 ? `w-${hmac(`w-${uri}?${query}`)}` : canonicalSig(uri, query);
  const behind = draw.pick([
    '',
    '',
    '',
    '&utm_source=x',
    '&fbclid',
    '&v=7',
    '&h=9',
    '&x=1',
    '&sig=w-x',
    '&',
    '&exp=2',
  ]);
  const signed = `${query}${draw.pick(['&', '&', '&', '&', '&amp;'])}${draw.pick(['sig', 'sig', 'sig', '%73ig'])}=${sig}${behind}`;
  const changes: readonly ((text: string) => string)[] = [
    ...Array.from({ length: 5 }, () => (text: string) => text),
    (text) => text.replace('w=', 'w=1'),
    (text) => text.replace('sig=w-', 'sig='),
    (text) => text.replace(/sig=(?!w-)/, 'sig=w-'),
    (text) => text.split('&').toReversed().join('&'),
    (text) => text.replaceAll('e', '%65'),
  ];
  return { uri, query: draw.pick(changes)(signed) };
}

function canonicalSig(uri: string, query: string): string {
  try {
    const { id, canonical: form } = readPath(uri.slice('/img/'.length));
    const { canonical, url } = readQuery([form, query].filter(Boolean).join('&'), registered);
    return hmac(signedMessage(id, canonical, url.kid ?? '', url.exp ?? ''));
  } catch {
    return 'x'.repeat(43);
  }
}

t.test('the server and the edge check every signature alike, in njs', { skip: noNjs }, async (t) => {
  t.setTimeout(900_000);
  const draw = drawing(SEED);
  const asked = Array.from({ length: SIGNED }, () => signedRequest(draw));
  const { outcomes, output } = await runEdge(t.testdir(), 'njs', asked, { signed: true });
  t.equal(outcomes.length, SIGNED, 'all were answered', { output: output.slice(-2000) });
  const verdicts = asked.map(verdict);
  const differences = asked.flatMap((request, index) => {
    const edge = verdictOfEdge(outcomes[index] ?? {});
    const isSame = JSON.stringify(edge) === JSON.stringify(verdicts[index]);
    return isSame ? [] : [{ request, server: verdicts[index], edge }];
  });
  t.same(differences.slice(0, 5), [], 'no difference');
  const counts = new Map<string, number>();
  for (const found of verdicts) {
    const name = 'code' in found ? String(found.code) : 'served';
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  t.comment(`njs: ${SIGNED} signed URLs, ${differences.length} differences, ${JSON.stringify([...counts])}`);
  for (const name of ['served', 'bad_signature', 'unsigned_parameter', 'url_expired'])
    t.ok((counts.get(name) ?? 0) > SIGNED / 100, name);
});

const PATHS = 4000;
const QUERIES = ['', 'w=5', 'fmt=webp', 'w=0', 'v=7', 'w=5&exp=1'];

/** Id and form as the server reads them; undefined where it refuses the path. */
function readByServer(path: string): ReturnType<typeof readPath> | undefined {
  try {
    return readPath(path);
  } catch {
    return undefined;
  }
}

/** What differs in the path, or undefined. What the server refuses must stay refused, whatever the edge writes. */
function pathDifference(
  { uri, query = '' }: EdgeRequest,
  outcome: EdgeOutcome | undefined,
): object | undefined {
  const asked = readByServer(uri.slice('/img/'.length));
  const passedOn = readByServer(outcome?.uri?.slice('/img/'.length) ?? '%');
  if (!asked) return passedOn && { uri, outcome };
  const { id, canonical } = asked;
  const segments = id.split('/').map(encodeURIComponent).join('/');
  const isSpelled = outcome?.uri === `/img/${segments}` || outcome?.uri?.startsWith(`/img/${segments}/`);
  const wanted = expected({ uri, query: [canonical, query].filter(Boolean).join('&') });
  const isLate = wanted?.url.exp !== undefined;
  const form = wanted && !isLate ? wanted.path.slice('/img/a/b.jpg/'.length) : undefined;
  const isSame = passedOn?.id === id && passedOn.canonical === form;
  return isSpelled && isSame ? undefined : { uri, query, wanted: form, outcome };
}

t.test('the server and the edge read every path alike, in njs', { skip: noNjs }, async (t) => {
  const draw = drawing(SEED);
  const asked = Array.from({ length: PATHS }, () => ({
    uri: `/img/${randomPath(draw)}`,
    query: draw.pick(QUERIES),
  }));
  const { outcomes, output } = await runEdge(t.testdir(), 'njs', asked);
  t.equal(outcomes.length, PATHS, 'all were answered', { output: output.slice(-2000) });
  const differences = asked.flatMap((request, at) => pathDifference(request, outcomes[at]) ?? []);
  t.same(differences.slice(0, 5), [], 'no difference');
  const ids = asked.map(({ uri }) => readByServer(uri.slice('/img/'.length))?.id ?? '');
  const good = ids.filter(isId).length;
  t.comment(`njs: ${PATHS} paths, ${good} of ids, ${differences.length} differences`);
  t.ok(good > PATHS / 3 && good < PATHS * 0.95, 'both kinds are well represented');
});
