import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import t from 'tap';
import { form, keysOf, noise, playWarmer, type UploadAnswer } from '../support/api.ts';
import { API_TOKENS, AUTHORIZED } from '../support/env.ts';
import { HOST, PROXIES, settingsOfPage, startProxy, type TlsProxy } from '../support/proxies.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { vector } from '../support/signing.ts';
import { waitFor } from '../support/wait.ts';

const { PUBLIC_URL = '', ...SETTINGS } = settingsOfPage();

/** A multipart body and its type, as a browser would send them. */
async function multipart(parts: Parameters<typeof form>[0]) {
  const sent = new Response(form(parts));
  const type = sent.headers.get('content-type') ?? '';
  return { headers: { ...AUTHORIZED, 'content-type': type }, body: new Uint8Array(await sent.arrayBuffer()) };
}

async function upload(proxy: TlsProxy, parts: Parameters<typeof form>[0]) {
  const { status, body } = await proxy.ask('/api/images', { method: 'POST', ...(await multipart(parts)) });
  return { status, answer: JSON.parse(body) as UploadAnswer };
}

/** The path of an address that the server printed. */
const pathOf = (url: string): string => url.slice(PUBLIC_URL.length);

async function behind(t: Parameters<typeof startProxy>[0], kind: keyof typeof PROXIES, more = {}) {
  const server = await startServer({ ...SETTINGS, PUBLIC_URL, API_TOKENS, ...more });
  t.teardown(() => server.close());
  return { server, proxy: await startProxy(t, PROXIES[kind], new URL(server.base).host) };
}

/** Uploads that the server itself says it refused for want of a token. */
async function refusals(server: TestServer): Promise<number> {
  const metrics = await (await server.get('/metrics')).text();
  const counted =
    /^rendition_api_requests_total\{(?=.*operation="uploadImages")(?=.*status="401").*\} (\d+)$/m;
  return Number(counted.exec(metrics)?.[1] ?? 0);
}

/** What the server was sent by, as it sees it. */
async function seenBy(server: TestServer, act: () => Promise<unknown>) {
  const [ips, hosts, protocols] = [new Set<string>(), new Set<string>(), new Set<string>()];
  server.app.server.prependListener('request', (request) => {
    ips.add(String(request.headers['x-forwarded-for']));
    hosts.add(String(request.headers.host));
    protocols.add(String(request.headers['x-forwarded-proto']));
  });
  await act();
  return { ips: [...ips], hosts: [...hosts], protocols: [...protocols] };
}

