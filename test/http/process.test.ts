import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import sharp from 'sharp';
import t, { type Test } from 'tap';
import { FileObjects } from '../../server/stores/files/objects.ts';
import { corpus } from '../support/corpus.ts';
import { type ServerProcess, spawnServer } from '../support/process.ts';
import { bytesOf, temporaryFolder } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';

async function folderWithPhoto(): Promise<string> {
  const folder = await temporaryFolder();
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const originals = await FileObjects.open(join(folder, 'originals'));
  await originals.put('ladybug.jpg', await corpus('samples/ladybug.jpg'), { contentType: 'image/jpeg' });
  return folder;
}

const WIDTHS = [100, 140, 180, 220, 260, 300, 340, 380];
const urlOf = (width: number) => `/img/ladybug.jpg?w=${width}&fmt=webp`;

t.test(
  'survives kill -9 in the middle of rendering and storing: no torn or wrong picture afterwards',
  async (t) => {
    const folder = await folderWithPhoto();
    const results = await FileObjects.open(join(folder, 'results'));
    const stored = async () => (await results.list({ prefix: '', limit: 100 })).items.length;
    for (const count of [0, 1, 3, 5]) {
      const server = await spawnServer({ DATA_DIR: folder });
      const asked = WIDTHS.map((width) =>
        fetch(server.base + urlOf(width))
          .then(bytesOf)
          .catch(() => undefined),
      );
      await waitFor(async () => (await stored()) >= count);
      t.equal(await server.end('SIGKILL'), 'SIGKILL');
      await Promise.all(asked);
    }
    const server = await spawnServer({ DATA_DIR: folder });
    const tiers = [];
    for (const width of WIDTHS) {
      const answer = await fetch(server.base + urlOf(width));
      tiers.push(answer.headers.get('x-image-cache'));
      const picture = await sharp(await bytesOf(answer), { failOn: 'warning' })
        .raw()
        .toBuffer({ resolveWithObject: true });
      t.match([answer.status, picture.info.width], [200, width]);
    }
    t.ok(tiers.includes('stored'), `what was stored before a kill is served: ${tiers}`);
    t.equal(await server.end('SIGTERM'), 0);
  },
);

async function isRendering({ base }: ServerProcess): Promise<boolean> {
  const metrics = await (await fetch(`${base}/metrics`)).text();
  return Number(/^rendition_flights (\d+)/m.exec(metrics)?.[1]) > 0;
}

t.test('finishes what it has begun on SIGTERM, stores it, and ends with 0', async (t) => {
  const folder = await folderWithPhoto();
  const first = await spawnServer({ DATA_DIR: folder });
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
  const second = await spawnServer({ DATA_DIR: folder });
  const stored = await fetch(second.base + url);
  t.equal(stored.headers.get('x-image-cache'), 'stored');
  await bytesOf(stored);
  t.equal(await second.end('SIGTERM'), 0);
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
  const server = await spawnServer({ DATA_DIR: await folderWithPhoto() });
  const { hostname, port } = new URL(server.base);
  const socket = connect(Number(port), hostname);
  // The answer to the first tells that the connection is taken; the half behind it keeps it from being closed as idle.
  socket.write(`GET /healthz HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`);
  await once(socket, 'readable');
  socket.read();
  socket.write(`GET ${urlOf(100)} HTTP/1.1\r\nHost: ${hostname}\r\n`);
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
  const folder = await folderWithPhoto();
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

/** A program that ends by itself. */
function ended(script: string, env: Record<string, string>, ...args: string[]) {
  const given = { ...process.env, HOST: '127.0.0.1', PORT: '0', LOG_LEVEL: 'silent', ...env };
  return spawnSync(process.execPath, [script, ...args], { env: given, encoding: 'utf8', timeout: 180_000 });
}

t.test('says why it does not start, and which setting leads there', async (t) => {
  const folder = await folderWithPhoto();
  const [file, corrupt] = [join(folder, 'file'), join(folder, 'corrupt')];
  await writeFile(file, 'no folder');
  await mkdir(corrupt);
  await writeFile(join(corrupt, 'rendition.sqlite'), 'no database at all'.repeat(500));
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.teardown(() => taken.close());
  const address = taken.address();
  const port = String(typeof address === 'object' && address?.port);
  const cases: [Record<string, string>, RegExp][] = [
    [{ DATA_DIR: file }, /^DATA_DIR=".*file": cannot open .*file: .*EEXIST/],
    [{ DATA_DIR: corrupt }, /^DATA_DIR=".*": cannot open .*rendition\.sqlite: file is not a database/],
    [{ DATA_DIR: folder, PORT: port }, /^PORT=\d+, HOST="127\.0\.0\.1": cannot listen: .*EADDRINUSE/],
    [
      { DATA_DIR: folder, HOST: 'no.such.host.invalid' },
      /HOST="no\.such\.host\.invalid": cannot listen: .*no\.such/,
    ],
  ];
  for (const [env, expected] of cases) {
    const { status, stderr } = ended('server/main.ts', env);
    t.equal(status, 1, stderr);
    t.match(stderr, expected);
  }
  const warmer = ended('warmer/main.ts', { DATA_DIR: folder, WARMER_PORT: port });
  t.match(warmer, { status: 1, stderr: /^WARMER_PORT=\d+: cannot listen: .*EADDRINUSE/ });
});

/** `npm start` on a port, until it ends or has said so much. */
async function start(
  t: Test,
  enough: RegExp,
  settings: Record<string, string>,
): Promise<{ code: number; said: string }> {
  const env = { ...process.env, HOST: '127.0.0.1', DATA_DIR: await folderWithPhoto(), ...settings };
  const child = spawn(process.execPath, ['server/cli/rendition.mjs', 'serve'], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.teardown(() => child.kill('SIGTERM'));
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      said += chunk;
      if (enough.test(said)) child.kill('SIGTERM');
    });
  }
  const [code] = await once(child, 'close');
  return { code, said };
}

t.test(
  'npm start says that it serves once its own server does, and which of the two has ended',
  async (t) => {
    const other = createHttpServer((_request, response) => response.end('ok')).listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = other.address();
    const PORT = String(typeof address === 'object' && address ? address.port : 0);
    const refused = await start(t, /serves at/, { PORT });
    t.match(refused, { code: 1, said: /PORT=\d+.*EADDRINUSE.*The server has ended with 1/s });
    t.notMatch(refused.said, 'serves at');
    other.close();
    await once(other, 'close');
    const served = await start(t, /rendition put/, { PORT });
    t.match(served, { code: 0, said: /Rendition serves at http:\/\/localhost:\d+\/\n {2}http.*ladybug/ });
    const strict = { PORT, SIGNATURES: 'required', SIGNING_KEYS: `main=${'ab'.repeat(16)}` };
    const signed = await start(t, /rendition put/, strict);
    t.match(signed.said, /\n {2}http.*ladybug\.jpg\?w=800&kid=main&sig=[\w-]{43}\n/, 'URLs that it serves');
  },
);

t.test('put names a file that cannot be read, and the reason', async (t) => {
  const DATA_DIR = await folderWithPhoto();
  const put = (path: string) => ended('server/cli/rendition.mjs', { DATA_DIR }, 'put', path);
  t.match(put('none.jpg'), { status: 1, stderr: /ENOENT.*none\.jpg/ });
  t.match(put('test'), { status: 1, stderr: /test is no file/ });
});
