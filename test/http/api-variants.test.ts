import t, { type Test } from 'tap';
import { call, form, jobsOf, keysOf, noise, playWarmer, type UploadAnswer } from '../support/api.ts';
import { storedKey } from '../support/results.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { warmerOf, withPut } from '../support/warmer.ts';

interface Status {
  status: string;
  variants: { variant: string; status: string; expires: string | null }[];
  next: string | null;
}

const path = (id: string, action: string) => `/api/images/${id}/${action}`;

async function upload(server: TestServer, ...fields: [string, string][]): Promise<string> {
  const parts = [...fields, ['file', await noise(300, 200)]] as [string, string | Uint8Array][];
  return (await call<UploadAnswer>(server, 'POST', '/api/images', form(parts))).body.id;
}

async function started(t: Test, env: Record<string, string> = {}): Promise<TestServer> {
  const server = await startServer(env);
  t.teardown(() => server.close());
  return server;
}

function managementOf({ composed }: TestServer) {
  if (!composed.management) throw new Error('without a management API');
  return composed.management;
}

async function inMemory(server: TestServer): Promise<number> {
  const metrics = await (await server.get('/metrics')).text();
  return Number(/^rendition_memory_results (\d+)/m.exec(metrics)?.[1]);
}

const names = (first: number, count: number) =>
  Array.from({ length: count }, (_, n) => `fmt=webp&w=${first + n}`);

t.test('the variants of an image are told of by pages, each of them once', async (t) => {
  const server = await started(t);
  const id = await upload(server);
  const all = [...names(100, 100), ...names(200, 100), ...names(300, 30)];
  for (let start = 0; start < all.length; start += 100)
    await call(server, 'POST', path(id, 'variants'), { variants: all.slice(start, start + 100) });
  const pages: number[] = [];
  const seen: string[] = [];
  for (let query = ''; query !== 'end'; ) {
    const { body } = await call<Status>(server, 'GET', path(id, `status${query}`));
    pages.push(body.variants.length);
    seen.push(...body.variants.map(({ variant }) => variant));
    query = body.next === null ? 'end' : `?cursor=${body.next}`;
  }
  t.same(pages, [100, 100, 30]);
  t.same(seen, [...all].sort());
  const image = await call<Status>(server, 'GET', `/api/images/${id}?limit=7`);
  t.equal(image.body.variants.length, 7);
  const { body } = await call<Status>(server, 'GET', `/api/images/${id}?cursor=${image.body.next}&limit=3`);
  t.same(
    body.variants.map(({ variant }) => variant),
    [...all].sort().slice(7, 10),
  );
  t.match(await call(server, 'GET', path(id, 'status?cursor=x')), {
    status: 400,
    body: { code: 'invalid_parameter', param: 'cursor' },
  });
  t.match(await call(server, 'GET', path(id, 'status?limit=101')), { status: 400, body: { param: 'limit' } });
  await playWarmer(server, id);
  const ended = await call<Status>(server, 'GET', path(id, 'status?wait=5&limit=1'));
  t.match(ended.body, { status: 'completed', variants: [{ status: 'ready' }] });
});

t.test('a variant that is asked for no more is gone: its record, result and copy', async (t) => {
  const warmer = await warmerOf(t);
  const server = await started(t, { DATA_DIR: warmer.config.dataDir });
  const variants = ['fmt=webp&w=20', 'fmt=webp&w=200', 'fmt=webp&w=30'];
  const id = await upload(server, ['variants', JSON.stringify(variants)]);
  const isDone = async () => (await warmer.variants(id)).every(({ status }) => status === 'ready');
  await warmer.until(isDone);
  const [gone = '', near = '', other = ''] = variants;
  for (const query of [gone, near]) t.equal((await server.get(`/img/${id}?${query}`)).status, 200);
  t.equal(await inMemory(server), 2);
  const removed = await call(server, 'DELETE', path(id, 'variants'), {
    variants: ['w=20&fmt=webp', 'w=9&fmt=png'],
  });
  t.equal(removed.status, 204);
  t.same(await keysOf(server.stores.results), [storedKey(id, near), storedKey(id, other)].sort());
  t.equal(await inMemory(server), 1);
  t.match(await call<Status>(server, 'GET', path(id, 'status')), {
    body: { status: 'completed', variants: [{ variant: near }, { variant: other }] },
  });
  t.equal(
    (await call(server, 'DELETE', path(id, 'variants'), { variants: [gone] })).status,
    204,
    'once more',
  );
  t.equal(
    (await server.get(`/img/${id}?${gone}`)).headers.get('x-image-cache'),
    'miss',
    'made when asked for',
  );
  t.match(await call(server, 'DELETE', '/api/images/none/variants', { variants: [gone] }), { status: 404 });
  t.match(await call(server, 'DELETE', path(id, 'variants'), { variants: ['w=x'] }), { status: 400 });
  t.match(await call(server, 'DELETE', path(id, 'variants'), {}), { status: 400 });
});

