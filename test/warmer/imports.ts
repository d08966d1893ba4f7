import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Test } from 'tap';
import type { Stores } from '../../server/stores/stores.ts';
import { fetchJob } from '../../server/warming/jobs.ts';
import { call, noise, type UploadAnswer } from '../support/api.ts';
import { rendition } from '../support/cli.ts';
import { temporaryFolder } from '../support/folders.ts';
import { type RemoteServer, remoteServer } from '../support/remote.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { createWarmer, isDrained } from '../support/warmer.ts';

type Refused = { url: string; problem: { code: string; detail: string } };
type Answer = { images: (UploadAnswer | Refused)[] };
type Image = UploadAnswer & {
  collection: string | null;
  version: string | null;
  error: string | null;
  source: { url: string; checkedAt: string | null; error: string | null } | null;
};

/** Settings of new stores. */
type Settings = (t: Test) => Promise<Record<string, string>>;

interface Deployment {
  readonly server: TestServer;
  readonly remote: RemoteServer;
  /** Lets a warmer work until that holds; by default until the queue is empty and no image waits. */
  readonly work: (seen?: () => Promise<boolean>) => Promise<void>;
}

const [first, second] = await Promise.all([noise(60, 40, 1), noise(50, 50, 2)]);

async function deploy(t: Test, stores: Settings, env: Record<string, string> = {}): Promise<Deployment> {
  const remote = await remoteServer(t);
  const settings = {
    ...(await stores(t)),
    IMPORT_HOSTS: remote.base,
    IMPORT_PRIVATE: '1',
    IMPORT_RATE_PER_MINUTE: '0',
    ...env,
  };
  const server = await startServer(settings);
  t.teardown(() => server.close());
  const work = async (seen = () => isDone(server.stores)) => {
    // One that was stopped stays stopped.
    const warmer = await createWarmer(settings);
    await warmer.until(seen).finally(() => warmer.close());
  };
  return { server, remote, work };
}

/** Jobs that a busy queue did not take in time come with the next sweep. */
async function isDone(stores: Stores): Promise<boolean> {
  const { items } = await stores.records.images.list({ limit: 100 });
  return (await isDrained(stores)) && items.every(({ status }) => status !== 'processing');
}

const ask = (server: TestServer, urls: readonly object[], headers: Record<string, string> = {}) =>
  call<Answer>(server, 'POST', '/api/images/import', { urls }, headers);
const imageOf = async (server: TestServer, id: string) =>
  (await call<Image>(server, 'GET', `/api/images/${id}`)).body;
const statusesOf = ({ requests }: RemoteServer, path: string) =>
  requests.filter((one) => one.path === path).map(({ status }) => status);

