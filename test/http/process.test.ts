import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { LAYERS } from '../../server/sandbox/launch.ts';
import { corpus } from '../support/corpus.ts';
import { ended, folderWithPhoto, type ServerProcess, spawnServer } from '../support/process.ts';
import { bytesOf, startServer } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';

async function isRendering({ base }: ServerProcess): Promise<boolean> {
  const metrics = await (await fetch(`${base}/metrics`)).text();
  return Number(/^rendition_flights (\d+)/m.exec(metrics)?.[1]) > 0;
}

t.test('says in its log and in its metrics which layers are around its render processes', async (t) => {
  const server = await spawnServer({ DATA_DIR: await folderWithPhoto(t) });
  t.ok(server.layers.includes('empty-environment'), server.layers.join(' '));
  const metrics = await (await fetch(`${server.base}/metrics`)).text();
  const rows = [...metrics.matchAll(/^rendition_sandbox_layer\{layer="([^"]+)"\} ([01])$/gm)];
  t.same(rows.map(([, layer]) => layer).sort(), [...LAYERS].sort());
  t.same(
    rows
      .filter(([, , holds]) => holds === '1')
      .map(([, layer]) => layer)
      .sort(),
    [...server.layers].sort(),
  );
  t.equal(await server.end('SIGTERM'), 0);
});

t.test('finishes what it has begun on SIGTERM, stores it, and ends with 0', async (t) => {
  const folder = await folderWithPhoto(t);
  const first = await spawnServer({ DATA_DIR: folder }, { isMeasured: true });
  const url = '/img/ladybug.jpg?w=1600&fmt=webp';
  let isAnswered = false;
  const answer = fetch(first.base + url).finally(() => {
    isAnswered = true;
  });
  await waitFor(async () => isAnswered || (await isRendering(first)));
  const ended = first.end('SIGTERM');
  const finished = await answer;
  t.equal(finished.status, 200);
  await bytesOf(finished);
  t.equal(await ended, 0);
  const second = await startServer({ DATA_DIR: folder });
  t.teardown(() => second.close());
  const stored = await second.get(url);
  t.equal(stored.headers.get('x-image-cache'), 'stored');
  await bytesOf(stored);
});

async function isRefused(port: number, hostname: string): Promise<boolean> {
  const socket = connect(port, hostname);
  const refused = await once(socket, 'connect').then(
    () => false,
    () => true,
  );
  socket.destroy();
  return refused;
}

t.test('refuses what comes in after SIGTERM over a connection that is still open', async (t) => {
  const server = await spawnServer({ DATA_DIR: await folderWithPhoto(t) });
  const { hostname, port } = new URL(server.base);
  const socket = connect(Number(port), hostname);
  // The answer to the first tells that the connection is taken; the half behind it keeps it from being closed as idle.
  socket.write(`GET /healthz HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`);
  await once(socket, 'readable');
  socket.read();
  socket.write(`GET /img/ladybug.jpg?w=100&fmt=webp HTTP/1.1\r\nHost: ${hostname}\r\n`);
  const ended = server.end('SIGTERM');
  await waitFor(() => isRefused(Number(port), hostname));
  socket.write('\r\n');
  const answer = await text(socket);
  t.match(answer, /^HTTP\/1\.1 503 /);
  t.match(answer, /^retry-after: 1\r$/im);
  t.match(answer, /^connection: close\r$/im);
  t.match(answer, /^cache-control: no-store\r$/im);
  t.match(JSON.parse(answer.split('\r\n\r\n')[1] ?? ''), { code: 'draining' });
  t.equal(await ended, 0);
});

t.test('is not held up by connections that say nothing, or not enough', async (t) => {
  const folder = await folderWithPhoto(t);
  const server = await spawnServer({ DATA_DIR: folder });
  const { hostname, port } = new URL(server.base);
  const open = async () => {
    const socket = connect(Number(port), hostname).on('error', () => {});
    await once(socket, 'connect');
    return socket;
  };
  const [quiet, half, later, upload] = await Promise.all([open(), open(), open(), open()]);
  half.write('GET / HTTP/1.1\r\n');
  later.write(`GET /healthz HTTP/1.1\r\nHost: ${hostname}\r\n\r\nGET /`);
  const closed = Promise.all([quiet, half, later].map((socket) => once(socket.resume(), 'close')));
  const file = await corpus('photos/kodim23.png');
  const part = '--b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n';
  const end = '\r\n--b--\r\n';
  upload.write(
    `POST /api/images HTTP/1.1\r\nHost: ${hostname}\r\nContent-Type: multipart/form-data; boundary=b\r\n` +
      `Content-Length: ${part.length + file.length + end.length}\r\n\r\n${part}`,
  );
  upload.write(file.subarray(0, file.length / 2));
  await waitFor(async () => (await readdir(join(folder, 'originals', '.tmp'))).length > 0);
  const ended = server.end('SIGTERM');
  await closed;
  upload.write(file.subarray(file.length / 2));
  upload.write(end);
  t.match(await text(upload), /^HTTP\/1\.1 202 /, 'what was in flight comes to its end');
  t.equal(await ended, 0);
});

t.test('refuses a bad configuration with every reason, and does not start', async (t) => {
  const { status, stderr } = ended('server/main.ts', { PORT: 'http', QUEUE_MS: '-1' });
  t.equal(status, 1);
  t.match(stderr, /PORT="http": expected a whole number/);
  t.match(stderr, /QUEUE_MS="-1"/);
});
