import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { removeStaged } from '../../server/replacing.ts';
import { call, form, holdings, keysOf, noise, type UploadAnswer } from '../support/api.ts';
import { startServer, type TestServer, temporaryFolder } from '../support/server.ts';

const LIMIT = 2_000_000;

async function started(t: Test, env: Record<string, string> = {}) {
  const folder = await temporaryFolder();
  const server = await startServer({ DATA_DIR: folder, MAX_UPLOAD_BYTES: String(LIMIT), ...env });
  t.teardown(() => server.close());
  return { server, folder };
}

const HEAD = (extra = '') =>
  `POST /api/images HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n${extra}\r\n`;
const PART = '--b\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n';

async function dial({ app }: TestServer): Promise<{ socket: Socket; answer: () => string }> {
  const socket = connect(Number(new URL(app.listeningOrigin).port), '127.0.0.1');
  let answer = '';
  socket.on('data', (chunk) => {
    answer += chunk;
  });
  socket.on('error', () => {});
  return { socket, answer: () => answer };
}

const chunk = (bytes: Uint8Array) =>
  Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);

async function until(condition: () => boolean | Promise<boolean>, ms = 3000): Promise<boolean> {
  for (const end = Date.now() + ms; Date.now() < end; await sleep(10)) if (await condition()) return true;
  return false;
}

t.test('fields may come before the file or after it, even the id', async (t) => {
  const { server } = await started(t, { WARM_DEFAULTS: 'w=50&fmt=jpeg' });
  const file = await noise(60, 40);
  const fields = [
    ['id', 'shoes/red.jpg'],
    ['title', 'Red'],
    ['variants', '["w=20&fmt=png"]'],
    ['variants', 'w=30&fmt=png'],
    [
      'operations',
      '[{"type":"resize","params":{"width":40}},{"type":"optimize","params":{"format":"webp"}}]',
    ],
  ] as const;
  for (const [parts, id] of [
    [[...fields, ['file', file]], 'shoes/red.jpg'],
    [[['file', file], ['id', 'shoes/blue.jpg'], ...fields.slice(1)], 'shoes/blue.jpg'],
  ] as const) {
    const { status, body } = await call<UploadAnswer>(server, 'POST', '/api/images', form(parts));
    t.equal(status, 202);
    t.match(body, { id, title: 'Red' });
    const variants = ['fmt=png&w=20', 'fmt=png&w=30', 'fmt=webp&w=40', 'fmt=jpeg&w=50'];
    t.same(
      body.variants.map(({ variant }) => variant),
      variants,
      'and the defaults',
    );
  }
  t.same(await keysOf(server.stores.originals), ['shoes/blue.jpg', 'shoes/red.jpg']);
  t.equal((await server.stores.records.images({ limit: 10 })).items.length, 2);
});

t.test('one bad file does not spoil the others', async (t) => {
  const { server } = await started(t);
  const parts = [
    ['a', await noise(60, 40)],
    ['b', Buffer.from('<html><body>no picture</body></html>')],
    ['c', Buffer.alloc(LIMIT + 1000, await noise(10, 10))],
    ['d', (await noise(60, 40)).subarray(0, 100)],
    ['e', await noise(40, 60, 2)],
    ['title', 'Two'],
  ] as const;
  type Several = { images: ({ file?: string; problem?: { code: string } } & Partial<UploadAnswer>)[] };
  const { status, body } = await call<Several>(server, 'POST', '/api/images', form(parts));
  t.equal(status, 202);
  t.match(body.images, [
    { title: 'Two', status: 'completed' },
    { file: 'b.jpg', problem: { code: 'unsupported_source', received: 'an HTML page' } },
    { file: 'c.jpg', problem: { code: 'upload_too_large' } },
    { file: 'd.jpg', problem: { code: 'damaged_source' } },
    { title: 'Two' },
  ]);
  const ids = body.images.flatMap(({ id }) => id ?? []);
  t.same(await keysOf(server.stores.originals), [...ids].sort());
  t.equal((await server.stores.records.images({ limit: 10 })).items.length, 2);
});

