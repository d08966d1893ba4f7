import t, { type Test } from 'tap';
import { chain } from '../cloudfront/chain.ts';
import { compressed } from '../cloudfront/compression.ts';
import type { Distribution } from '../cloudfront/distribution.ts';
import { secondsKept } from '../cloudfront/freshness.ts';
import { type Script, scriptedOrigin } from './support/origins.ts';
import { synthStage } from './support/synth.ts';
import { asked, Clock } from './support/viewer.ts';

const { file } = await synthStage({});
const PICTURE = '/img/a.jpg?w=9&fmt=webp';

/** A stage before two origins whose answers change; the clock stands until it is moved. */
async function stage(t: Test, alter?: (distribution: Distribution) => Distribution) {
  const plays: { server: Script; bucket: Script } = { server: { status: 200 }, bucket: { status: 404 } };
  const server = await scriptedOrigin(t, 'server', () => plays.server);
  const bucket = await scriptedOrigin(t, 'bucket', () => plays.bucket);
  const clock = new Clock();
  const behind = () => ({ server: server.base, bucket: bucket.base });
  const { edge, distribution } = chain({ file, behind, now: clock.now, ...(alter ? { alter } : {}) });
  const get = (url = PICTURE, headers: Record<string, string> = {}, method = 'GET') =>
    edge.answer(asked(url, { headers, method }));
  return { plays, server, bucket, clock, edge, distribution, get };
}

const HOUR = {
  'cache-control': 'public, max-age=3600, stale-while-revalidate=86400, stale-if-error=604800',
  etag: '"a"',
};

t.test(
  'a picture is kept for its max-age, asked for behind a viewer after that, and stands in for a day',
  async (t) => {
    const { plays, server, clock, edge, get } = await stage(t);
    plays.server = { status: 200, headers: HOUR };
    t.match((await get()).headers, { 'x-cache': 'Miss from cloudfront', 'x-from': 'server' });
    clock.pass(3599);
    t.match((await get()).headers, { 'x-cache': 'Hit from cloudfront', age: '3599' });
    t.equal(server.calls.length, 1);
    clock.pass(2);
    plays.server = { status: 304, headers: HOUR };
    t.match(await get(), { status: 200, headers: { 'x-cache': 'Hit from cloudfront' } }, 'at once');
    await edge.settle();
    t.equal(server.calls[1]?.headers['if-none-match'], '"a"', 'asked whether it has changed');
    t.match((await get()).headers, { age: '0' }, 'and it counts as new');
    clock.pass(3600 + 86_400 + 1);
    plays.server = { status: 503, headers: { 'retry-after': '7' } };
    t.match(await get(), { status: 200 }, 'servers that are away do not take it away');
    clock.pass(604_800 + 1);
    t.match(await get(), { status: 503, headers: { 'retry-after': '7' } }, 'but for so long only');
  },
);

t.test(
  'trouble is remembered for a second, a refusal for as long as the server says, the rest not at all',
  async (t) => {
    const { plays, server, clock, get } = await stage(t);
    const rows: [script: Script, seconds: number][] = [
      [{ status: 503, headers: { 'cache-control': 'no-store', 'retry-after': '7' } }, 1],
      [{ status: 500, headers: { 'cache-control': 'no-store' } }, 1],
      [{ status: 504 }, 1],
      [{ status: 404, headers: { 'cache-control': 'public, max-age=30' } }, 30],
      [{ status: 403, headers: { 'cache-control': 'public, max-age=30' } }, 30],
      [{ status: 400, headers: { 'cache-control': 'public, max-age=300' } }, 300],
      [{ status: 404, headers: { 'cache-control': 'no-store' } }, 0],
      [{ status: 422, headers: { 'cache-control': 'public, max-age=300' } }, 0],
      [{ status: 429, headers: { 'cache-control': 'no-store' } }, 0],
      [{ status: 410, headers: { 'cache-control': 'no-store' } }, 0],
    ];
    for (const [number, [script, seconds]] of rows.entries()) {
      const url = `/img/${number}.jpg?w=9&fmt=webp&v=1`;
      plays.server = script;
      const first = await get(url);
      const before = server.calls.length;
      clock.pass(Math.max(0, seconds - 0.5));
      plays.server = { status: 200, headers: HOUR };
      t.equal((await get(url)).status, seconds > 0 ? first.status : 200, `${first.status} for ${seconds} s`);
      t.equal(server.calls.length - before, seconds > 0 ? 0 : 1);
      clock.pass(1);
      t.equal((await get(url)).status, 200, `${first.status} has passed`);
    }
  },
);

