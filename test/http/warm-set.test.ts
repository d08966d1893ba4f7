import t, { type Test } from 'tap';
import { Demand, isSampled } from '../../server/reading/demand.ts';
import { call, form, noise, type UploadAnswer } from '../support/api.ts';
import { removeFolder, temporaryFolder } from '../support/folders.ts';
import { startServer, type TestServer } from '../support/server.ts';

const DAY_MS = 86_400_000;

interface Answer {
  isUsed: boolean;
  asked: number;
  forms: { variant: string; share: number; isWarmed: boolean; ms: number | null; bytes: number }[];
  perImage: { variants: number; ms: number; bytes: number };
  saves: { share: number; ms: number };
  prefixes: (Omit<Answer, 'prefixes' | 'isUsed'> & { prefix: string })[];
}

async function serverOf(t: Test, env: Record<string, string> = {}): Promise<TestServer> {
  const server = await startServer(env);
  t.teardown(() => server.close());
  return server;
}

const warmSetOf = async (server: TestServer) => (await call<Answer>(server, 'GET', '/api/warm-set')).body;

/** So many different pictures under a prefix, each asked for once in a form. */
function visit({ composed: { demand } }: TestServer, prefix: string, asked: Record<string, number>): void {
  for (const [canonical, times] of Object.entries(asked))
    for (let n = 0; n < times; n++) {
      const id = `${prefix}${n}.jpg`;
      demand.add({ id, form: canonical, tier: 'miss', timings: { decode: 1, encode: 9 }, bytes: 1000 });
    }
}

async function upload(server: TestServer, id: string): Promise<string[]> {
  const parts = [
    ['id', id],
    ['file', await noise(30, 20, 7)],
  ] as const;
  const { body } = await call<UploadAnswer>(server, 'POST', '/api/images', form(parts));
  return body.variants.map(({ variant }) => variant);
}

t.test('first visits are counted, of whatever picture; what memory answers is not', async (t) => {
  const server = await serverOf(t);
  for (const id of ['shop/a.jpg', 'shop/b.jpg', 'c.jpg'])
    await server.put(id, await noise(40, 30, id.length));
  t.match(await warmSetOf(server), { isUsed: false, asked: 0, forms: [], prefixes: [] });
  const visits = ['shop/a.jpg?w=20&fmt=webp', 'shop/a.jpg?fmt=webp&width=20', 'shop/b.jpg?w=20&fmt=webp'];
  for (const path of [...visits, ...visits, 'c.jpg?w=10&fmt=png', 'c.jpg?w=10&fmt=png'])
    t.equal((await server.get(`/img/${path}`)).status, 200);
  await server.get('/img/c.jpg?w=11', { method: 'HEAD' });
  t.equal((await server.get('/img/no.jpg?w=11')).status, 404);
  const seen = await warmSetOf(server);
  t.match(seen, {
    asked: 3,
    forms: [
      { variant: 'fmt=webp&w=20', share: 0.6667, isWarmed: false },
      { variant: 'fmt=png&w=10', share: 0.3333 },
    ],
    prefixes: [{ prefix: 'shop', asked: 2, forms: [{ variant: 'fmt=webp&w=20', share: 1 }] }],
  });
  for (const { ms, bytes } of seen.forms) t.ok(Number(ms) > 0 && bytes > 0, 'with what a render takes');
  t.same(await warmSetOf(server), seen, 'and looking counts nothing');
});

t.test('all processes count into one set, which new images are warmed by', async (t) => {
  const DATA_DIR = await temporaryFolder();
  const env = { DATA_DIR, WARM_DEFAULTS: 'w=7&fmt=png learned', WARM_LEARNED_PERCENT: '10' };
  const [server, other] = [await serverOf(t, env), await serverOf(t, env)];
  t.teardown(() => removeFolder(DATA_DIR));
  visit(server, '', { 'fmt=webp&w=20': 60, 'fmt=webp&w=21': 3 });
  visit(other, 'shop/', { 'fmt=avif&w=30': 70 });
  visit(other, 'few/', { 'fmt=avif&w=31': 49 });
  await other.composed.demand.flush();
  const { isUsed, asked, prefixes } = await warmSetOf(server);
  t.match({ isUsed, asked }, { isUsed: true, asked: 182 });
  t.match(prefixes, [
    { prefix: 'shop', asked: 70 },
    { prefix: 'few', asked: 49 },
  ]);
  const all = ['fmt=png&w=7', 'fmt=avif&w=30', 'fmt=webp&w=20', 'fmt=avif&w=31'];
  t.same(
    await upload(server, 'new.jpg'),
    all,
    'without a prefix: what was set, then what all images are asked for',
  );
  t.same(await upload(server, 'few/new.jpg'), all, 'of a prefix of which little is known too');
  t.same(await upload(server, 'shop/new.jpg'), ['fmt=png&w=7', 'fmt=avif&w=30'], 'else its own');
  await other.put('shop/event.jpg', await noise(30, 20, 8));
  await other.composed.management?.reconciler.reconcile('shop/event.jpg');
  const found = await other.stores.records.variants.list('shop/event.jpg');
  t.same(
    found.map(({ variant }) => variant).sort(),
    ['fmt=avif&w=30', 'fmt=png&w=7'],
    'what others put, too',
  );
});

