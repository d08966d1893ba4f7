import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { Problem } from '../../server/shared/errors.ts';
import { removeStaged } from '../../server/writing/staging.ts';
import { call, form, holdings, keysOf, noise, type UploadAnswer } from '../support/api.ts';
import { temporaryFolder } from '../support/folders.ts';
import { problemOf, startServer, type TestServer } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';

const LIMIT = 2_000_000;

async function started(t: Test, env: Record<string, string> = {}) {
  const folder = await temporaryFolder();
  const server = await startServer({ DATA_DIR: folder, MAX_UPLOAD_BYTES: String(LIMIT), ...env });
  t.teardown(() => server.close());
  return { server, folder };
}

const HEAD = (extra = '') =>
  `POST /api/images HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=b\r\n${extra}\r\n`;
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
  t.equal((await server.stores.records.images.list({ limit: 10 })).items.length, 2);
});

t.test(
  'an id after the file needs no results bucket, and what could not be cleared away is owed',
  async (t) => {
    const { server } = await started(t);
    const { originals, results } = server.stores;
    const renamed = async (id: string) =>
      call(
        server,
        'POST',
        '/api/images',
        form([
          ['file', await noise(60, 40)],
          ['id', id],
        ]),
      );
    const remove = originals.remove.bind(originals);
    originals.remove = async () => {
      originals.remove = remove;
      throw new Problem('store_unavailable', 'away');
    };
    t.equal((await renamed('late.jpg')).status, 202);
    t.same(
      await keysOf(originals),
      ['late.jpg'],
      'a clear-up that fails once is owed, and done at the next look',
    );
    results.removeAll = async () => {
      throw new Problem('store_unavailable', 'away');
    };
    t.match(await renamed('later.jpg'), { status: 202, body: { id: 'later.jpg' } });
    t.same(await keysOf(originals), ['late.jpg', 'later.jpg']);
    t.equal((await server.stores.records.images.list({ limit: 10 })).items.length, 2);
  },
);

t.test('says that an upload is a form, whatever it is instead', async (t) => {
  const { server } = await started(t);
  const sent: [Record<string, string>, Buffer][] = [
    [{ 'content-type': 'image/jpeg' }, await noise(800, 800)],
    [{ 'content-type': 'application/json' }, Buffer.from('{"file":')],
    [{ 'content-type': 'text/plain' }, Buffer.from('file')],
    [{}, Buffer.from('file')],
  ];
  const targets = [
    ['POST', '/api/images'],
    ['PUT', '/api/images/a/original'],
    ['POST', '/api/uploads/a'],
  ] as const;
  for (const [method, path] of targets) {
    for (const [headers, body] of sent) {
      const answer = await server.get(path, { method, headers, body });
      t.match(
        [answer.status, await problemOf(answer)],
        [400, { code: 'invalid_request', detail: /^An upload is a form/, allowed: 'multipart/form-data' }],
        `${path} ${headers['content-type']}`,
      );
    }
  }
});

t.test('what a call does not take is named, with what it takes', async (t) => {
  const { server } = await started(t);
  const refused: [string, string, object | undefined, object][] = [
    ['POST', '/api/collections', { title: 'x' }, { param: 'title', allowed: 'name description' }],
    ['POST', '/api/collections', {}, { param: 'name', detail: 'The field "name" is missing.' }],
    ['GET', '/api/images?status=done', undefined, { param: 'status', allowed: /^uploading .*failed$/ }],
    ['GET', '/api/images?limit=0', undefined, { param: 'limit', detail: /must be >= 1/ }],
    ['GET', '/api/images?page=2', undefined, { param: 'page', allowed: /^limit cursor/ }],
    [
      'POST',
      '/api/images/a/variants',
      { variants: [[{ type: 'resize', zip: 1 }]] },
      { param: 'variants.0.0.zip', allowed: 'type params' },
    ],
    ['POST', '/api/images/a/variants', { variants: [3] }, { detail: /must be string, or must be array/ }],
    ['POST', '/api/images', form([['nmae', 'x']]), { param: 'nmae', detail: /is not known/ }],
  ];
  for (const [method, path, body, expected] of refused) {
    const answer = await call(server, method, path, body);
    t.match(answer, { status: 400, body: { code: 'invalid_request', ...expected } }, path);
  }
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
  t.equal((await server.stores.records.images.list({ limit: 10 })).items.length, 2);
});

