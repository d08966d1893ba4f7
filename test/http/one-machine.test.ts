import { execFile } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { call, form } from '../support/api.ts';
import { corpus } from '../support/corpus.ts';
import { API_TOKENS, AUTHORIZED } from '../support/env.ts';
import { temporaryFolder } from '../support/folders.ts';
import { pages, ROOT, shellLines } from '../support/markdown.ts';
import { startServer } from '../support/server.ts';

const PAGE = pages().get('docs/one-machine.md') ?? '';
const [, BACKUP = ''] = /## Backup\n([\s\S]*?)\n## /.exec(PAGE) ?? [];

/** A command of the page on this machine: what runs in the container runs here, on another folder. */
const here = (line: string, folder: string): string =>
  line
    .replace('docker compose exec -T server node ', `DATA_DIR=/data '${process.execPath}' ${ROOT}`)
    .replace('docker compose exec -T server ', '')
    .replace('docker compose cp ', 'cp -r ')
    .replaceAll(/(server:)?\/data/g, `${folder}/data`);

t.test('a backup that is made while the server runs restores pictures and titles', async (t) => {
  const folder = await temporaryFolder();
  const server = await startServer({ DATA_DIR: join(folder, 'data') });
  const photo = await corpus('photos/harvesters.jpeg');
  const uploaded = await call(
    server,
    'POST',
    '/api/images',
    form([
      ['id', 'a/b.jpg'],
      ['title', 'Harvest'],
      ['file', photo],
    ]),
  );
  t.equal(uploaded.status, 202);
  await mkdir(join(folder, 'backup'));
  const commands = shellLines(BACKUP);
  t.equal(commands.length, 4);
  for (const line of commands) await promisify(execFile)('sh', ['-c', here(line, folder)], { cwd: folder });
  await server.close();
  const restored = await startServer({ DATA_DIR: join(folder, 'backup') });
  t.teardown(() => restored.close());
  const { body } = await call(restored, 'GET', '/api/images/a/b.jpg');
  t.match(body, { title: 'Harvest', original: { format: 'jpeg' } });
  t.equal((await restored.get('/img/a/b.jpg?w=40')).status, 200);
});

t.test('a signature made by the formula of docs/signing.md is accepted', async (t) => {
  const secret = '00112233445566778899aabbccddeeff';
  const server = await startServer({
    SIGNATURES: 'required',
    SIGNING_KEYS: `main=${secret}`,
    API_TOKENS,
  });
  t.teardown(() => server.close());
  await server.put('products/shoe.jpg', await readFile(`${ROOT}samples/cmyk-small.jpg`));
  const { body } = await call<{ canonical: string }>(
    server,
    'GET',
    '/api/explain/products/shoe.jpg?width=80&format=webp',
    undefined,
    AUTHORIZED,
  );
  const exp = Math.floor(Date.now() / 1000) + 600;
  const text = `products/shoe.jpg\n${body.canonical}\nmain\n${exp}`;
  const sig = createHmac('sha256', Buffer.from(secret, 'hex')).update(text).digest('base64url');
  const url = `/img/products/shoe.jpg?width=80&format=webp&exp=${exp}&kid=main&sig=${sig}`;
  t.equal((await server.get(url)).status, 200);
  t.equal((await server.get(url.replace('width=80', 'w=80'))).status, 200, 'in another spelling');
  t.equal((await server.get(url.replace('width=80', 'w=81'))).status, 403);
});