for (const kind of ['nginx', 'Caddy'] as const) {
  const { isMissing: skip } = PROXIES[kind];
  t.test(`behind ${kind} as the page sets it up`, { skip }, async (t) => {
    const { server, proxy } = await behind(t, kind);

    t.test('large uploads pass, and what is too large is said by the server', async (t) => {
      // Above the megabyte that nginx lets through by itself.
      const photo = await noise(1600, 1200);
      t.ok(photo.length > 1_048_576, `${photo.length} bytes`);
      const { status, answer } = await upload(proxy, [
        ['id', 'a/b.jpg'],
        ['file', photo],
      ]);
      t.equal(status, 202);
      t.equal(answer.url, `https://${HOST}/img/a/b.jpg`);
      for (const url of [answer.url, `${answer.url}?w=100`])
        t.equal((await proxy.ask(pathOf(url))).status, 200, url);
      const refused = await upload(proxy, [['file', Buffer.alloc(50_000_001, photo)]]);
      t.match(refused, { status: 413, answer: { code: 'upload_too_large' } });
    });

    t.test('who may not upload hears it before the file is sent, and nothing of it is kept', async (t) => {
      const { headers, body } = await multipart([['file', Buffer.alloc(50_000_001, await noise(60, 40))]]);
      const { authorization: _, ...nobody } = headers;
      const asked = { method: 'POST', headers: nobody, body };
      const kept = await keysOf(server.stores.originals);
      const waiting = await proxy.ask('/api/images', { ...asked, sentBytes: 16_384 });
      t.match(waiting, { status: 401, body: /"code":"unauthorized"/ });
      // Who sends on may lose the answer: a proxy that reads no further may close the connection, and a client that is
      // busy writing then hears of that first (RFC 9112, 9.6). Nothing but that, and no other answer.
      const sending = await proxy.ask('/api/images', asked).catch((error: NodeJS.ErrnoException) => error);
      if (sending instanceof Error) t.match(sending.code, /^(ECONNRESET|EPIPE)$/);
      else t.match(sending, { status: 401, body: /"code":"unauthorized"/ });
      // The server itself refused both, whatever became of the second answer on its way.
      await waitFor(async () => (await refusals(server)) >= 2);
      t.equal(await refusals(server), 2);
      t.same(await keysOf(server.stores.originals), kept);
    });

    t.test('a status is streamed while nothing else comes', async (t) => {
      const { answer } = await upload(proxy, [
        ['id', 'c.jpg'],
        ['variants', '["w=40&fmt=webp"]'],
        ['file', await noise(60, 40)],
      ]);
      const headers = { ...AUTHORIZED, accept: 'text/event-stream' };
      const stream = await proxy.open(pathOf(answer.statusUrl), { headers });
      stream.setEncoding('utf8');
      let heard = '';
      for await (const chunk of stream) {
        const isFirst = !heard.includes('"processing"');
        heard += chunk;
        // Had it been kept back, this would never come: the warmer works once the first status was heard.
        if (isFirst && heard.includes('"processing"')) await playWarmer(server, 'c.jpg');
      }
      t.match(heard, /"processing"[\s\S]*"completed"/);
    });

    t.test('paths and queries arrive byte for byte', async (t) => {
      await server.put('ü 1%/写真.jpg', await noise(60, 40));
      for (const path of [
        '/img/%C3%BC%201%25/%E5%86%99%E7%9C%9F.jpg?w=20',
        '/img/%c3%bc%201%25%2F%E5%86%99%E7%9C%9F.jpg?w=20',
        '/img/%C3%BC%201%25/%E5%86%99%E7%9C%9F.jpg?w=%32%30&',
      ])
        t.equal((await proxy.ask(path)).status, 200, path);
      for (const path of [
        '/img/a/../c.jpg?w=20',
        '/img//c.jpg?w=20',
        '/img/c.jpg?w=20&w=21',
        '/img/c.jpg?%zz',
      ]) {
        const [through, direct] = [await proxy.ask(path), await askDirectly(server, path)];
        t.equal(through.status, direct, `${path}: ${through.status}`);
      }
    });

    t.test('the server sees host, protocol and address of the client, whatever it says itself', async (t) => {
      const lies = {
        'x-forwarded-for': '192.0.2.9',
        'x-forwarded-proto': 'http',
        forwarded: 'for=192.0.2.9',
      };
      const seen = await seenBy(server, () =>
        proxy.ask('/api/images', { headers: { ...AUTHORIZED, ...lies } }),
      );
      t.same(seen, { ips: ['127.0.0.1'], hosts: [HOST], protocols: ['https'] });
    });

    t.test('metrics are not for the world, the playground and its files are', async (t) => {
      t.equal((await proxy.ask('/metrics')).status, 404);
      t.match(await proxy.ask('/readyz'), { status: 200, body: /"status":"ok"/ });
      const { status, body } = await proxy.ask('/');
      t.equal(status, 200);
      const files = [...body.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, path = '']) => path);
      t.ok(files.length >= 2);
      for (const file of files) t.equal((await proxy.ask(file)).status, 200, file);
      t.match((await proxy.ask('/docs')).headers.location ?? '/docs/', /^\/docs\/$/);
    });
  });

  t.test(`a signature of the URL as it is written holds behind ${kind}`, { skip }, async (t) => {
    const { key, text, sig } = vector();
    const signatures = { SIGNATURES: 'required', SIGNING_KEYS: `main=${key}` };
    const { server, proxy } = await behind(t, kind, signatures);
    await server.put('products/shoe.jpg', await noise(60, 40));
    const url = `${text.replace('w-', '')}&sig=${sig}`;
    t.equal((await proxy.ask(url)).status, 200);
    t.equal((await proxy.ask(url.replace('shoe', 'sho%65'))).status, 403, 'other bytes');
  });
}

async function askDirectly(server: TestServer, path: string): Promise<number | undefined> {
  const { hostname, port } = new URL(server.base);
  const sent = httpRequest({ hostname, port, path, agent: false, headers: { host: HOST } });
  sent.end();
  const [answer] = await once(sent, 'response');
  answer.resume();
  return answer.statusCode;
}
