import sharp from 'sharp';
import t, { type Test } from 'tap';
import { keysOf, noise } from '../support/api.ts';
import { temporaryFolder } from '../support/folders.ts';
import { ended } from '../support/process.ts';
import { bytesOf, startServer } from '../support/server.ts';

async function started(t: Test, env: Record<string, string> = {}) {
  const server = await startServer({ FALLBACK_IMAGE: 'site/none.jpg', ...env });
  t.teardown(() => server.close());
  await server.put('site/none.jpg', await noise(60, 40));
  return server;
}

t.test(
  'a missing picture is answered with the fallback in the form that was asked for, and 404',
  async (t) => {
    const server = await started(t);
    for (const [query, accept, format] of [
      ['w=20&fmt=webp', '*/*', 'webp'],
      ['w=20&h=20&fit=cover', 'image/webp', 'webp'],
      ['w=20', 'image/png', 'png'],
      ['w=20&fmt=jpeg&dl=shoe', '*/*', 'jpeg'],
    ] as const)
      for (const round of ['first', 'again']) {
        const answer = await server.get(`/img/shoes/gone.jpg?${query}`, { headers: { accept } });
        t.equal(answer.status, 404, `${query} ${round}`);
        const { headers } = answer;
        t.match(headers.get('content-type'), `image/${format}`);
        t.match(headers.get('x-image-warning'), 'fallback');
        t.equal(headers.get('cache-control'), 'public, max-age=30');
        t.same(
          [headers.get('etag'), headers.get('last-modified'), headers.get('content-disposition')],
          [null, null, null],
        );
        t.equal(headers.get('vary'), query.includes('fmt=') ? null : 'Accept');
        const { width } = await sharp(await bytesOf(answer)).metadata();
        t.equal(width, 20);
      }
    await server.composed.images.settle();
    const keys = [...(await keysOf(server.stores.results)), ...(await keysOf(server.stores.originals))];
    t.ok(keys.length > 1);
    t.same(
      keys.filter((key) => key.includes('gone')),
      [],
      'nothing lies under the missing id',
    );
    await server.put('shoes/gone.jpg', await noise(50, 40, 2));
    const there = await server.get('/img/shoes/gone.jpg?w=20&fmt=webp');
    t.equal(there.status, 200);
    t.notOk(there.headers.get('x-image-warning'));
    await bytesOf(there);
  },
);

t.test('it stands in for nothing else: other errors, the API, itself', async (t) => {
  const server = await started(t);
  const isProblem = async (path: string, init: RequestInit, status: number) => {
    const answer = await server.get(path, init);
    t.equal(answer.status, status, path);
    t.match(answer.headers.get('content-type'), 'application/problem+json', path);
    await bytesOf(answer);
  };
  await server.put('text', Buffer.from('no picture'));
  await isProblem('/img/gone?w=0', {}, 400);
  await isProblem('/img/text?w=20', {}, 415);
  await isProblem('/api/explain/gone?w=20', {}, 404);
  await isProblem('/api/images/gone', {}, 404);
  await isProblem('/img/', {}, 400);
  await server.stores.originals.remove(['site/none.jpg']);
  await isProblem('/img/gone?w=21&fmt=webp', {}, 404);
  await isProblem('/img/site/none.jpg?w=21&fmt=webp', {}, 404);
});

/** Of the connection and of this one answer. */
const PASSING = ['connection', 'keep-alive', 'date', 'server-timing', 'x-request-id', 'x-image-cache'];

t.test('HEAD says what GET says, but for what is not known before the fallback is made', async (t) => {
  const server = await started(t);
  const namesOf = ({ headers }: Response) => [...headers].filter(([name]) => !PASSING.includes(name));
  for (const query of ['w=20&fmt=webp', 'w=24', 'fmt=png&w=22']) {
    const path = `/img/gone?${query}`;
    const before = await server.get(path, { method: 'HEAD' });
    const shown = await server.get(path);
    await bytesOf(shown);
    const after = await server.get(path, { method: 'HEAD' });
    t.same([before.status, shown.status, after.status], [404, 404, 404]);
    t.same(namesOf(after), namesOf(shown), query);
    const whole = new Map(namesOf(shown));
    const early = namesOf(before).filter(([name]) => name !== 'content-length');
    for (const [name, value] of early) t.equal(value, whole.get(name), `${query} ${name}`);
    t.ok(early.some(([name, value]) => name === 'x-image-warning' && value === 'fallback'));
  }
});

t.test('who may not see a picture does not see the fallback either', async (t) => {
  const server = await started(t, { PRESETS: 'card=w=20', PRESETS_ONLY: '1' });
  t.equal((await server.get('/img/gone?h=30')).status, 403);
  const shown = await server.get('/img/gone?p=card&fmt=webp');
  t.same([shown.status, shown.headers.get('content-type')], [404, 'image/webp']);
  await bytesOf(shown);
});

t.test('a fallback that is not there is refused at the start', async (t) => {
  const { status, stderr } = ended('server/main.ts', {
    DATA_DIR: await temporaryFolder(),
    FALLBACK_IMAGE: 'site/none.jpg',
  });
  t.equal(status, 1);
  t.match(stderr, 'FALLBACK_IMAGE="site/none.jpg": there is no such original');
});
