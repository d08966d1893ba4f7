import type { Test } from 'tap';
import { updateWithRetry } from '../../server/stores/update-record.ts';
import { call, form, noise } from '../support/api.ts';
import { API_TOKENS, AUTHORIZED } from '../support/env.ts';
import { type RemoteServer, remoteServer } from '../support/remote.ts';
import { problemOf, startServer, type TestServer } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';
import { isDrained, workOff } from '../support/warmer.ts';

const [first, second] = await Promise.all([noise(60, 40, 1), noise(50, 50, 2)]);

/** Settings of new stores. */
type Settings = (t: Test) => Promise<Record<string, string>>;

interface Deployment {
  readonly server: TestServer;
  readonly remote: RemoteServer;
  readonly env: Record<string, string>;
  /** Lets a warmer do what is queued. */
  readonly work: () => Promise<unknown>;
}

async function deploy(t: Test, stores: Settings, more: Record<string, string> = {}): Promise<Deployment> {
  const remote = await remoteServer(t);
  const SOURCES = `shop=${remote.base}/media/`;
  const env = { ...(await stores(t)), SOURCES, IMPORT_PRIVATE: '1', SOURCE_RATE_PER_MINUTE: '0', ...more };
  const server = await startServer(env);
  t.teardown(() => server.close());
  return { server, remote, env, work: () => workOff(env) };
}

const statusesOf = ({ requests }: RemoteServer, path: string) =>
  requests.filter((one) => one.path === path).map(({ status }) => status);
const sizeOf = async (response: Response) => {
  const { default: sharp } = await import('sharp');
  const { width = 0, height = 0 } = await sharp(Buffer.from(await response.arrayBuffer())).metadata();
  return `${response.status} ${width}x${height}`;
};
/** As if a source had been asked last a day ago. */
const age = ({ stores }: TestServer, id: string) =>
  updateWithRetry(stores.records, id, ({ source }) => {
    const { notBefore: _notBefore, ...rest } = source ?? { url: '' };
    return { source: { ...rest, checkedAt: new Date(Date.now() - 86_400_000).toISOString() } };
  });