t.test('a bad file of any length spoils nothing', async (t) => {
  const { server } = await started(t);
  const bad = Buffer.alloc(LIMIT - 1000, 'no picture ');
  const good = await noise(60, 40);
  type Several = { images: ({ problem?: { code: string } } & Partial<UploadAnswer>)[] };
  const parts = ['a', 'b', 'c', 'd', 'e', 'f'].map((name, index) => [name, index % 2 ? good : bad] as const);
  const { status, body } = await call<Several>(server, 'POST', '/api/images', form(parts));
  t.equal(status, 202);
  const refused = { problem: { code: 'unsupported_source' } };
  t.match(body.images, [refused, { status: 'completed' }, refused, {}, refused, { status: 'completed' }]);
  const lone = await call(server, 'POST', '/api/images', form([['file', bad]]));
  t.match(lone, { status: 415, body: { code: 'unsupported_source' } });
  const taken = [['id', body.images[1]?.id ?? ''] as const, ['file', await noise(900, 700)] as const];
  t.match(await call(server, 'POST', '/api/images', form(taken)), { status: 409 });
});

t.test('a file that never ends is answered with what came before it', async (t) => {
  const { server } = await started(t);
  const { socket, answer } = await dial(server);
  socket.write(HEAD('Transfer-Encoding: chunked\r\n'));
  const file = await noise(60, 40);
  for (const text of [PART, file, `\r\n${PART}`, file]) socket.write(chunk(Buffer.from(text)));
  for (let sent = 0; sent < 4 * LIMIT && answer() === ''; sent += 50_000) {
    socket.write(chunk(Buffer.alloc(50_000)));
    await sleep(1);
  }
  // While the client still sends.
  await waitFor(() => answer().endsWith('}]}'));
  socket.destroy();
  t.match(answer(), /^HTTP\/1.1 202 /);
  const { images } = JSON.parse(answer().slice(answer().indexOf('\r\n\r\n')));
  t.match(images, [{ status: 'completed' }, { problem: { code: 'upload_too_large', hint: /not read/ } }]);
  t.same(await keysOf(server.stores.originals), [images[0].id]);
});

t.test('a file that falls silent after it was refused is answered', async (t) => {
  const { server } = await started(t);
  const { socket, answer } = await dial(server);
  socket.write(`${HEAD('Content-Length: 1500000\r\n')}${PART}no picture`.padEnd(100_000, '.'));
  await waitFor(() => answer() !== '');
  t.match(answer(), /^HTTP\/1.1 415 /);
  socket.destroy();
});

t.test('says 413 at once also on a connection that has carried other uploads', async (t) => {
  const { server, folder } = await started(t);
  const { socket, answer } = await dial(server);
  const bad = Buffer.alloc(LIMIT - 1000, 'no picture ');
  const end = '\r\n--b--\r\n';
  const send = (bytes: number) => HEAD(`Content-Length: ${PART.length + bytes + end.length}\r\n`) + PART;
  for (let index = 1; index <= 3; index++) {
    for (const piece of [send(bad.length), bad, end]) socket.write(piece);
    await waitFor(() => answer().split('HTTP/1.1 415 ').length > index);
  }
  socket.write(send(4 * LIMIT));
  socket.write(await noise(60, 40));
  // The rest is never sent: whoever waits for it does not answer.
  socket.write(Buffer.alloc(1.25 * LIMIT));
  await waitFor(() => answer().includes('HTTP/1.1 413 '));
  socket.destroy();
  t.same(await holdings(folder), []);
});