/** What holds for originals that are imported, whatever the stores are. */
export function importFlows(t: Test, stores: Settings): void {
  t.test(
    'an original is fetched, warmed and put into its collection; the same call once more is the same',
    async (t) => {
      const { server, remote, work } = await deploy(t, stores, { WARM_DEFAULTS: 'w=9&fmt=png' });
      const { body: collection } = await call<{ id: string }>(server, 'POST', '/api/collections', {
        name: 'x',
      });
      const url = remote.picture('/a.jpg', first);
      const one = { url, id: 'far/a', title: 'A', collection: collection.id, variants: ['w=20&fmt=webp'] };
      const { status, body } = await ask(server, [one]);
      t.equal(status, 202);
      t.match(body.images, [{ id: 'far/a', status: 'uploading', title: 'A', variants: [{}, {}] }]);
      await work();
      const image = await imageOf(server, 'far/a');
      t.match(image, { status: 'completed', collection: collection.id, source: { url, error: null } });
      t.same(
        image.variants.map(({ status }) => status),
        ['ready', 'ready'],
      );
      t.same((await (await server.get('/img/far/a?w=20&fmt=webp')).arrayBuffer()).byteLength > 0, true);
      t.match((await ask(server, [one])).body.images, [{ id: 'far/a', status: 'completed' }]);
      await work();
      t.same(statusesOf(remote, '/a.jpg'), [200], 'asked once');
      t.match((await ask(server, [{ ...one, url: `${url}?2` }])).body.images, [
        { problem: { code: 'conflict' } },
      ]);
    },
  );

  t.test('a refresh costs a conditional request, and replaces what has changed', async (t) => {
    const { server, remote, work } = await deploy(t, stores);
    await ask(server, [{ url: remote.picture('/a.jpg', first), id: 'a', variants: ['w=20&fmt=webp'] }]);
    await work();
    const before = await imageOf(server, 'a');
    const refresh = async () => {
      t.equal((await call(server, 'POST', '/api/images/a/refresh')).status, 202);
      await work();
      return imageOf(server, 'a');
    };
    t.equal((await refresh()).version, before.version);
    remote.picture('/a.jpg', second);
    const after = await refresh();
    t.not(after.version, before.version);
    t.match(after, { status: 'completed', variants: [{ status: 'ready' }] });
    t.equal((await refresh()).version, after.version);
    t.same(statusesOf(remote, '/a.jpg'), [200, 304, 200, 304]);
    remote.remove('/a.jpg');
    t.match(await refresh(), {
      status: 'completed',
      version: after.version,
      source: { error: /answers 404/ },
    });
    remote.picture('/a.jpg', second);
    t.match(await refresh(), { status: 'completed', version: after.version, source: { error: null } });
    await server.put('own', first);
    t.match(await call(server, 'POST', '/api/images/own/purge'), { status: 200 });
    t.match(await call(server, 'POST', '/api/images/own/refresh'), {
      status: 409,
      body: { code: 'conflict' },
    });
    t.match(await call(server, 'POST', '/api/images/none/refresh'), { status: 404 });
  });

  t.test('what is refused says why in its own status, and stops nothing else', async (t) => {
    const { server, remote, work } = await deploy(t, stores, {
      MAX_SOURCE_BYTES: '100k',
    });
    const to = (location: string) => (_: unknown, response: import('node:http').ServerResponse) =>
      void response.writeHead(302, { location }).end();
    let isHugeOpen = true;
    const good = remote.picture('/good.jpg', first);
    const fetched: Readonly<Record<string, readonly [url: string, error: RegExp]>> = {
      hop: [remote.answer('/hop', to('/good.jpg')), /^$/],
      loop: [remote.answer('/loop', to('/loop')), /source_refused: .* redirects more than 5 times/],
      metadata: [
        remote.answer('/m', to('http://169.254.169.254/x')),
        /source_refused: .* redirects to http:\/\/169/,
      ],
      nowhere: [
        remote.answer('/n', (_, response) => void response.writeHead(302).end()),
        /redirects to no address/,
      ],
      file: [remote.answer('/f', to('file:///etc/passwd')), /source_refused: .* redirects to file/],
      absent: [`${remote.base}/absent`, /source_absent: .* answers 404/],
      html: [
        remote.answer('/h.jpg', (_, response) => {
          response
            .writeHead(200, { 'content-type': 'image/jpeg' })
            .end('<html><body>Please log in</body></html>');
        }),
        /unsupported_source/,
      ],
      zipped: [
        remote.answer(
          '/z',
          (_, response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end('x'),
        ),
        /source_refused: .* compressed \(gzip\)/,
      ],
      huge: [
        remote.answer('/huge', (_, response) => {
          response.once('close', () => {
            isHugeOpen = false;
          });
          response.writeHead(200).write(first);
          const more = () => {
            while (isHugeOpen && response.write(Buffer.alloc(10_000)));
          };
          response.on('drain', more);
          more();
        }),
        /upload_too_large/,
      ],
      short: [
        remote.answer('/short', (_, response) => {
          response
            .writeHead(200, { 'content-length': first.length + 10 })
            .write(first, () => response.destroy());
        }),
        /source_error: .* cannot be read/,
      ],
      busy: [
        remote.answer('/busy', (_, response) => void response.writeHead(503).end()),
        /source_error: .* answers 503/,
      ],
    };
    const refused: Readonly<Record<string, readonly [item: object, problem: object]>> = {
      scheme: [{ url: 'ftp://example.com/x' }, { code: 'invalid_parameter' }],
      host: [{ url: 'https://example.com/x.jpg' }, { code: 'not_allowed', param: 'url' }],
      port: [{ url: 'http://127.0.0.1:1/x' }, { code: 'not_allowed' }],
      key: [{ url: good.replace('//', '//name:word@') }, { code: 'invalid_parameter' }],
      id: [
        { url: good, id: '../up' },
        { code: 'invalid_parameter', param: 'id' },
      ],
      variant: [{ url: good, variants: ['w=0'] }, { param: 'variants[0].w' }],
      collection: [{ url: good, collection: 'none' }, { code: 'collection_not_found' }],
    };
    const items = [
      ...Object.entries(fetched).map(([id, [url]]) => ({ id, url })),
      ...Object.values(refused).map(([item]) => item),
    ];
    const { status, body } = await ask(server, items);
    t.equal(status, 202);
    const told = body.images.slice(Object.keys(fetched).length);
    for (const [index, [name, [, problem]]] of Object.entries(refused).entries())
      t.match(told[index], { problem }, name);
    const isSaid = async (id: string) => {
      const { status, source } = await imageOf(server, id);
      return status !== 'uploading' || (source?.error ?? null) !== null;
    };
    await work(async () => (await Promise.all(Object.keys(fetched).map(isSaid))).every(Boolean));
    for (const [id, [, error]] of Object.entries(fetched)) {
      const image = await imageOf(server, id);
      t.match(image.source?.error ?? '', error, id);
      const isPassing = /source_error/.test(error.source);
      t.equal(image.status, isPassing ? 'uploading' : error.source === '^$' ? 'completed' : 'failed', id);
    }
    t.notOk(isHugeOpen, 'no more was read than had to be');
    t.same(
      (await server.stores.originals.list({ prefix: '', limit: 100 })).items.map(({ key }) => key),
      ['hop'],
    );
    remote.picture('/absent', second);
    t.match(await call(server, 'POST', '/api/images/absent/refresh'), {
      status: 202,
      body: { status: 'uploading' },
    });
    await work(async () => (await imageOf(server, 'absent')).status === 'completed');
    t.same(
      await imageOf(server, 'absent').then(({ error }) => error),
      null,
      'a failed one is tried again when it is asked for',
    );
  });

  t.test('a server that sends a little and then nothing has as long as IMPORT_SECONDS', async (t) => {
    const { server, remote, work } = await deploy(t, stores, { IMPORT_SECONDS: '1' });
    const url = remote.answer('/slow', (_, response) => {
      response.writeHead(200, { 'content-length': first.length }).write(first.subarray(0, 64));
    });
    await ask(server, [{ url, id: 'slow' }]);
    await work(async () => (await imageOf(server, 'slow')).source?.error != null);
    t.match(await imageOf(server, 'slow'), {
      status: 'uploading',
      source: { error: /source_error: .* took longer than 1 s/ },
    });
  });

  t.test('of one image that is asked for twice at once, one request goes out', async (t) => {
    const { server, remote, work } = await deploy(t, stores);
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const url = remote.answer(
      '/a.jpg',
      (_, response) => void held.then(() => response.writeHead(200).end(first)),
    );
    await ask(server, [{ url, id: 'a' }]);
    const { body } = fetchJob('a');
    await server.stores.jobs.send([body, body, body]);
    await work(async () => {
      if (remote.requests.length > 0) await sleep(50).then(release);
      return remote.requests.length > 0 && isDrained(server.stores);
    });
    t.equal(remote.requests.length, 1);
    t.match(await imageOf(server, 'a'), { status: 'completed' });
  });

  t.test('a host is asked by no more connections at once than it is told to', async (t) => {
    const { server, remote, work } = await deploy(t, stores);
    const pictures = await Promise.all(Array.from({ length: 12 }, (_, n) => noise(8, 8, n + 10)));
    const urls = pictures.map((bytes, n) =>
      remote.answer(`/${n}`, (_, response) => void setTimeout(() => response.writeHead(200).end(bytes), 20)),
    );
    await ask(
      server,
      urls.map((url, n) => ({ url, id: `n${n}` })),
    );
    await work();
    t.ok(remote.most() <= 8, `${remote.most()} at once`);
    const { items } = await server.stores.records.images.list({ limit: 100, status: 'completed' });
    t.equal(items.length, 12);
  });

  t.test(
    'nothing is fetched where no host is named, and a thousand addresses are the most of one call',
    async (t) => {
      const server = await startServer();
      t.teardown(() => server.close());
      const url = 'https://example.com/a.jpg';
      t.match((await ask(server, [{ url }])).body.images, [
        { url, problem: { code: 'not_allowed', hint: /IMPORT_HOSTS/ } },
      ]);
      t.equal(
        (
          await ask(
            server,
            Array.from({ length: 1000 }, () => ({ url })),
          )
        ).status,
        202,
      );
      t.equal(
        (
          await ask(
            server,
            Array.from({ length: 1001 }, () => ({ url })),
          )
        ).status,
        400,
      );
      t.match(await ask(server, []), { status: 400, body: { code: 'invalid_request', param: 'urls' } });
    },
  );

  t.test('rendition import reads lists and addresses, and tells of each', async (t) => {
    const { server, remote, work } = await deploy(t, stores);
    const urls = [remote.picture('/shop/red%20shoe.jpg', first), remote.picture('/x?id=2', second)];
    const list = join(await temporaryFolder(), 'urls.txt');
    await writeFile(list, `# the shop\n${urls[0]}\n\n  ${urls[1]}  two.jpg\n`);
    const other = 'https://example.com/a.jpg';
    const env = { RENDITION_URL: server.base };
    const words = ['import', list, other, '--prefix', 'old/', '--variants', 'w=9&fmt=png'];
    const told = await rendition(words, { env });
    t.equal(told.code, 1);
    t.match(told.stderr, `${other}: This deployment fetches nothing from https://example.com.\n`);
    t.match(told.lines.toSorted(), [
      / {2}queued +fmt=png&w=9/,
      / {2}queued +fmt=png&w=9/,
      'old/shop/red shoe.jpg: uploading',
      'old/two.jpg: uploading',
    ]);
    await work();
    const again = ['import', '-', '--prefix', 'old/', '--wait', '9', '--json'];
    const done = await rendition(again, { env, input: `${urls[0]}\n` });
    t.match(done, { code: 0, stderr: '' });
    t.match(JSON.parse(done.stdout), { id: 'old/shop/red shoe.jpg', status: 'completed' });
    t.same(
      remote.requests.map(({ status }) => status),
      [200, 200],
    );
  });
}