t.test('a set has a floor, a cap, and nothing that is not served', async (t) => {
  const rules = { ALLOWED_WIDTHS: '10,20,30,40', WARM_LEARNED_FORMS: '2', WARM_LEARNED_PERCENT: '14' };
  const server = await serverOf(t, { WARM_DEFAULTS: 'learned', ...rules });
  visit(server, '', {
    'fmt=webp&w=15': 30,
    'fmt=webp&w=20': 25,
    'fmt=webp&meta=keep&w=20': 25,
    'fmt=webp&no=such': 25,
    'fmt=webp&w=10': 10,
    'fmt=webp&w=30': 24,
    'fmt=webp&w=40': 23,
  });
  const { forms, perImage, saves } = await warmSetOf(server);
  const warmed = forms.filter(({ isWarmed }) => isWarmed).map(({ variant }) => variant);
  t.same(warmed, ['fmt=webp&w=20', 'fmt=webp&w=30']);
  t.same(perImage, { variants: 2, ms: 20, bytes: 2000 });
  t.same(saves, { share: 0.3025, ms: 3 });
  t.same(await upload(server, 'new.jpg'), warmed);
});

t.test('nothing is learned of a few', async (t) => {
  const server = await serverOf(t, { WARM_DEFAULTS: 'learned' });
  visit(server, '', { 'fmt=webp&w=20': 49 });
  t.match(await warmSetOf(server), { asked: 49, forms: [{ share: 1, isWarmed: false }] });
  t.same(await upload(server, 'new.jpg'), []);
});

t.test('what was asked for counts half after its days, and unreadable counts begin anew', async (t) => {
  const server = await serverOf(t, { WARM_LEARNED_DAYS: '3' });
  const { progress } = server.stores.records;
  const failures: unknown[] = [];
  const onFailure = (error: unknown) => failures.push(error);
  const old = new Demand({ progress, halfLifeDays: 3, now: () => Date.now() - 6 * DAY_MS, onFailure });
  const visited = { id: 'a.jpg', form: 'fmt=webp&w=20', tier: 'miss', timings: {}, bytes: 1 } as const;
  for (let n = 0; n < 40; n++) old.add(visited);
  await old.flush();
  visit(server, '', { 'fmt=webp&w=30': 10 });
  const { asked, forms } = await warmSetOf(server);
  t.equal(asked, 20);
  t.match(forms, [{ share: 0.5 }, { share: 0.5 }]);
  await progress.put('demand', 'nonsense');
  t.match(await warmSetOf(server), { asked: 0 });
  visit(server, '', { 'fmt=webp&w=30': 1 });
  t.match(await warmSetOf(server), { asked: 1 });
  t.same(failures, []);
});

t.test('what could not be written is not lost', async (t) => {
  const server = await serverOf(t);
  const { progress } = server.stores.records;
  let isAway = true;
  const failures: unknown[] = [];
  const demand = new Demand({
    progress: {
      update: (name, change) => (isAway ? Promise.reject(new Error('away')) : progress.update(name, change)),
    },
    halfLifeDays: 7,
    now: Date.now,
    onFailure: (error) => failures.push(error),
  });
  const visited = { id: 'a/b.jpg', form: 'fmt=webp&w=20', tier: 'stored', timings: {}, bytes: 1 } as const;
  demand.start();
  demand.add(visited);
  await demand.flush();
  await demand.flush();
  demand.add(visited);
  demand.add({ ...visited, form: `text=${'x'.repeat(300)}` });
  demand.add({ ...visited, tier: 'coalesced' });
  isAway = false;
  await demand.stop();
  t.equal(failures.length, 1);
  t.match(await warmSetOf(server), {
    asked: 2,
    forms: [{ ms: null }],
    prefixes: [{ prefix: 'a', asked: 2 }],
  });
});

t.test(
  'behind an edge that reads results itself, sampled images say how often a warm form is asked for',
  async (t) => {
    const server = await serverOf(t, { WARM_DEFAULTS: 'learned', CDN_DISTRIBUTION: 'E1' });
    visit(server, 'all-', { 'fmt=webp&w=30': 1600 });
    const ids = Array.from({ length: 1600 }, (_, n) => `all-${n}.jpg`);
    const { demand } = server.composed;
    const sampled = ids.filter(isSampled);
    // Warm for all others, of which no server hears.
    for (const id of sampled) demand.add({ id, form: 'fmt=webp&w=20', tier: 'miss', timings: {}, bytes: 1 });
    const { forms } = await warmSetOf(server);
    for (const { variant, share } of forms) t.ok(share > 0.4 && share < 0.6, `${variant}: ${share}`);
    t.same(await upload(server, sampled[0] ?? ''), []);
    t.same((await upload(server, ids.find((id) => !isSampled(id)) ?? '')).length, 2);
  },
);