t.test('a form that is none is told so', async (t) => {
  const { server, folder } = await started(t, { API_TOKENS: '' });
  const file = `${PART}${(await noise(60, 40)).toString('latin1')}\r\n`;
  const many = Array.from({ length: 51 }, () => ['file', Buffer.from('no picture')] as const);
  const post = async (type: string, body: string | FormData, path = '/api/images') => {
    const headers = { 'content-type': `multipart/form-data${type}` };
    const sent = typeof body === 'string' ? { body: Buffer.from(body, 'latin1'), headers } : { body };
    const response = await fetch(server.base + path, { method: 'POST', ...sent });
    return { status: response.status, body: JSON.parse(await response.text()) };
  };
  const broken = { status: 400, body: { code: 'invalid_request', detail: /cannot be read/ } };
  for (const path of ['/api/images', '/api/uploads/a.jpg']) {
    t.match(await post('; boundary=b', 'garbage', path), broken, 'garbage');
    t.match(await post('', `${file}--b--\r\n`, path), broken, 'no boundary');
  }
  t.match(await post('; boundary=b', file), broken, 'no end');
  t.match(await post('; boundary=b', file.slice(0, -500)), broken, 'broken off in a file');
  t.match(await post('; boundary=b', `${file}${file.slice(0, -500)}`), broken, 'behind a good one');
  const over = { status: 413, body: { code: 'upload_too_large', allowed: '50 files' } };
  t.match(await post('', form(many)), over);
  const named = await post(
    '',
    form([
      ['toString', 'x'],
      ['file', await noise(9, 9)],
    ]),
  );
  t.match(named, { status: 400, body: { code: 'invalid_request', detail: /name/ } });
  t.same(await holdings(folder), []);
});

t.test('refuses what is wrong with its reason, and nothing of it stays', async (t) => {
  const { server, folder } = await started(t, { MAX_SOURCE_PIXELS: '1000000' });
  const file = await noise(60, 40);
  const heic = Buffer.concat([
    Buffer.from('\0\0\0\u0018ftypheic\0\0\0\0mif1heic', 'latin1'),
    Buffer.alloc(200),
  ]);
  for (const [parts, status, expected] of [
    [[['file', heic]], 422, { code: 'damaged_source' }],
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
  for (let sent = 0; sent < 1.25 * LIMIT; sent += 50_000) socket.write(chunk(Buffer.alloc(50_000)));
  // The rest is never sent: whoever waits for it does not answer.
  await waitFor(() => answer().includes('upload_too_large'));
  t.match(answer(), /^HTTP\/1.1 413 /);
  socket.destroy();
  t.same(await holdings(folder), []);
});

t.test('an upload that breaks off leaves nothing', async (t) => {
  const { server, folder } = await started(t);
  const { socket } = await dial(server);
  socket.write(HEAD('Content-Length: 1500000\r\n') + PART);
  socket.write(Buffer.concat([await noise(60, 40), Buffer.alloc(500_000)]));
  // Under way: a record and a file aside.
  await waitFor(async () => (await holdings(folder)).length > 1);
  socket.destroy();
  await waitFor(async () => (await holdings(folder)).length === 0);
});

t.test('bounds the uploads in flight', async (t) => {
  const { server } = await started(t, { MAX_UPLOADS: '2' });
  const sockets = await Promise.all([dial(server), dial(server)]);
  for (const { socket } of sockets) socket.write(HEAD('Content-Length: 1000\r\n') + PART);
  await waitFor(() => server.composed.management?.uploads.inFlight === 2);
  const refused = await call(server, 'POST', '/api/images', form([['file', await noise(9, 9)]]));
  t.match(refused, { status: 503, body: { code: 'overloaded' } });
  t.equal(refused.headers.get('retry-after'), '2');
  for (const { socket } of sockets) socket.destroy();
  await waitFor(() => server.composed.management?.uploads.inFlight === 0);
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