t.test('an image whose failed variant is asked for no more is completed', async (t) => {
  const server = await started(t);
  const id = await upload(server, ['variants', '["fmt=webp&w=20","fmt=webp&w=30"]']);
  const { images, variants } = server.stores.records;
  await jobsOf(server);
  const version = (await images.get(id))?.version ?? '';
  await variants.update(id, 'fmt=webp&w=20', version, ['queued'], { status: 'failed', error: 'x' });
  await variants.update(id, 'fmt=webp&w=30', version, ['queued'], { status: 'ready', bytes: 1 });
  await call(server, 'DELETE', path(id, 'variants'), { variants: ['fmt=webp&w=20'] });
  t.match(await images.get(id), { status: 'completed' });
  t.match(await variants.list(id), [{ variant: 'fmt=webp&w=30' }]);
});

t.test(
  'a warmer that is at work on a variant which is asked for no more takes its result back',
  async (t) => {
    const warmer = await warmerOf(t, {}, (stores) => ({
      ...stores,
      results: withPut(stores.results, async (...given) => {
        const stored = await stores.results.put(...given);
        await warmer.management.library.forget('a', ['fmt=webp&w=20']);
        return stored;
      }),
    }));
    await warmer.ask('a', await noise(40, 30), ['fmt=webp&w=20']);
    await warmer.until(async () => warmer.lines.some(({ msg }) => msg === 'job'));
    t.same(await warmer.variants('a'), []);
    t.same(await keysOf(warmer.stores.results), []);
    t.match(await warmer.stores.records.images.get('a'), { status: 'completed' });
  },
);

t.test('of what is asked for and taken back at once, the last word holds', async (t) => {
  const server = await started(t);
  const id = await upload(server, ['variants', '["fmt=webp&w=20"]']);
  const { images, variants } = server.stores.records;
  const owed = { token: 'a', warm: ['fmt=webp&w=30'], forget: ['fmt=webp&w=20'] };
  await images.update(id, (await images.get(id))?.revision ?? 0, { owed });
  await managementOf(server).library.forget(id, ['fmt=webp&w=30']);
  t.same(await variants.list(id), []);
  await images.update(id, (await images.get(id))?.revision ?? 0, {
    owed: { token: 'b', forget: ['fmt=webp&w=20'] },
  });
  await managementOf(server).library.warm(id, { forms: ['fmt=webp&w=20'], requested: {} });
  t.match(await variants.list(id), [{ variant: 'fmt=webp&w=20', status: 'queued' }]);
});

t.test('what two variants are served from stays as long as one of them is asked for', async (t) => {
  const warmer = await warmerOf(t);
  const { management, stores } = warmer;
  const [wide, wider] = ['fmt=webp&w=900', 'fmt=webp&w=1000'] as const;
  await warmer.ask('a', await noise(300, 200), [wide, wider]);
  await warmer.until(async () => (await warmer.variants('a')).every(({ status }) => status === 'ready'));
  t.equal((await keysOf(stores.results)).length, 1);
  await management.library.forget('a', [wide]);
  t.equal((await keysOf(stores.results)).length, 1);
  await management.library.forget('a', [wider]);
  t.same(await keysOf(stores.results), []);
});
