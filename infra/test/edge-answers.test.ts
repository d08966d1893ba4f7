import t, { type Test } from 'tap';
import { type Behind, chain } from '../cloudfront/chain.ts';
import type { Distribution } from '../cloudfront/distribution.ts';
import type { Edge } from '../cloudfront/edge.ts';
import type { Answer, OriginRequest } from '../cloudfront/message.ts';
import { type Script, type ScriptedOrigin, scriptedOrigin } from './support/origins.ts';
import { KID, SECRET, sign } from './support/signing.ts';
import { synthStage } from './support/synth.ts';
import { asked } from './support/viewer.ts';

type Play = Script | 'refused' | 'no-target';

const LATER = { 'retry-after': '7', 'cache-control': 'no-store' };

/** What the servers may answer, by a name that stands in the id of a picture. */
const SERVER: Readonly<Record<string, Play>> = {
  s200: { status: 200, headers: { 'cache-control': 'public, max-age=60', etag: '"a"' } },
  s400: { status: 400, headers: { 'cache-control': 'public, max-age=300' } },
  s403: { status: 403, headers: { 'cache-control': 'public, max-age=30' } },
  s404: { status: 404, headers: { 'cache-control': 'public, max-age=30' } },
  s410: { status: 410 },
  s422: { status: 422, headers: { 'cache-control': 'public, max-age=300' } },
  s429: { status: 429, headers: LATER },
  s500: { status: 500, headers: { 'cache-control': 'no-store' } },
  s502: { status: 502 },
  s503: { status: 503, headers: LATER },
  s504: { status: 504, headers: { 'cache-control': 'no-store' } },
  silent: 'silence',
  hung: 'hang-up',
  refused: 'refused',
  none: 'no-target',
};

/** What the viewer sees where no server answers: the balancer's words, or CloudFront's. */
const UNANSWERED: Readonly<Record<string, number>> = { silent: 504, hung: 502, refused: 502, none: 503 };

/** What the results bucket may answer. */
const BUCKET: Readonly<Record<string, Play>> = {
  has: { status: 200, headers: { 'cache-control': 'public, max-age=60', etag: '"b"' } },
  lacks: { status: 404 },
  forbids: { status: 403 },
  slow: { status: 503, headers: { 'retry-after': '1' } },
  broken: { status: 500 },
  silent: 'silence',
  refused: 'refused',
};

/** What is settled by the path, so that the bucket may have it; and what only a server can answer. */
const QUERIES = { 'fmt=webp&w=9': true, 'fmt=webp&w=9&v=7': false, 'fmt=webp&w=9&dl=1': false } as const;

const NOBODY = 'http://127.0.0.1:9';

const namesIn = (url: string) => /\/(\w+)\.(\w+)\.jpg/.exec(url)?.slice(1) ?? [];
const played = (scripts: Readonly<Record<string, Play>>, name = ''): Play => scripts[name] ?? 'refused';

function scriptOf(scripts: Readonly<Record<string, Play>>, name: string | undefined): Script {
  const play = played(scripts, name);
  if (play === 'refused' || play === 'no-target') throw new Error(`${name} has come through`);
  return play;
}

/** Of the origins that are silent alone: what takes thirty seconds there must not take them here. */
const hurried =
  (silent: readonly string[]) =>
  (distribution: Distribution): Distribution => ({
    ...distribution,
    origins: new Map(
      [...distribution.origins].map(([id, origin]) => [
        id,
        silent.includes(id) ? { ...origin, readSeconds: 2 } : origin,
      ]),
    ),
  });

interface Origins {
  server: ScriptedOrigin;
  bucket: ScriptedOrigin;
}

async function origins(t: Test): Promise<Origins> {
  const server = await scriptedOrigin(t, 'server', ({ url }) => scriptOf(SERVER, namesIn(url)[0]));
  const bucket = await scriptedOrigin(t, 'bucket', ({ url }) => scriptOf(BUCKET, namesIn(url)[1]));
  return { server, bucket };
}

function behindOf({ server, bucket }: Origins, { path }: OriginRequest): Behind {
  const [serverName, bucketName] = namesIn(path);
  const play = played(SERVER, serverName);
  return {
    server: play === 'no-target' ? undefined : play === 'refused' ? NOBODY : server.base,
    bucket: played(BUCKET, bucketName) === 'refused' ? NOBODY : bucket.base,
  };
}

