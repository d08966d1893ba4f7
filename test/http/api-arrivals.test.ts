import { createServer } from 'node:http';
import { CloudFrontClient } from '@aws-sdk/client-cloudfront';
import t, { type Test } from 'tap';
import { CloudFrontCdn, invalidationPaths } from '../../server/writing/cdn.ts';
import { call, form, jobsOf, keysOf, noise, playWarmer } from '../support/api.ts';
import { identity } from '../support/emulators.ts';
import { startServer, type TestServer, temporaryFolder } from '../support/server.ts';

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
  await Promise.all([reconciler.created(ID), reconciler.created(ID)]);
  t.match(await look(server), {
    status: 'processing',
    original: { width: 60, height: 40, contentType: 'image/jpeg' },
    variants: [{ variant: 'fmt=webp&w=20', status: 'queued' }],
  });
  t.match(await jobsOf(server), [{ kind: 'warm', id: ID, variants: ['fmt=webp&w=20'] }]);
  await playWarmer(server, ID);
  await reconciler.created(ID, 'of-some-old-event');
  t.match(await look(server), { status: 'completed' });
  t.same(await jobsOf(server), [], 'a late event changes nothing');
});

t.test('an overwritten object is purged and what it had is warmed again', async (t) => {
  const { server, reconciler } = await started(t);
  await server.put(ID, await noise(60, 40));
  await reconciler.created(ID);
  await call(server, 'POST', `/api/images/${ID}/variants`, { variants: ['w=10&fmt=png'] });
  await playWarmer(server, ID);
  await (await server.get(`/img/${ID}?w=30`)).arrayBuffer();
  await server.composed.images.settle();
  await jobsOf(server);
  await server.put(ID, await noise(50, 50, 2));
  await reconciler.created(ID);
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
  await reconciler.created(ID);
  await reconciler.removed(ID);
  t.match(await look(server), { status: 'processing' }, 'it is there');
  await (await server.get(`/img/${ID}?w=30`)).arrayBuffer();
  await server.composed.images.settle();
  await server.stores.originals.remove([ID]);
  await reconciler.created(ID);
  t.match(await look(server), { status: 404 });
  t.same(await keysOf(server.stores.results), []);
});

t.test('what is no image is told of, and stays with its owner', async (t) => {
  const { server, reconciler } = await started(t);
  await server.put(ID, Buffer.from('%PDF-1.7 …'));
  await reconciler.created(ID);
  t.match(await look(server), { status: 'failed', error: /PDF/, original: null });
  t.same(await keysOf(server.stores.originals), [ID]);
  await server.put(ID, await noise(60, 40));
  await reconciler.created(ID);
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
  await records.images.create({ id: 'killed', status: 'uploading', createdAt });
  await reconciler.reconcile('killed');
  t.equal(await records.images.get('killed'), undefined, 'no form, and no server that takes it in');
});

t.test('leaves an upload alone that a server is taking in, which knows its title and variants', async (t) => {
  const { server, reconciler } = await started(t);
  const uploads = server.composed.management?.uploads;
  const source = async function* (bytes: Uint8Array) {
    yield bytes;
  };
  const accepted = await uploads?.accept(source(await noise(60, 40)), ID);
  await reconciler.created(ID, accepted?.etag);
  t.match(await look(server), { status: 'uploading', title: null });
  if (accepted) await uploads?.finish(accepted, { title: 'Mine', variants: ['w=9'] });
  t.match(await look(server), { status: 'processing', title: 'Mine', variants: [{}, { variant: 'w=9' }] });
  t.equal((await jobsOf(server)).length, 1, 'one message');
});

