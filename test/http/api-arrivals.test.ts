import t, { type Test } from 'tap';
import { call, form, jobsOf, keysOf, noise, playWarmer } from '../support/api.ts';
import { temporaryFolder } from '../support/folders.ts';
import { startServer, type TestServer } from '../support/server.ts';

const ID = 'bucket/of/others.jpg';

async function started(t: Test, env: Record<string, string> = {}) {
  const server = await startServer({ WARM_DEFAULTS: 'w=20&fmt=webp', ...env });
  t.teardown(() => server.close());
  const { management } = server.composed;
  if (!management) throw new Error('no management');
  return { server, reconciler: management.reconciler };
}

const look = async (server: TestServer) => (await call(server, 'GET', `/api/images/${ID}`)).body;

t.test('an object that anybody puts becomes known and warm; twice is once', async (t) => {
  const { server, reconciler } = await started(t);
  await server.put(ID, await noise(60, 40));
  await Promise.all([reconciler.reconcile(ID), reconciler.reconcile(ID)]);
  t.match(await look(server), {
    status: 'processing',
    original: { width: 60, height: 40, contentType: 'image/jpeg' },
    variants: [{ variant: 'fmt=webp&w=20', status: 'queued' }],
  });
  t.match(await jobsOf(server), [{ kind: 'warm', id: ID, variants: ['fmt=webp&w=20'] }]);
  await playWarmer(server, ID);
  await reconciler.reconcile(ID);
  t.match(await look(server), { status: 'completed' });
  t.same(await jobsOf(server), [], 'a late event changes nothing');
});

t.test('an overwritten object is purged and what it had is warmed again', async (t) => {
  const { server, reconciler } = await started(t);
  await server.put(ID, await noise(60, 40));
  await reconciler.reconcile(ID);
  await call(server, 'POST', `/api/images/${ID}/variants`, { variants: ['w=10&fmt=png'] });
  await playWarmer(server, ID);
  await (await server.get(`/img/${ID}?w=30`)).arrayBuffer();
  await server.composed.images.settle();
  await jobsOf(server);
  await server.put(ID, await noise(50, 50, 2));
  await reconciler.reconcile(ID);
  t.match(await look(server), {
    status: 'processing',
    original: { width: 50 },
    variants: [{ status: 'queued' }, { status: 'queued' }],
  });
  t.match(await jobsOf(server), [{ variants: ['fmt=png&w=10', 'fmt=webp&w=20'] }]);
  t.same(await keysOf(server.stores.results), []);
});

t.test('a removed object is forgotten; events in the wrong order end in what is there', async (t) => {
  const { server, reconciler } = await started(t);
  await server.put(ID, await noise(60, 40));
  await reconciler.reconcile(ID);
  await reconciler.reconcile(ID);
  t.match(await look(server), { status: 'processing' }, 'it is there');
  await (await server.get(`/img/${ID}?w=30`)).arrayBuffer();
  await server.composed.images.settle();
  await server.stores.originals.remove([ID]);
  await reconciler.reconcile(ID);
  t.match(await look(server), { status: 404 });
  t.same(await keysOf(server.stores.results), []);
});

t.test('what is no image is told of, and stays with its owner', async (t) => {
  const { server, reconciler } = await started(t);
  await server.put(ID, Buffer.from('%PDF-1.7 …'));
  await reconciler.reconcile(ID);
  t.match(await look(server), { status: 'failed', error: /PDF/, original: null });
  t.same(await keysOf(server.stores.originals), [ID]);
  await server.put(ID, await noise(60, 40));
  await reconciler.reconcile(ID);
  t.match(await look(server), { status: 'processing', error: null, original: { width: 60 } });
});

t.test('goes on where a server was killed between two steps', async (t) => {
  const { server, reconciler } = await started(t);
  const { records } = server.stores;
  const createdAt = new Date().toISOString();
  const openUntil = new Date(Date.now() + 3_600_000).toISOString();
  await records.images.create({ id: ID, status: 'uploading', createdAt, openUntil });
  await reconciler.reconcile(ID);
  t.match(await look(server), { status: 'uploading' }, 'its bytes may still be on their way');
  await server.put(ID, await noise(60, 40));
  await reconciler.reconcile(ID);
  t.match(await look(server), { status: 'processing' });
  const record = await records.images.get(ID);
  await records.images.update(ID, record?.revision ?? 0, { status: 'uploaded' });
  await jobsOf(server);
  await reconciler.reconcile(ID);
  t.match(await look(server), { status: 'processing' });
  t.match(await jobsOf(server), [{ kind: 'warm', id: ID }]);
  await records.images.create({ id: 'old', status: 'uploading', createdAt, openUntil: createdAt });
  await reconciler.reconcile('old');
  t.equal(await records.images.get('old'), undefined, 'nobody sends that any more');
  const longAgo = new Date(Date.now() - 601_000).toISOString();
  await records.images.create({ id: 'killed', status: 'uploading', createdAt: longAgo });
  await reconciler.reconcile('killed');
  t.equal(
    await records.images.get('killed'),
    undefined,
    'as programs of before wrote it, longer ago than a request lasts',
  );
});

