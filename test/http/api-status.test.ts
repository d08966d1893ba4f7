import t from 'tap';
import { call, form, noise, playWarmer, type UploadAnswer } from '../support/api.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';

let server: TestServer;
t.before(async () => {
  server = await startServer();
});
t.teardown(() => server.close());

async function upload(...fields: [string, string][]): Promise<string> {
  const parts = [...fields, ['file', await noise(40, 30)]] as [string, string | Uint8Array][];
  return (await call<UploadAnswer>(server, 'POST', '/api/images', form(parts))).body.id;
}

/** How often the record of an image has been looked at since. */
function looks({ stores: { records } }: TestServer): () => number {
  const get = records.images.get.bind(records.images);
  let count = 0;
  records.images.get = (id) => {
    count += 1;
    return get(id);
  };
  return () => count;
}

/** What a body says first, and all of it. */
async function firstOf(response: Response): Promise<{ first: string; rest: Promise<string> }> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  const first = (await reader?.read())?.value ?? '';
  const rest = async () => {
    let text = first;
    for (let piece = await reader?.read(); piece?.value; piece = await reader?.read()) text += piece.value;
    return text;
  };
  return { first, rest: rest() };
}

const WANTED: [string, string] = ['variants', '["w=20&fmt=webp","w=10&fmt=webp"]'];

t.test('waits until the image is finished, or the time is over', async (t) => {
  const id = await upload(WANTED);
  const looked = looks(server);
  t.match((await call(server, 'GET', `/api/images/${id}/status?wait=1`)).body, { status: 'processing' });
  t.ok(looked() > 1, 'looked at again meanwhile');
  const other = await upload(WANTED);
  const order: string[] = [];
  const waits = [id, other].map(async (image) => {
    const answer = await call(server, 'GET', `/api/images/${image}/status?wait=50`);
    order.push(image);
    return answer.body;
  });
  await waitFor(() => looked() > 6);
  t.same(order, [], 'nothing has happened');
  await playWarmer(server, id);
  const ready = { status: 'completed', variants: [{ status: 'ready' }, { status: 'ready' }] };
  t.match(await waits[0], ready);
  t.same(order, [id], 'not as long as for one where nothing happens');
  await playWarmer(server, other);
  t.match(await waits[1], ready);
  t.match(await call(server, 'GET', `/api/images/${id}/status?wait=900`), { status: 400 });
  t.match(await call(server, 'GET', '/api/images/none/status'), { status: 404 });
});

t.test('streams every change as an event, and ends with the last', async (t) => {
  const id = await upload(WANTED);
  const response = await server.get(`/api/images/${id}/status`, { headers: { accept: 'text/event-stream' } });
  t.equal(response.headers.get('content-type'), 'text/event-stream');
  const { first, rest } = await firstOf(response);
  t.match(first, /"processing"/);
  await playWarmer(server, id);
  const [retry, ...events] = (await rest).trim().split('\n\n');
  t.match(retry, /^retry: \d+$/);
  const shape = /^id: (\w+)\nevent: status\ndata: (.*)$/;
  const states = events.map((event) => JSON.parse(shape.exec(event)?.[2] ?? ''));
  t.equal(states[0].status, 'processing');
  t.match(states.at(-1), { id, status: 'completed', variants: [{ status: 'ready', ms: 1 }, {}] });
  // As EventSource comes back, which only 204 ends.
  const back = (eventId = '') =>
    server.get(`/api/images/${id}/status`, {
      headers: { accept: 'text/event-stream', 'last-event-id': eventId },
    });
  t.equal((await back(shape.exec(events.at(-1) ?? '')?.[1])).status, 204);
  const missed = await back(shape.exec(events[0] ?? '')?.[1]);
  t.equal(missed.status, 200);
  t.match(await missed.text(), /"completed"/, 'who has missed the end is told');
});

t.test('a server that stops does not wait for those who watch', async (t) => {
  const stopping = await startServer();
  const looked = looks(stopping);
  const parts = [WANTED, ['file', await noise(40, 30)]] as const;
  const { body } = await call<UploadAnswer>(stopping, 'POST', '/api/images', form(parts));
  const response = await stopping.get(`/api/images/${body.id}/status`, {
    headers: { accept: 'text/event-stream' },
  });
  const { rest } = await firstOf(response);
  let isOver = false;
  const elsewhere = await upload(WANTED);
  const longest = call(server, 'GET', `/api/images/${elsewhere}/status?wait=50`).then(() => {
    isOver = true;
  });
  const before = looked();
  const waiting = call(stopping, 'GET', `/api/images/${body.id}/status?wait=50`);
  await waitFor(() => looked() > before + 4);
  const closed = stopping.app.close();
  t.match(await rest, /processing/);
  t.match((await waiting).body, { status: 'processing' });
  stopping.app.server.closeAllConnections();
  await closed;
  t.notOk(isOver, 'another server, which does not stop, still waits');
  await playWarmer(server, elsewhere);
  await longest;
  await stopping.close();
});