t.test('refuses what is wrong with its reason, and nothing of it stays', async (t) => {
  const { server, folder } = await started(t, { MAX_SOURCE_PIXELS: '1000000' });
  const file = await noise(60, 40);
  const heic = Buffer.concat([
    Buffer.from('\0\0\0\u0018ftypheic\0\0\0\0mif1heic', 'latin1'),
    Buffer.alloc(200),
  ]);
  for (const [parts, status, expected] of [
    [[['file', heic]], 415, { code: 'unsupported_source', received: 'a HEIC image' }],
    [[['file', Buffer.from('%PDF-1.7')]], 415, { received: 'a PDF document' }],
    [[['file', Buffer.alloc(0)]], 415, { received: 'an empty file' }],
    [[['file', file.subarray(0, 200)]], 422, { code: 'damaged_source' }],
    [[['file', await noise(1100, 1000)]], 422, { code: 'too_many_pixels' }],
    [[['file', Buffer.alloc(LIMIT + 10, file)]], 413, { code: 'upload_too_large', allowed: '2000000 bytes' }],
    [
      [
        ['file', file],
        ['variants', '["w=20","w=0"]'],
      ],
      400,
      { param: 'variants[1].w', received: '0' },
    ],
    [
      [
        ['variants', '["wdth=20"]'],
        ['file', file],
      ],
      400,
      { param: 'variants[0].wdth', hint: 'width' },
    ],
    [
      [
        ['file', file],
        ['variants', '[{"w":1}]'],
      ],
      400,
      { code: 'invalid_request' },
    ],
    [
      [
        ['file', file],
        ['variants', '["w=20&meta=keep"]'],
      ],
      403,
      { code: 'not_allowed' },
    ],
    [
      [
        ['file', file],
        ['operations', '[{"type":"blur"}]'],
      ],
      400,
      { param: 'operations[0].params' },
    ],
    [
      [
        ['file', file],
        ['colour', 'red'],
      ],
      400,
      { code: 'invalid_request' },
    ],
    [
      [
        ['file', file],
        ['collection', 'none'],
      ],
      404,
      { code: 'collection_not_found' },
    ],
    [
      [
        ['file', file],
        ['webhook', 'https://example.com'],
      ],
      403,
      { param: 'webhook' },
    ],
    [
      [
        ['id', '../x'],
        ['file', file],
      ],
      400,
      { param: 'id' },
    ],
    [
      [
        ['file', file],
        ['id', 'one'],
        ['more', file],
      ],
      400,
      { param: 'id' },
    ],
    [[['title', 'none']], 400, { param: 'file' }],
  ] as const) {
    const answer = await call(server, 'POST', '/api/images', form(parts));
    t.match(answer, { status, body: expected }, JSON.stringify(expected));
    t.match(answer.headers.get('content-type'), /^application\/problem\+json/);
    t.equal(answer.headers.get('cache-control'), 'no-store');
  }
  t.same(await call(server, 'POST', '/api/images', { title: 'x' }).then(({ status }) => status), 400);
  t.same(await holdings(folder), []);
});

t.test('answers 413 as soon as the limit is passed, while the client still sends', async (t) => {
  const { server, folder } = await started(t);
  const { socket, answer } = await dial(server);
  const file = await noise(60, 40);
  socket.write(`${HEAD('Transfer-Encoding: chunked\r\n')}${PART.length.toString(16)}\r\n${PART}\r\n`);
  socket.write(chunk(file));
  let sent = file.length;
  for (; sent < 3 * LIMIT && answer() === ''; await sleep(1)) {
    socket.write(chunk(Buffer.alloc(50_000)));
    sent += 50_000;
  }
  t.match(answer(), /^HTTP\/1.1 413 /);
  t.match(answer(), /upload_too_large/);
  t.ok(sent < 1.5 * LIMIT, `after ${sent} bytes`);
  socket.destroy();
  t.same(await holdings(folder), []);
});

t.test('an upload that breaks off leaves nothing', async (t) => {
  const { server, folder } = await started(t);
  const { socket } = await dial(server);
  socket.write(HEAD('Content-Length: 1500000\r\n') + PART);
  socket.write(Buffer.concat([await noise(60, 40), Buffer.alloc(500_000)]));
  t.ok(await until(async () => (await holdings(folder)).length > 1), 'under way: a record and a file aside');
  socket.destroy();
  t.ok(await until(async () => (await holdings(folder)).length === 0), 'and gone');
});

t.test('bounds the uploads in flight', async (t) => {
  const { server } = await started(t, { MAX_UPLOADS: '2' });
  const sockets = await Promise.all([dial(server), dial(server)]);
  for (const { socket } of sockets) socket.write(HEAD('Content-Length: 1000\r\n') + PART);
  t.ok(await until(() => server.composed.management?.uploads.inFlight === 2));
  const refused = await call(server, 'POST', '/api/images', form([['file', await noise(9, 9)]]));
  t.match(refused, { status: 503, body: { code: 'overloaded' } });
  t.equal(refused.headers.get('retry-after'), '2');
  for (const { socket } of sockets) socket.destroy();
  t.ok(await until(() => server.composed.management?.uploads.inFlight === 0));
  t.equal((await call(server, 'POST', '/api/images', form([['file', await noise(9, 9)]]))).status, 202);
});

t.test('clears what a killed server had staged, and nothing else', async (t) => {
  const { server } = await started(t);
  const { originals } = server.stores;
  await server.put('.incoming/01', await noise(9, 9));
  await server.put('incoming/02', await noise(9, 9));
  t.equal(await removeStaged(originals, new Date(Date.now() - 60_000)), 0, 'not what is on its way');
  t.equal(await removeStaged(originals, new Date(Date.now() + 60_000)), 1);
  t.same(await keysOf(originals), ['incoming/02']);
});
