import t, { type Test } from 'tap';
import { call, form, noise } from '../../support/api.ts';
import { bytesOf, startServer, type TestServer } from '../../support/server.ts';

async function started(t: Test, env: Record<string, string> = {}): Promise<TestServer> {
  const server = await startServer(env);
  t.teardown(() => server.close());
  return server;
}

const upload = (server: TestServer, id: string, file: Uint8Array) =>
  call(
    server,
    'POST',
    '/api/images',
    form([
      ['id', id],
      ['file', file],
    ]),
  );

/** Does `act` once, when the next object has been put. */
function afterPut({ stores: { originals } }: TestServer, act: () => Promise<void>): void {
  const put = originals.put.bind(originals);
  originals.put = async (...given) => {
    originals.put = put;
    const facts = await put(...given);
    await act();
    return facts;
  };
}

t.test('an upload that is taken back leaves the record of who has announced the id since', async (t) => {
  const server = await started(t);
  const { images } = server.stores.records;
  const createdAt = '2026-01-01T00:00:00.000Z';
  const openUntil = new Date(Date.now() + 3_600_000).toISOString();
  afterPut(server, async () => {
    await images.remove('a');
    await images.create({ id: 'a', status: 'uploading', createdAt, openUntil });
  });
  const broken = (await noise(60, 40)).subarray(0, 200);
  t.match(await upload(server, 'a', broken), { status: 422 });
  t.match(await images.get('a'), { status: 'uploading', createdAt });
});

t.test('an image that is deleted while it is replaced is gone, and the answer says so', async (t) => {
  const server = await started(t);
  await upload(server, 'a', await noise(30, 30));
  afterPut(server, () => server.composed.management?.library.remove('a') ?? Promise.resolve());
  const file = form([['file', await noise(60, 40)]]);
  const answer = await call(server, 'PUT', '/api/images/a/original', file);
  t.match(answer, { status: 404, body: { code: 'image_not_found' } });
  t.equal(await server.stores.originals.head('a'), undefined);
  t.equal(await server.stores.records.images.get('a'), undefined);
});

t.test('the server that purges goes on with nothing of what it believed', async (t) => {
  const server = await started(t, { VERSION_SECONDS: '600' });
  await upload(server, 'a', await noise(200, 100));
  const crop = async () => bytesOf(await server.get('/img/a?w=20&h=80&fit=cover&fmt=png'));
  const centred = await crop();
  // Storing it looks the version up as well.
  await server.composed.images.settle();
  const moved = await call(server, 'PATCH', '/api/images/a', { focal: { x: 0.02, y: 0.5 } });
  t.equal(moved.status, 200);
  t.notSame(await crop(), centred);
});
