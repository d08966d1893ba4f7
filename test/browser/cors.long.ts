import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Page } from 'playwright-core';
import t from 'tap';
import { call, noise, playWarmer } from '../support/api.ts';
import { noChromium, openChromium } from '../support/chromium.ts';
import { API_TOKENS, AUTHORIZED } from '../support/env.ts';
import { addressOf } from '../support/ports.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';

interface Presigned {
  id: string;
  url: string;
  fields: Record<string, string>;
  statusUrl: string;
}

interface Uploaded {
  status: number;
  progress: number[];
}

const SCRIPT = readFileSync(new URL('page.js', import.meta.url), 'utf8').replaceAll('export ', '');

/** A page of another origin with the functions of page.js; resolves to its origin. */
async function servePage(t: Pick<typeof import('tap').default, 'teardown'>): Promise<string> {
  const pages = createServer((_request, response) => {
    response
      .writeHead(200, { 'content-type': 'text/html' })
      .end(`<!doctype html><title>shop</title><script>${SCRIPT}</script>`);
  });
  pages.listen(0, '127.0.0.1');
  await once(pages, 'listening');
  t.teardown(() => pages.close());
  return `http://127.0.0.1:${addressOf(pages).port}`;
}

/** Calls a function of page.js in the page. */
function inPage<T>(page: Page, name: string, argument: unknown): Promise<T> {
  return page.evaluate<T>(`window.${name}(${JSON.stringify(argument)})`);
}

/** As the warmer takes the announcement of an object, and then renders its variants. */
async function warm(server: TestServer, id: string): Promise<void> {
  await server.composed.management?.reconciler.reconcile(id);
  await playWarmer(server, id);
}

const status = (page: Page, url: string, init: object = {}) =>
  inPage<number | string>(page, 'status', { url, init });

t.test('from another origin: upload with progress, status, ready', { skip: noChromium }, async (t) => {
  const origin = await servePage(t);
  const server = await startServer({ API_TOKENS, CORS_ORIGINS: origin });
  t.teardown(() => server.close());
  const browser = await openChromium();
  t.teardown(() => browser.close());
  const page = await browser.newPage();
  await page.goto(origin);
  const file = await noise(800, 600);
  const announcement = {
    filename: 'a.jpg',
    contentType: 'image/jpeg',
    size: file.length,
    variants: ['w=20&fmt=webp'],
  };
  const { body } = await call<Presigned>(server, 'POST', '/api/images/presign', announcement, AUTHORIZED);
  const uploaded = await inPage<Uploaded>(page, 'upload', { ...body, base64: file.toString('base64') });
  t.equal(uploaded.status, 204, 'the page reads the answer');
  t.ok(uploaded.progress.length > 0 && uploaded.progress.at(-1) === 1, `progress: ${uploaded.progress}`);
  const heard = inPage<string[]>(page, 'listen', body.statusUrl);
  await waitFor(async () => (await server.stores.records.images.get(body.id))?.status === 'uploading');
  await warm(server, body.id);
  t.equal((await heard).at(-1), 'completed', 'the stream of the key tells all of it');
  const headers = { ...AUTHORIZED, 'content-type': 'application/json' };
  t.equal(await status(page, `${server.base}/api/images/${body.id}`, { headers }), 200, 'with a token, too');
  t.equal(await status(page, `${server.base}/api/images/${body.id}`), 401, 'and a refusal can be read');
  const shown = await inPage(page, 'shown', `${server.base}/img/${body.id}?w=20&fmt=webp`);
  t.match(shown, [200, '20', /^"/], 'a picture says its size to a page');
});

t.test('from a foreign page nothing of the API works', { skip: noChromium }, async (t) => {
  const origin = await servePage(t);
  const open = await startServer({ CORS_ORIGINS: 'https://shop.example.com' });
  t.teardown(() => open.close());
  await open.put('a.jpg', await noise(40, 30));
  const browser = await openChromium();
  t.teardown(() => browser.close());
  const page = await browser.newPage();
  await page.goto(origin);
  const tries: [path: string, init: { method?: string; headers?: object; body?: string }][] = [
    ['/api/images', {}],
    ['/api/images/a.jpg', { method: 'DELETE' }],
    ['/api/images/a.jpg/purge', { method: 'POST' }],
    ['/api/images', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' }],
  ];
  for (const [path, init] of tries)
    t.match(await status(page, open.base + path, init), /Failed to fetch/, `${init.method ?? 'GET'} ${path}`);
  await inPage(page, 'submit', `${open.base}/api/images/a.jpg/purge`);
  await page.waitForURL(/purge/);
  t.match(await page.content(), /foreign_page/, 'nor by a form');
  t.ok(await open.stores.originals.head('a.jpg'), 'the picture is still there');
});