t.test('a purge reaches every form of an image, and nothing of its neighbours', async (t) => {
  const { invalidationPaths } = await import('../../server/writing/cdn.ts');
  const { plays, edge, get } = await stage(t);
  plays.server = { status: 200, headers: HOUR };
  const own = ['', '?w=9', '?w=9&v=7', '?dl=1', '?p=card', '/w=9&fmt=webp', '?w=0'];
  const fill = async () => {
    for (const id of ['a.jpg', 'a.jpg.png', 'a', 'b/a.jpg'])
      for (const form of own) await get(`/img/${id}${form}`);
  };
  await fill();
  const kept = edge.kept;
  const perImage = kept / 4;
  t.equal(edge.invalidate(invalidationPaths('a.jpg', false)), perImage, 'its own alone');
  await fill();
  t.equal(edge.kept, kept);
  t.equal(
    edge.invalidate(invalidationPaths('a.jpg', true)),
    2 * perImage,
    'a star at the end takes what begins alike',
  );
  await fill();
  t.equal(edge.invalidate(['/img/*']), kept, 'everything');
});

t.test('one picture has one key a format, however it is written', async (t) => {
  const { plays, server, get } = await stage(t);
  plays.server = { status: 200, headers: HOUR };
  const accepts = ['image/avif,image/webp,*/*', 'image/webp,*/*', '*/*'];
  const spellings = [
    'w=300&h=200',
    'h=200&w=300',
    'height=200&width=300&utm_source=mail',
    'h=200&w=300&fmt=auto',
  ];
  for (const accept of accepts) for (const query of spellings) await get(`/img/a.jpg?${query}`, { accept });
  const forms = new Set(server.calls.map(({ url }) => url));
  t.equal(server.calls.length, accepts.length, [...forms].join(' '));
  t.ok(
    server.calls.every(({ headers }) => headers.accept === undefined),
    'and no server chooses again',
  );
  for (const { url } of server.calls) t.match(url, /^\/img\/a\.jpg\/.*fmt=(auto-avif|webp|auto-base)/);
  const answer = await get('/img/a.jpg?w=300&h=200', { accept: '*/*' });
  t.equal(answer.headers.vary, 'Accept', 'for the caches behind');
});

t.test(
  'what goes on to the servers: no secret is needed, Host is their own, the API gets everything',
  async (t) => {
    const { plays, server, get } = await stage(t);
    plays.server = { status: 200, headers: { 'cache-control': 'public, max-age=3600' } };
    const viewer = {
      host: 'd1.cloudfront.net',
      authorization: 'Bearer x',
      cookie: 'a=b',
      'x-forwarded-for': '198.51.100.7',
    };
    await get('/img/a.jpg?w=9&v=1', viewer);
    await get('/api/images?limit=2', viewer);
    await get('/api/images?limit=2', viewer);
    await get('/api/images', viewer, 'POST');
    const [picture, first, second, post] = server.calls;
    t.match(picture, {
      url: /\?v=1$/,
      headers: { host: /aws_lb\.balancer/, cookie: undefined, authorization: undefined },
    });
    t.match(first, {
      url: '/api/images?limit=2',
      headers: { authorization: 'Bearer x', host: /aws_lb\.balancer/ },
    });
    t.equal(
      first?.headers['x-forwarded-for'],
      '198.51.100.7, 203.0.113.9, 10.40.0.10',
      'two hops, PROXY_HOPS',
    );
    t.ok(second, 'nothing of the API is kept');
    t.match(post, { method: 'POST' });
    t.equal((await get('/img/a.jpg', {}, 'POST')).status, 403, 'pictures are read only');
    t.equal((await get('/metrics')).status, 404, 'metrics stay inside');
    t.equal(server.calls.length, 4);
  },
);

t.test('conditions, ranges and HEAD are answered from what is kept', async (t) => {
  const { plays, server, get } = await stage(t);
  plays.server = { status: 200, headers: HOUR };
  await get();
  t.equal((await get(PICTURE, { 'if-none-match': '"a"' })).status, 304);
  t.equal((await get(PICTURE, { 'if-none-match': 'W/"a"' })).status, 304);
  t.equal((await get(PICTURE, { 'if-none-match': '"b"' })).status, 200);
  const part = await get(PICTURE, { range: 'bytes=0-5' });
  t.equal(`${part.status} ${part.body}`, '206 server');
  t.equal((await get(PICTURE, { range: 'bytes=900-' })).status, 416);
  t.equal((await get()).status, 200, 'which spoils nothing');
  t.equal((await get(PICTURE, {}, 'HEAD')).body.length, 0);
  t.equal(server.calls.length, 1);
  await get('/img/head.jpg?w=9', {}, 'HEAD');
  t.equal(server.calls[1]?.method, 'HEAD');
  t.equal((await get('/img/head.jpg?w=9')).body.toString(), 'server says 200', 'a HEAD is no picture');
});

