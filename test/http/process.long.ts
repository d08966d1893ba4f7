import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import sharp from 'sharp';
import t, { type Test } from 'tap';
import { childrenOf } from '../../bench/process-tree.ts';
import { FileObjects } from '../../server/stores/files/objects.ts';
import { API_TOKENS } from '../support/env.ts';
import { addressOf } from '../support/ports.ts';
import { ended, folderWithPhoto, spawnServer } from '../support/process.ts';
import { bytesOf } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';

const WIDTHS = [100, 140, 180, 220, 260, 300, 340, 380];
const urlOf = (width: number) => `/img/ladybug.jpg?w=${width}&fmt=webp`;

t.test(
  'survives kill -9 in the middle of rendering and storing: no torn or wrong picture afterwards',
  async (t) => {
    const folder = await folderWithPhoto(t);
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

t.test('says why it does not start, and which setting leads there', async (t) => {
  const folder = await folderWithPhoto(t);
  const file = join(folder, 'file');
  await writeFile(file, 'no folder');
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.teardown(() => taken.close());
  const port = String(addressOf(taken).port);
  const cases: [Record<string, string>, RegExp][] = [
    [{ DATA_DIR: file }, /^DATA_DIR=".*file": cannot open .*file: .*EEXIST/],
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
  const env = { ...process.env, HOST: '127.0.0.1', DATA_DIR: await folderWithPhoto(t), ...settings };
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

t.test('a server whose log nobody reads any more ends when it is told to', async (t) => {
  const server = await spawnServer({ DATA_DIR: await folderWithPhoto(t) });
  t.teardown(() => server.child.kill('SIGKILL'));
  // At once: lines that were written before would have told it, and these are its last.
  server.child.stdout.destroy();
  t.equal(await server.end('SIGTERM'), 0);
});

t.test('npm start has its programs keep as few arenas of memory as the image does', async (t) => {
  const dockerfile = await readFile(new URL('../../Dockerfile', import.meta.url), 'utf8');
  const image = /^ENV (.*)$/m.exec(dockerfile)?.[1] ?? '';
  const env = { ...process.env, HOST: '127.0.0.1', PORT: '0', DATA_DIR: await folderWithPhoto(t) };
  const child = spawn(process.execPath, ['server/cli/rendition.mjs', 'serve'], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGTERM'));
  await once(child.stdout, 'data');
  const programs = childrenOf(child.pid ?? 0);
  t.equal(programs.length, 2);
  for (const pid of programs) {
    const variables = (await readFile(`/proc/${pid}/environ`, 'utf8')).split('\0');
    const [arenas = ''] = variables.filter((variable) => variable.startsWith('MALLOC_ARENA_MAX='));
    t.ok(image.split(' ').includes(arenas), `${arenas} is that of the image`);
  }
  child.kill('SIGTERM');
  await once(child, 'close');
});

t.test(
  'npm start says that it serves once its own server does, and which of the two has ended',
  async (t) => {
    const other = createHttpServer((_request, response) => response.end('ok')).listen(0, '127.0.0.1');
    await once(other, 'listening');
    const PORT = String(addressOf(other).port);
    const refused = await start(t, /serves at/, { PORT });
    t.match(refused, { code: 1, said: /PORT=\d+.*EADDRINUSE.*The server has ended with 1/s });
    t.notMatch(refused.said, 'serves at');
    other.close();
    await once(other, 'close');
    const served = await start(t, /Put your own/, { PORT });
    t.match(served, { code: 0, said: /Rendition serves at http:\/\/localhost:\d+\/\n {2}http.*ladybug/ });
    const strict = { PORT, SIGNATURES: 'required', SIGNING_KEYS: `main=${'ab'.repeat(16)}`, API_TOKENS };
    const signed = await start(t, /Put your own/, strict);
    t.match(signed.said, /\n {2}http.*ladybug\.jpg\?w=800&kid=main&sig=[\w-]{43}\n/, 'URLs that it serves');
  },
);