interface Row {
  serverName: string;
  bucketName: string;
  query: string;
  /** Whether the bucket is asked before the servers. */
  isResultsFirst: boolean;
}

/** What a viewer should see, said without the model. */
function wanted({ serverName, bucketName, query, isResultsFirst }: Row): object {
  const isStored = isResultsFirst && bucketName === 'has' && QUERIES[query as keyof typeof QUERIES];
  if (isStored) return { status: 200, from: 'bucket', later: undefined };
  const play = SERVER[serverName];
  if (typeof play !== 'object') return { status: UNANSWERED[serverName], from: undefined, later: undefined };
  return { status: play.status, from: 'server', later: play.headers?.['retry-after'] };
}

const seen = ({ status, headers }: Answer): object => ({
  status,
  from: headers['x-from'],
  later: headers['retry-after'],
});

const silentIn = ({ serverName, bucketName }: Row): string[] => [
  ...(serverName === 'silent' ? ['server'] : []),
  ...(bucketName === 'silent' ? ['results'] : []),
];

const rowsOf = (isResultsFirst: boolean): Row[] =>
  Object.keys(SERVER).flatMap((serverName) =>
    Object.keys(BUCKET).flatMap((bucketName) =>
      Object.keys(QUERIES).map((query) => ({ serverName, bucketName, query, isResultsFirst })),
    ),
  );

const STAGES = [false, true].flatMap((signed) =>
  (['results-first', 'server-first'] as const).map((origin_order) => ({ signed, origin_order })),
);

async function difference(edge: Edge, row: Row, signed: boolean): Promise<object[]> {
  const id = `${row.serverName}.${row.bucketName}.jpg`;
  const query = signed ? sign(id, row.query) : row.query;
  const got = seen(await edge.answer(asked(`/img/${id}?${query}`)));
  return JSON.stringify(got) === JSON.stringify(wanted(row)) ? [] : [{ row, got, wanted: wanted(row) }];
}

t.test('what each answer of server and bucket is to a viewer, in both orders, signed and open', async (t) => {
  const there = await origins(t);
  const silent: Promise<object[]>[] = [];
  for (const stage of STAGES) {
    const { file } = await synthStage(stage);
    const values = { [`key:${KID}`]: SECRET };
    const options = { file, values, behind: (request: OriginRequest) => behindOf(there, request) };
    const { edge } = chain(options);
    const rows = rowsOf(stage.origin_order === 'results-first');
    const differences: object[] = [];
    for (const row of rows.filter((one) => silentIn(one).length === 0))
      differences.push(...(await difference(edge, row, stage.signed)));
    t.same(differences.slice(0, 3), [], JSON.stringify(stage));
    const unsigned = await edge.answer(asked('/img/s200.has.jpg?fmt=webp&w=9'));
    t.equal(unsigned.status, stage.signed ? 403 : 200, 'without a signature');
    for (const names of [['server'], ['results'], ['server', 'results']]) {
      const { edge: waiting } = chain({ ...options, alter: hurried(names) });
      const own = rows.filter((row) => silentIn(row).join() === names.join());
      silent.push(...own.map((row) => difference(waiting, row, stage.signed)));
    }
    t.comment(`${rows.length} rows: ${JSON.stringify(stage)}`);
  }
  t.same((await Promise.all(silent)).flat().slice(0, 3), [], `${silent.length} in which somebody is silent`);
});

t.test('what no edge can read goes to the servers alone, who explain it', async (t) => {
  const there = await origins(t);
  const { file } = await synthStage({});
  const { edge } = chain({ file, behind: (request) => behindOf(there, request) });
  // To S3 some of these are other calls, or malformed ones that it refuses with 400, which no group goes on from.
  for (const query of [
    'w=0',
    'partNumber=x',
    'versionId=',
    'acl',
    'w=9&exp=1',
    'response-content-type=text/html',
  ]) {
    const answer = await edge.answer(asked(`/img/s400.has.jpg?${query}`));
    t.match(seen(answer), { status: 400, from: 'server' }, query);
  }
  t.same(there.bucket.calls, [], 'S3 is asked for nothing that it cannot have');
});