t.test('leaves an upload alone that a server is taking in, which knows its title and variants', async (t) => {
  const { server, reconciler } = await started(t);
  const uploads = server.composed.management?.uploads;
  const source = async function* (bytes: Uint8Array) {
    yield bytes;
  };
  const accepted = await uploads?.accept(source(await noise(60, 40)), ID);
  await reconciler.reconcile(ID);
  t.match(await look(server), { status: 'uploading', title: null });
  if (accepted) await uploads?.finish(accepted, { title: 'Mine', variants: ['w=9'] });
  t.match(await look(server), { status: 'processing', title: 'Mine', variants: [{}, { variant: 'w=9' }] });
  t.equal((await jobsOf(server)).length, 1, 'one message');
});

/** A CDN that nobody asks here: what is to be ordered from it is a job. */
const NOBODY = { invalidate: () => Promise.reject(new Error('not by a server')) };

/** How often the CDN is to be told, by the jobs that wait. */
async function ordered(server: TestServer): Promise<number> {
  return (await jobsOf(server)).filter(({ kind }) => kind === 'invalidate').length;
}

t.test('an event of an object that was never served costs no call of CloudFront', async (t) => {
  const server = await startServer({}, { edge: NOBODY });
  t.teardown(() => server.close());
  const reconciler = server.composed.management?.reconciler;
  // An upload that was refused, as its two events tell of it.
  await reconciler?.reconcile(ID);
  await reconciler?.reconcile(ID);
  await server.put(ID, await noise(60, 40));
  await reconciler?.reconcile(ID);
  t.equal(await ordered(server), 0);
  await server.stores.originals.remove([ID]);
  await reconciler?.reconcile(ID);
  await reconciler?.reconcile(ID);
  t.equal(await ordered(server), 1, 'once when one that was known is gone');
});

t.test('an object that was served before anyone told of it leaves nothing old when it changes', async (t) => {
  const server = await startServer({}, { edge: NOBODY });
  t.teardown(() => server.close());
  const reconciler = server.composed.management?.reconciler;
  const serve = async () => {
    await (await server.get(`/img/${ID}?w=30`)).arrayBuffer();
    await server.composed.images.settle();
    t.equal((await keysOf(server.stores.results)).length, 1);
  };
  await server.put(ID, await noise(60, 40));
  await serve();
  await server.put(ID, await noise(50, 50, 2));
  await reconciler?.reconcile(ID);
  t.same([await keysOf(server.stores.results), await ordered(server)], [[], 1]);
  await serve();
  await server.stores.records.images.remove(ID);
  await server.stores.originals.remove([ID]);
  await reconciler?.reconcile(ID);
  t.same([await keysOf(server.stores.results), await ordered(server)], [[], 1]);
});

t.test('a purge knows objects without a record, and has the CDN told', async (t) => {
  const server = await startServer({}, { edge: NOBODY });
  t.teardown(() => server.close());
  await server.put(ID, await noise(60, 40));
  const first = await call(server, 'POST', `/api/images/${ID}/purge`);
  t.match(first, { status: 200, body: { edge: { status: 'queued' } } });
  t.match(await call(server, 'POST', `/api/images/${ID}/purge`), { status: 200 });
  t.equal(await ordered(server), 1, 'two that wait are one order');
  t.match(await look(server), { status: 'completed', original: { width: 60 } });
});

t.test('a purge by one server is seen by the others on the same stores', async (t) => {
  const folder = await temporaryFolder();
  const testServer = await startServer({ DATA_DIR: folder, VERSION_SECONDS: '0' });
  const two = await startServer({ DATA_DIR: folder, VERSION_SECONDS: '0' });
  t.teardown(() => testServer.close());
  t.teardown(() => two.close());
  const { body } = await call(testServer, 'POST', '/api/images', form([['file', await noise(60, 40)]]));
  const tier = async () => {
    const response = await two.get(`/img/${body['id']}?w=30&fmt=png`);
    await response.arrayBuffer();
    await two.composed.images.settle();
    return response.headers.get('x-image-cache');
  };
  t.same([await tier(), await tier()], ['miss', 'memory']);
  await call(testServer, 'POST', `/api/images/${body['id']}/purge`);
  t.same([await tier(), await tier()], ['miss', 'memory']);
});