/** An edge in front of a local endpoint, and what it was asked. From the second call on, if so wanted, it refuses. */
async function edgeOf(t: Test, { refuses = false } = {}) {
  const bodies: string[] = [];
  const cloudfront = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    bodies.push(`${request.url} ${body}`);
    response.writeHead(refuses && bodies.length > 1 ? 400 : 201, { 'content-type': 'text/xml' });
    response.end('<Invalidation><Id>I1</Id></Invalidation>');
  });
  await new Promise<void>((resolve) => cloudfront.listen(0, '127.0.0.1', resolve));
  t.teardown(() => cloudfront.close());
  const address = cloudfront.address();
  const endpoint = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  const edge = new CloudFrontCdn(new CloudFrontClient({ ...identity, endpoint, maxAttempts: 1 }), 'E1');
  return { edge, bodies };
}

t.test('an event of an object that was never served costs no call of CloudFront', async (t) => {
  const { edge, bodies } = await edgeOf(t);
  const server = await startServer({}, { edge });
  t.teardown(() => server.close());
  const reconciler = server.composed.management?.reconciler;
  // An upload that was refused, as its two events tell of it.
  await reconciler?.created(ID);
  await reconciler?.removed(ID);
  await server.put(ID, await noise(60, 40));
  await reconciler?.created(ID);
  t.equal(bodies.length, 0);
  await server.stores.originals.remove([ID]);
  await reconciler?.removed(ID);
  await reconciler?.removed(ID);
  t.equal(bodies.length, 1, 'once when one that was known is gone');
});

t.test('an object that was served before anyone told of it leaves nothing old when it changes', async (t) => {
  const { edge, bodies } = await edgeOf(t);
  const server = await startServer({}, { edge });
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
  await reconciler?.created(ID);
  t.same([await keysOf(server.stores.results), bodies.length], [[], 1]);
  await serve();
  await server.stores.records.images.remove(ID);
  await server.stores.originals.remove([ID]);
  await reconciler?.removed(ID);
  t.same([await keysOf(server.stores.results), bodies.length], [[], 2]);
});

t.test('a purge knows objects without a record, and tells CloudFront', async (t) => {
  const { edge, bodies } = await edgeOf(t, { refuses: true });
  const server = await startServer({}, { edge });
  t.teardown(() => server.close());
  await server.put(ID, await noise(60, 40));
  const first = await call(server, 'POST', `/api/images/${ID}/purge`);
  t.match(first, { status: 200, body: { edge: { status: 'invalidating', invalidation: 'I1' } } });
  t.match(bodies[0], /E1\/invalidation/);
  for (const path of [`/img/${ID}`, `/img/${ID}?*`, `/img/${ID}/*`])
    t.ok(bodies[0]?.includes(`>${path}<`), path);
  t.match(await call(server, 'POST', `/api/images/${ID}/purge`), {
    status: 200,
    body: { edge: { status: 'failed' } },
  });
  t.match(await look(server), { status: 'completed', original: { width: 60 } });
});

t.test('a mark that is replaced takes every picture from the edge', async (t) => {
  const { edge, bodies } = await edgeOf(t);
  const server = await startServer({ WATERMARKS: 'logo=marks/logo.png' }, { edge });
  t.teardown(() => server.close());
  await server.put('marks/logo.png', await noise(20, 20));
  await server.composed.management?.reconciler.reconcile('marks/logo.png');
  await server.put('marks/logo.png', await noise(20, 20, 2));
  await server.composed.management?.reconciler.reconcile('marks/logo.png');
  t.equal(bodies.length, 2, 'nobody knows what a mark was on before it was known');
  for (const body of bodies) t.match(body, '<Path>/img/*</Path>');
  await server.put('other.jpg', await noise(20, 20, 3));
  await server.composed.management?.reconciler.reconcile('other.jpg');
  t.equal(bodies.length, 2);
});

t.test('a star in an id is no wildcard of an invalidation', async (t) => {
  t.same(invalidationPaths('a/sale* +1'), [
    '/img/a/sale%2A%20%2B1',
    '/img/a/sale%2A%20%2B1?*',
    '/img/a/sale%2A%20%2B1/*',
  ]);
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
