import t from 'tap';
import { presets as presetParser } from '../../server/config/parsers.ts';
import { RULES } from '../../server/core/operations/table.ts';
import { readPresets, readQuery, resolved } from '../../server/core/operations/transformation.ts';
import { negotiate } from '../../server/core/query/accept.ts';
import { type EdgeOutcome, type EdgeRequest, PRESETS, runEdge } from './support/edge.ts';
import { drawing, randomQuery } from './support/queries.ts';
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
];

const registered = presetParser.parse(PRESETS) ?? readPresets({});

/** What the server's own parser makes of the request: a path with the format settled, or undefined for a refusal. */
function expected({
  query = '',
  accept,
}: EdgeRequest): { path: string; url: Readonly<Record<string, string>> } | undefined {
  try {
    const { canonical, negotiable, url } = readQuery(query, registered);
    return { path: `/img/a/b.jpg/${negotiable ? resolved(canonical, negotiate(accept)) : canonical}`, url };
  } catch {
    return undefined;
  }
}

/** What differs, or undefined. */
function difference(request: EdgeRequest, outcome: EdgeOutcome | undefined): object | undefined {
  const wanted = expected(request);
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