t.test('pictures carry the same headers from either origin', async (t) => {
  const { plays, get } = await stage(t);
  const expected = {
    'content-security-policy': "default-src 'none'; sandbox",
    'x-content-type-options': 'nosniff',
    'strict-transport-security': 'max-age=31536000',
    'cross-origin-resource-policy': 'cross-origin',
    'timing-allow-origin': '*',
    vary: 'Accept',
    'access-control-allow-origin': '*',
  };
  const origin = { origin: 'https://shop.example' };
  plays.bucket = { status: 200, headers: HOUR };
  const stored = await get(PICTURE, origin);
  t.match(stored.headers, { 'x-from': 'bucket', ...expected });
  plays.bucket = { status: 404 };
  t.match((await get('/img/b.jpg?w=9&fmt=webp', origin)).headers, { 'x-from': 'server', ...expected });
});

t.test('requests for one picture at a time are one', async (t) => {
  const { plays, server, get } = await stage(t);
  plays.server = { status: 200, headers: HOUR };
  await Promise.all(Array.from({ length: 20 }, () => get()));
  t.equal(server.calls.length, 1);
});

t.test('a function that fails, and one that chooses an origin that is not there, is a 503', async (t) => {
  for (const code of ['throw 1', "cf.selectRequestOriginById('none');return e.request"]) {
    const { get } = await stage(t, (distribution) => ({
      ...distribution,
      behaviours: distribution.behaviours.map((one) =>
        one.viewerCode
          ? { ...one, viewerCode: `import cf from"cloudfront";async function handler(e){${code}}` }
          : one,
      ),
    }));
    t.match(await get(), { status: 503, headers: { 'x-cache': 'FunctionExecutionError from cloudfront' } });
  }
});

t.test('rules that our stages do not use: other TTLs, error pages, compression', async (t) => {
  const policy = { minTtl: 10, defaultTtl: 50, maxTtl: 100, gzip: true, brotli: true };
  const none = { rule: 'none', names: [] } as const;
  const cache = { ...policy, headers: none, queries: none };
  const kept = (headers: Record<string, string>) =>
    secondsKept({ status: 200, headers, body: Buffer.alloc(0) }, { policy: cache, errors: new Map() }, 0);
  // "Manage how long content stays in the cache (expiration)", row by row.
  t.same(
    ['max-age=5', 'max-age=70', 'max-age=700', 's-maxage=60, max-age=5', 'no-store', 'private', 'public'].map(
      (text) => kept({ 'cache-control': text }),
    ),
    [10, 70, 100, 60, 10, 10, 50],
  );
  t.equal(kept({ expires: new Date(40_000).toUTCString() }), 40);
  t.equal(kept({}), 50);
  const body = Buffer.from('text '.repeat(400));
  const headers = { 'content-type': 'text/css', 'content-length': String(body.length), etag: '"a"' };
  const [behaviour] = (await stage(t)).distribution.behaviours;
  if (!behaviour) throw new Error('A distribution has behaviours');
  const pack = (accept: string, over = {}) =>
    compressed(
      { status: 200, headers, body, ...over },
      { ...behaviour, compress: true, cache },
      asked('/', { headers: { 'accept-encoding': accept } }),
    );
  t.match(pack('gzip, br').headers, { 'content-encoding': 'br', etag: 'W/"a"' });
  t.match(pack('gzip').headers, { 'content-encoding': 'gzip' });
  t.equal(pack('').headers['content-encoding'], undefined);
  t.equal(pack('gzip', { body: Buffer.alloc(999) }).headers['content-encoding'], undefined);
  t.equal(pack('gzip', { status: 503 }).headers['content-encoding'], undefined);
  const { plays, get } = await stage(t, (distribution) => ({
    ...distribution,
    errors: new Map([[502, { minSeconds: 1, page: { path: '/sorry', status: 503 } }]]),
  }));
  plays.server = { status: 502 };
  t.equal((await get()).status, 502, 'a page that fails as well');
});
