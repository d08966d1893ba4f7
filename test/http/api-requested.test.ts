import { createHash } from 'node:crypto';
import t, { type Test } from 'tap';
import { NEGOTIATED } from '../../server/core/query/accept.ts';
import { call, form, noise, playWarmer, type UploadAnswer } from '../support/api.ts';
import { temporaryFolder } from '../support/folders.ts';
import { startServer, type TestServer } from '../support/server.ts';

interface Answer extends UploadAnswer {
  done: number;
  total: number;
  requests: { requested: string; url: string | null; variants: string[] }[];
  variants: { variant: string; requested: string | null; url: string; status: string }[];
}

const PRESETS = { PRESETS: 'card=w=40&h=30&fit=cover;thumb=w=20' };

async function started(t: Test, env: Record<string, string> = {}): Promise<TestServer> {
  const server = await startServer({ ...PRESETS, ...env });
  t.teardown(() => server.close());
  return server;
}

async function upload(server: TestServer, variants: readonly unknown[], seed = 1): Promise<Answer> {
  const parts = form([
    ['variants', JSON.stringify(variants)],
    ['file', await noise(60, 40, seed)],
  ]);
  const { status, body } = await call<Answer>(server, 'POST', '/api/images', parts);
  if (status !== 202) throw new Error(JSON.stringify(body));
  return body;
}

const pathOf = (url: string | null) => (url ?? '').replace(/^https?:\/\/[^/]+/, '');

t.test('what was asked for is found again in each answer, with one negotiated address', async (t) => {
  const server = await started(t, { WARM_DEFAULTS: 'w=12&fmt=webp' });
  const texts = ['p=card', '?fmt=webp&width=21', 'p=thumb', 'w=30&bg=#fff&fmt=jpg', 'w=20&fmt=webp'];
  const steps = [{ type: 'resize', params: { width: 25 } }];
  const uploaded = await upload(server, [...texts, steps]);
  t.same(
    uploaded.requests.map(({ requested }) => requested).toSorted(),
    [...texts, 'w=25'].toSorted(),
    'each once',
  );
  const lengths = uploaded.requests.map(({ requested, variants }) => [requested, variants.length]);
  const all = NEGOTIATED.length;
  t.match(Object.fromEntries(lengths), { 'p=card': all, 'p=thumb': all, 'w=25': all, 'w=20&fmt=webp': 1 });
  const own = uploaded.variants.filter(({ requested }) => requested === 'p=card');
  t.same(
    own.map(({ variant }) => variant),
    uploaded.requests.find(({ requested }) => requested === 'p=card')?.variants,
  );
  t.equal(uploaded.variants.find(({ variant }) => variant === 'fmt=webp&w=12')?.requested, null, 'a default');
  await playWarmer(server, uploaded.id);
  for (const place of [`/api/images/${uploaded.id}`, pathOf(uploaded.statusUrl)]) {
    const { body } = await call<Answer>(server, 'GET', place);
    t.same(
      body.requests.toSorted((a, b) => (a.requested < b.requested ? -1 : 1)),
      uploaded.requests
        .map((request) => ({ ...request, variants: request.variants.toSorted() }))
        .toSorted((a, b) => (a.requested < b.requested ? -1 : 1)),
    );
  }
  for (const { requested, url } of uploaded.requests) {
    const answers = ['image/avif', 'image/webp', 'image/jpeg'].map(async (accept) => {
      const answer = await server.get(pathOf(url), { headers: { accept } });
      return [answer.status, answer.headers.get('content-type')];
    });
    const isNegotiated = !requested.includes('fmt=');
    const types = await Promise.all(answers);
    t.same(new Set(types.map(([status]) => status)), new Set([200]), requested);
    t.equal(new Set(types.map(([, type]) => type)).size, isNegotiated ? 3 : 1, requested);
  }
});

t.test('a later request adds its own text; progress counts the variants of all pages', async (t) => {
  const server = await started(t);
  const { id, statusUrl } = await upload(server, ['p=thumb', 'fmt=png&w=9']);
  const more = await call<Answer>(server, 'POST', `/api/images/${id}/variants`, { variants: ['w=20'] });
  t.match(
    more.body.variants,
    NEGOTIATED.map(() => ({ requested: 'w=20' })),
  );
  t.match(more.body.requests, [{ requested: 'p=thumb' }, { requested: 'w=20' }]);
  const page = async (query: string) => (await call<Answer>(server, 'GET', pathOf(statusUrl) + query)).body;
  const total = 1 + NEGOTIATED.length;
  t.match(await page(''), { done: 0, total });
  t.match(await page('?limit=1'), { done: 0, total, requests: [{ requested: 'p=thumb' }] });
  await playWarmer(server, id);
  t.match(await page('?limit=3'), { done: total, total });
  await upload(server, [], 2);
  const { body } = await call<{ items: Answer[] }>(server, 'GET', '/api/images');
  t.match(body.items, [
    { done: 0, total: 0 },
    { id, done: total, total },
  ]);
});

t.test('an announced upload knows what was asked for before it is there', async (t) => {
  const server = await started(t);
  const announcement = { filename: 'a.jpg', contentType: 'image/jpeg', size: 10, variants: ['p=card'] };
  const { body } = await call<{ id: string }>(server, 'POST', '/api/images/presign', announcement);
  t.match(await call(server, 'GET', `/api/images/${body.id}/status`), {
    body: {
      status: 'uploading',
      done: 0,
      total: NEGOTIATED.length,
      requests: [{ requested: 'p=card', url: /p=card$/ }],
    },
  });
});

t.test('addresses are signed where others are refused', async (t) => {
  const API_TOKENS = `a=write:${createHash('sha256').update('secret').digest('hex')}`;
  const SIGNING_KEYS = `k=${'ab'.repeat(16)}`;
  const server = await started(t, { SIGNATURES: 'required', SIGNING_KEYS, API_TOKENS, PRESETS_ONLY: '1' });
  const authorization = { authorization: 'Bearer secret' };
  const parts = form([
    ['variants', '["p=card"]'],
    ['file', await noise(60, 40)],
  ]);
  const { body } = await call<Answer>(server, 'POST', '/api/images', parts, authorization);
  const [request] = body.requests;
  t.match(request?.url, /p=card&kid=k&sig=/);
  t.equal((await server.get(pathOf(request?.url ?? ''))).status, 200);
});

t.test('a preset that is gone has no address any more; what it made stays', async (t) => {
  const DATA_DIR = await temporaryFolder();
  const before = await startServer({ ...PRESETS, DATA_DIR });
  const { id } = await upload(before, ['p=card', 'w=9']);
  await before.close();
  const server = await started(t, { DATA_DIR, PRESETS: 'other=w=5' });
  const { body } = await call<Answer>(server, 'GET', `/api/images/${id}`);
  t.match(body.requests, [
    { requested: 'p=card', url: null },
    { requested: 'w=9', url: /w=9$/ },
  ]);
  t.equal(body.variants.length, 2 * NEGOTIATED.length);
});