/** What holds for originals of sources, whatever the stores are. */
export function sourceFlows(t: Test, stores: Settings): void {
  t.test(
    '100 clients at once who ask two servers for one new picture cost its source one request',
    async (t) => {
      const { server, remote, env } = await deploy(t, stores);
      const other = await startServer(env);
      t.teardown(() => other.close());
      remote.picture('/media/sub/a%20b.jpg', first);
      const ask = async (n: number) => {
        const response = await (n % 2 ? server : other).get('/img/shop/sub/a%20b.jpg?fmt=png');
        return { tier: response.headers.get('x-image-cache'), size: await sizeOf(response) };
      };
      const answers = await Promise.all(Array.from({ length: 100 }, (_, n) => ask(n)));
      t.same([...new Set(answers.map(({ size }) => size))], ['200 60x40']);
      t.same(statusesOf(remote, '/media/sub/a%20b.jpg'), [200]);
      const misses = answers.filter(({ tier }) => tier === 'miss').length;
      t.ok(misses <= 2, `${misses} renders, at most one a server`);
      const { body } = await call(server, 'GET', '/api/images/shop/sub/a%20b.jpg');
      t.match(body, {
        status: /completed|uploaded|processing/,
        original: { width: 60 },
        source: { error: null },
      });
      t.match(await call(server, 'GET', '/api/explain/shop/sub/a%20b.jpg?w=9'), { status: 200 });
    },
  );

  t.test('what a source has not is remembered for a moment, and what cannot be had says why', async (t) => {
    const { server, remote } = await deploy(t, stores);
    for (let n = 0; n < 3; n++) {
      const problem = await problemOf(await server.get('/img/shop/none.jpg?w=9'));
      t.match(problem, { status: 404, code: 'image_not_found' });
    }
    t.same(statusesOf(remote, '/media/none.jpg'), [404]);
    remote.answer('/media/away.jpg', (_, response) => void response.writeHead(500).end());
    remote.answer(
      '/media/moved.jpg',
      (_, response) => void response.writeHead(301, { location: 'http://10.0.0.1/' }).end(),
    );
    remote.answer('/media/page.jpg', (_, response) => void response.end('<html>'));
    const wanted = {
      away: [502, 'source_error'],
      moved: [502, 'source_refused'],
      page: [415, 'unsupported_source'],
    };
    for (const [name, [status, code]] of Object.entries(wanted)) {
      const problem = await problemOf(await server.get(`/img/shop/${name}.jpg`));
      t.match(problem, { status, code }, name);
      t.notMatch(JSON.stringify(problem), remote.base, 'where it comes from is not told');
      await server.get(`/img/shop/${name}.jpg`);
      t.equal(statusesOf(remote, `/media/${name}.jpg`).length, 1, name);
    }
    t.same(
      await server.stores.records.images.list({ limit: 9 }),
      { items: [] },
      'nothing is written down of these',
    );
    t.same((await server.stores.originals.list({ prefix: '', limit: 9 })).items, [], 'nor kept');
    // Ids whose addresses are longer than any that is asked for.
    for (const id of [`${'\u{1f600}'.repeat(170)}.jpg`, `${' '.repeat(690)}`, 'é'.repeat(345)]) {
      const problem = await problemOf(await server.get(`/img/shop/${encodeURIComponent(id)}`));
      t.match(problem, { status: 502, code: 'source_refused' }, id);
      t.notMatch(JSON.stringify(problem), remote.base, 'nor of these');
    }
    t.match(await problemOf(await server.get('/img/shop')), { code: 'image_not_found' });
    t.match(await problemOf(await server.get('/img/other/none.jpg')), { code: 'image_not_found' });
    t.equal(remote.requests.length, 4);
  });

  t.test('a picture that was deleted stays away until its block is lifted', async (t) => {
    const { server, remote } = await deploy(t, stores);
    remote.picture('/media/a.jpg', first);
    t.equal((await server.get('/img/shop/a.jpg')).status, 200);
    for (let n = 0; n < 2; n++) t.equal((await call(server, 'DELETE', '/api/images/shop/a.jpg')).status, 204);
    for (let n = 0; n < 2; n++) t.equal((await server.get('/img/shop/a.jpg')).status, 404);
    t.match(await call(server, 'GET', '/api/images/shop/a.jpg'), { status: 404 });
    t.same(statusesOf(remote, '/media/a.jpg'), [200]);
    for (let n = 0; n < 2; n++)
      t.equal((await call(server, 'DELETE', '/api/images/shop/a.jpg/block')).status, 204);
    t.equal((await server.get('/img/shop/a.jpg')).status, 200);
    t.same(statusesOf(remote, '/media/a.jpg'), [200, 200]);
    remote.picture('/media/never.jpg', second);
    t.equal((await call(server, 'DELETE', '/api/images/shop/never.jpg')).status, 204);
    t.equal((await server.get('/img/shop/never.jpg')).status, 404, 'also one that was never here');
  });

  t.test('a picture that is deleted while it is on its way stays away', async (t) => {
    const { server, remote } = await deploy(t, stores);
    const [gate, asked] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    remote.answer('/media/a.jpg', (_, response) => {
      response.writeHead(200, { 'content-length': first.length }).write(first.subarray(0, 100));
      asked.resolve();
      void gate.promise.then(() => response.end(first.subarray(100)));
    });
    const get = server.get('/img/shop/a.jpg?w=9');
    await asked.promise;
    t.equal((await call(server, 'DELETE', '/api/images/shop/a.jpg')).status, 204);
    gate.resolve();
    t.equal((await get).status, 404);
    t.equal((await server.get('/img/shop/a.jpg?w=8')).status, 404);
    t.match(await call(server, 'GET', '/api/images/shop/a.jpg'), { status: 404 });
    t.equal(await server.stores.originals.head('shop/a.jpg'), undefined);
  });

  t.test('a picture whose original has gone, or failed under another address, is fetched anew', async (t) => {
    const { server, remote, work } = await deploy(t, stores);
    const url = remote.picture('/media/a.jpg', first);
    t.equal((await server.get('/img/shop/a.jpg?w=9')).status, 200);
    await work();
    await server.stores.originals.remove(['shop/a.jpg']);
    t.equal((await server.get('/img/shop/a.jpg?w=8')).status, 200);
    t.same(statusesOf(remote, '/media/a.jpg'), [200, 200]);
    const failed = { status: 'failed', error: 'x', createdAt: new Date().toISOString() } as const;
    for (const [id, more] of [
      ['shop/b.jpg', { source: { url: 'https://example.com/b.jpg' } }],
      ['shop/c.jpg', {}],
    ] as const) {
      await server.stores.records.images.create({ ...failed, id, ...more });
      remote.picture(`/media/${id.slice(5)}`, second);
      t.equal((await server.get(`/img/${id}?w=9`)).status, 200, id);
      t.match(await server.stores.records.images.get(id), {
        source: { url: url.replace('a.jpg', id.slice(5)) },
      });
    }
  });

  t.test('nothing is uploaded under the name of a source', async (t) => {
    const { server, remote } = await deploy(t, stores);
    remote.picture('/media/a.jpg', first);
    await server.get('/img/shop/a.jpg');
    const file = (id: string) =>
      form([
        ['id', id],
        ['file', second],
      ]);
    const late = form([
      ['file', second],
      ['id', 'shop/late.jpg'],
    ]);
    const announced = { filename: 'x', contentType: 'image/jpeg', size: 9, id: 'shop/c.jpg' };
    const refused = { status: 409, body: { code: 'conflict', hint: /SOURCES/ } };
    t.match(await call(server, 'POST', '/api/images', file('shop/b.jpg')), refused);
    t.match(await call(server, 'POST', '/api/images', late), refused);
    t.match(await call(server, 'PUT', '/api/images/shop/a.jpg/original', form([['file', second]])), refused);
    t.match(await call(server, 'POST', '/api/images/presign', announced), refused);
    t.same(
      (await server.stores.originals.list({ prefix: '', limit: 9 })).items.map(({ key }) => key),
      ['shop/a.jpg'],
    );
    t.equal((await call(server, 'POST', '/api/images', file('shopping/b.jpg'))).status, 202);
  });

  t.test(
    'what has changed at a source is served soon after it was asked for; a source that is away takes nothing along',
    async (t) => {
      const { server, remote, work } = await deploy(t, stores);
      remote.picture('/media/a.jpg', first);
      const get = async () => sizeOf(await server.get('/img/shop/a.jpg?fmt=png'));
      t.equal(await get(), '200 60x40');
      await work();
      remote.picture('/media/a.jpg', second);
      t.equal(await get(), '200 60x40', 'not old enough to be asked for');
      await work();
      t.equal(await get(), '200 60x40');
      const aged = async () => {
        await age(server, 'shop/a.jpg');
        const size = await get();
        // Asked in the background: the request does not wait for it.
        // A poll of a warmer that has stopped may have taken it, and gives it back.
        await waitFor(async () => !(await isDrained(server.stores)));
        await work();
        return `${size}, then ${await get()}`;
      };
      t.equal(await aged(), '200 60x40, then 200 50x50');
      t.equal(await aged(), '200 50x50, then 200 50x50');
      t.same(statusesOf(remote, '/media/a.jpg'), [200, 200, 304]);
      remote.remove('/media/a.jpg');
      t.equal(await aged(), '200 50x50, then 200 50x50', 'gone there, here until it is deleted');
      t.match((await call(server, 'GET', '/api/images/shop/a.jpg')).body, {
        status: 'completed',
        source: { error: /source_absent/ },
      });
      await work();
      t.same(statusesOf(remote, '/media/a.jpg').length, 4, 'and is not asked for again at once');
      remote.picture('/media/a.jpg', first);
      t.equal((await call(server, 'POST', '/api/images/shop/a.jpg/refresh')).status, 202);
      await work();
      t.equal(await get(), '200 60x40');
    },
  );

  t.test('a source gets its own header, and is asked for no more than an hour may bring', async (t) => {
    const headers = { SOURCE_HEADERS: 'shop=Authorization: Bearer abc', SOURCE_IDS_PER_HOUR: '2' };
    const { server, remote } = await deploy(t, stores, headers);
    for (const name of ['a', 'b', 'c']) remote.picture(`/media/${name}.jpg`, first);
    for (const name of ['a', 'none', 'b']) await server.get(`/img/shop/${name}.jpg`);
    const problem = await server.get('/img/shop/c.jpg');
    t.match(await problemOf(problem), { status: 503, code: 'overloaded' });
    t.ok(Number(problem.headers.get('retry-after')) > 0);
    t.equal((await server.get('/img/shop/a.jpg?w=9')).status, 200, 'what is here is served');
    t.same(
      remote.requests.map(({ headers }) => headers.authorization),
      ['Bearer abc', 'Bearer abc', 'Bearer abc'],
    );
  });

  t.test('an original that is too large is said to be that, and no upload', async (t) => {
    for (const limits of [{ MAX_SOURCE_BYTES: '1000' }, { MAX_UPLOAD_BYTES: '1000' }]) {
      const { server, remote } = await deploy(t, stores, limits);
      remote.picture('/media/told.jpg', first);
      remote.answer('/media/untold.jpg', (_, response) => void response.end(first));
      for (const name of ['told', 'untold']) {
        const problem = await problemOf(await server.get(`/img/shop/${name}.jpg`));
        t.match(
          problem,
          { status: 422, code: 'source_too_large', allowed: '1000 bytes', param: undefined },
          name,
        );
        t.same((await server.stores.originals.list({ prefix: '', limit: 9 })).items, []);
      }
    }
  });

  t.test('nor for more bytes than that', async (t) => {
    const { server, remote } = await deploy(t, stores, { SOURCE_BYTES_PER_HOUR: String(first.length) });
    for (const name of ['a', 'b']) remote.picture(`/media/${name}.jpg`, first);
    t.equal((await server.get('/img/shop/a.jpg?w=9')).status, 200);
    t.match(await problemOf(await server.get('/img/shop/b.jpg?w=9')), { status: 503, code: 'overloaded' });
    t.equal((await server.get('/img/shop/a.jpg?w=8')).status, 200);
    t.equal(remote.requests.length, 1);
  });

  t.test('a picture whose URL is not signed is not fetched', async (t) => {
    const signing = { SIGNATURES: 'required', SIGNING_KEYS: `main=${'00'.repeat(16)}`, API_TOKENS };
    const { server, remote } = await deploy(t, stores, signing);
    remote.picture('/media/a.jpg', first);
    t.equal((await server.get('/img/shop/a.jpg?w=9')).status, 403);
    t.equal(remote.requests.length, 0);
    const body = { urls: ['/img/shop/a.jpg?w=9'] };
    const { body: signed } = await call<{ urls: string[] }>(server, 'POST', '/api/sign', body, AUTHORIZED);
    t.equal((await fetch(signed.urls[0] ?? '')).status, 200);
  });
}