t.test('lists images newest first, page by page, by collection and status', async (t) => {
  const { body } = await call(server, 'POST', '/api/collections', { name: 'List' });
  const collection = String(body['id']);
  const ids: string[] = [];
  for (let n = 0; n < 5; n++)
    ids.unshift(await upload(['collection', collection], ...(n === 2 ? [WANTED] : [])));
  const seen: string[] = [];
  let cursor = '';
  for (let pages = 0; pages < 3; pages++) {
    const path = `/api/images?collection=${collection}&limit=2${cursor && `&cursor=${cursor}`}`;
    const page = await call<{ items: { id: string }[]; next: string | null }>(server, 'GET', path);
    seen.push(...page.body.items.map(({ id }) => id));
    t.equal(page.body.next === null, pages === 2);
    cursor = page.body.next ?? '';
  }
  t.same(seen, ids);
  const processing = await call(server, 'GET', `/api/images?collection=${collection}&status=processing`);
  t.match(processing.body, { items: [{ id: ids[2], collection, title: null }], next: null });
  for (const wrong of [
    'limit=0',
    'limit=101',
    'limit=x',
    'limit=1.5',
    'limit=true',
    'limit=',
    'status=gone',
    'cursor=zzz',
    'page=2',
  ]) {
    t.match(await call(server, 'GET', `/api/images?${wrong}`), { status: 400 }, wrong);
  }
  const found = await call<{ items: unknown[]; next: null }>(server, 'GET', '/api/collections?limit=100');
  t.match(found.body, { items: [{ id: collection, count: 5 }], next: null });
});

t.test('gives a new crop to a client that asks by date alone', async (t) => {
  const id = await upload();
  const crop = `/img/${id}?w=10&h=10&fit=cover&fmt=png`;
  const get = async (since?: string) => {
    const response = await server.get(crop, since ? { headers: { 'if-modified-since': since } } : {});
    await response.arrayBuffer();
    return { status: response.status, modified: response.headers.get('last-modified') ?? '' };
  };
  const before = await get();
  t.equal((await get(before.modified)).status, 304);
  // Dates of HTTP have seconds.
  const second = Math.floor(Date.now() / 1000);
  await waitFor(() => Date.now() / 1000 > second + 1);
  await call(server, 'PATCH', `/api/images/${id}`, { focal: { x: 0.1, y: 0.9 } });
  const after = await get(before.modified);
  t.equal(after.status, 200);
  t.ok(Date.parse(after.modified) > Date.parse(before.modified));
  t.equal((await get(after.modified)).status, 304);
});

t.test('edits what is said of an image; a new focal point makes its pictures anew', async (t) => {
  const id = await upload(WANTED, ['title', 'Before']);
  await playWarmer(server, id);
  const crop = `/img/${id}?w=10&h=10&fit=cover&fmt=png`;
  const tier = async () => {
    const response = await server.get(crop);
    await response.arrayBuffer();
    await server.composed.images.settle();
    return response.headers.get('x-image-cache');
  };
  t.same([await tier(), await tier()], ['miss', 'memory']);
  const path = `/api/images/${id}`;
  const renamed = await call(server, 'PATCH', path, { title: 'After', description: null });
  t.match(renamed.body, { title: 'After', description: null, status: 'completed' });
  t.equal(await tier(), 'memory');
  const focused = await call(server, 'PATCH', path, { focal: { x: 0.1, y: 0.9 } });
  t.match(focused.body, {
    focal: { x: 0.1, y: 0.9 },
    status: 'processing',
    variants: [{ status: 'queued' }, {}],
  });
  t.equal(await tier(), 'miss');
  for (const [wrong, param] of [
    [{}, undefined],
    [{ focal: { x: 2, y: 0 } }, 'focal.x'],
    [{ name: 'x' }, undefined],
    [{ title: 5 }, 'title'],
  ] as const) {
    t.match(await call(server, 'PATCH', path, wrong), { status: 400, body: param ? { param } : {} });
  }
  t.match(await call(server, 'PATCH', '/api/images/none', { title: 'x' }), { status: 404 });
  t.match(await call(server, 'PATCH', path, { collection: 'none' }), { status: 404 });
});

t.test(
  'an id may be written with its slashes or with %2F, and may end in the name of an action',
  async (t) => {
    for (const id of ['a/b/c.jpg', 'products/status']) await upload(['id', id]);
    t.equal((await call(server, 'GET', '/api/images/a/b/c.jpg')).body['id'], 'a/b/c.jpg');
    t.equal((await call(server, 'GET', '/api/images/a%2Fb/c.jpg/status')).body['id'], 'a/b/c.jpg');
    t.equal(
      (await call(server, 'GET', '/api/images/products/status')).status,
      404,
      'the status of "products"',
    );
    t.equal((await call(server, 'GET', '/api/images/products%2Fstatus')).body['id'], 'products/status');
    t.match((await call(server, 'GET', '/api/images/products%2Fstatus/status')).body, {
      id: 'products/status',
    });
    t.equal((await call(server, 'DELETE', '/api/images/products%2fstatus')).status, 204);
  },
);
