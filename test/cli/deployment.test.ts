import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { rendition } from '../support/cli.ts';
import { temporaryFolder } from '../support/folders.ts';
import { ROOT } from '../support/markdown.ts';
import { freePort } from '../support/ports.ts';
import { startServer } from '../support/server.ts';
import { startWire } from '../support/wire.ts';

const TOKEN = 'a-token-of-the-test';
const HASH = createHash('sha256').update(TOKEN).digest('hex');
const SIGNED = {
  API_TOKENS: `test=write:${HASH}`,
  SIGNATURES: 'required',
  SIGNING_KEYS: `main=${'ab'.repeat(16)}`,
};

/** Some pictures, and a file that is none, in a folder of folders. */
async function folderOf(count: number): Promise<string> {
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'b c'), { recursive: true });
  const names = Array.from({ length: count }, (_, n) => (n % 2 ? `b c/${n}+é.png` : `${n}.png`));
  for (const name of names) await copyFile(join(ROOT, 'samples/transparency-demo.png'), join(folder, name));
  await writeFile(join(folder, 'notes.txt'), 'no picture');
  await writeFile(join(folder, '.hidden'), 'of the system');
  return folder;
}

t.test('put, status, purge, delete on a deployment that asks for token and signatures', async (t) => {
  const server = await startServer(SIGNED);
  t.teardown(() => server.close());
  const folder = await folderOf(6);
  const env = { RENDITION_URL: `${server.base}/`, RENDITION_TOKEN: TOKEN };

  const put = await rendition(['put', folder, '--prefix', 'p/'], { env });
  t.match(put, { code: 1, stderr: /notes\.txt: .*\n1 of 7 failed\.\n/s }, put.stderr);
  t.equal(put.lines.length, 6, 'one that is no picture does not stop the others');
  for (const url of put.lines) t.equal((await fetch(url)).status, 200, url);

  const again = await rendition(['put', join(folder, '0.png'), '--id', 'p/0.png', '--json'], { env });
  t.match(again, { code: 0, stderr: '' }, 'the same file under the same id is there already');
  const other = await rendition(['put', 'samples/ladybug.jpg', '--id', 'p/0.png', '--json'], { env });
  t.match(other, { code: 1, stderr: '' });
  t.match(JSON.parse(other.lines[0] ?? ''), { subject: /ladybug/, error: /already|taken/ });
  const replaced = await rendition(
    ['put', join(folder, '0.png'), '--id', 'p/0.png', '--replace', '--variants', 'w=20&fmt=png'],
    { env },
  );
  t.match(replaced, { code: 0, lines: [/p\/0\.png\?.*w=20/] }, replaced.stderr);
  t.equal((await fetch(replaced.lines[0] ?? '')).status, 200);

  const status = await rendition(['status', '-', 'none', '--json'], {
    env,
    input: 'p/0.png\np/b c/1+é.png\n',
  });
  t.match(status, { code: 1 });
  t.equal(status.lines.filter((line) => JSON.parse(line).status !== undefined).length, 2);
  t.match(await rendition(['purge', 'p/0.png'], { env }), { code: 0, stdout: /results removed/ });
  t.match(await rendition(['stats', '--json'], { env }), { code: 0, stdout: /"images":6,/ });
  t.match(await rendition(['delete', 'p/0.png', 'p/b c/1+é.png'], { env }), { code: 0 });
  t.match(await rendition(['stats', '--json'], { env }), { code: 0, stdout: /"images":4,/ });
});

t.test('a deployment signs with its own keys, and what it prints is served', async (t) => {
  const server = await startServer(SIGNED);
  t.teardown(() => server.close());
  await server.put('a b/é.png', await readFile(join(ROOT, 'samples/transparency-demo.png')));
  const env = { RENDITION_URL: server.base, RENDITION_TOKEN: TOKEN };
  for (const words of [
    ['a%20b/%C3%A9.png?w=20&fmt=png'],
    ['/img/a%20b/%C3%A9.png?w=20', '--form', 'written', '--expires', '1h'],
    [`${server.base}/img/a%20b/%C3%A9.png?p=thumb`, '--kid', 'main', '--url', server.base, '--token', TOKEN],
  ]) {
    const signed = await rendition(['sign', ...words], { env });
    t.match(signed, { code: 0, stderr: '' }, signed.stderr);
    t.match(signed.lines[0], server.base);
    t.equal((await fetch(signed.lines[0] ?? '')).status, 200, signed.stdout);
  }
  t.match(await rendition(['sign', 'a?w=1', '--kid', 'none'], { env }), {
    code: 1,
    stderr: /signing key "none"/,
  });
  t.match(await rendition(['sign', 'a?w=1', '--url', server.base]), { code: 1, stderr: /needs a token/ });
  t.match(await rendition(['sign', 'a?w=1', '--token', 'x']), { code: 2, stderr: /--token needs --url/ });
});

t.test('a call whose answer got lost is sent once more, and is one call', async (t) => {
  const server = await startServer({ ...SIGNED, PUBLIC_URL: '' });
  t.teardown(() => server.close());
  const wire = await startWire(server.base);
  t.teardown(() => wire.stop());
  let losses = 0;
  wire.fault = {
    kind: 'lose',
    hits: (method, url) => method === 'POST' && url === '/api/images' && losses++ === 0,
  };
  const photo = join(ROOT, 'samples/transparency-demo.png');
  const words = ['put', photo, '--id', 'lost.png', '--url', wire.endpoint, '--token', TOKEN, '--json'];
  const put = await rendition([...words, '--variants', 'w=20&fmt=png']);
  t.match(put, { code: 0, stderr: '' });
  t.equal(losses, 2, 'the first one arrived, and its answer did not');
  t.match(await server.stores.records.images.get('lost.png'), { revision: Number, status: 'processing' });
});

t.test(
  'a wrong token, none, and a server that is not there are one line each, whatever there is to do',
  async (t) => {
    const server = await startServer({ API_TOKENS: `reader=read:${HASH}` });
    t.teardown(() => server.close());
    const folder = await folderOf(6);
    const port = await freePort();
    const cases: [string[], RegExp][] = [
      [['--url', server.base, '--token', 'another'], /^http:\S+: The bearer token is not accepted\.\n$/],
      [['--url', server.base], /^http:\S+ needs a token: --token, or RENDITION_TOKEN\.\n$/],
      [['--url', server.base, '--token', TOKEN], /^http:\S+: This call needs the scope "write"\.\n$/],
      [['--url', `http://127.0.0.1:${port}`], /^http:\S+ cannot be reached: ECONNREFUSED\n$/],
      [['--url', 'http://no.such.host.invalid'], /^http:\S+ cannot be reached: \w+\n$/],
    ];
    for (const [words, said] of cases) {
      const ended = await rendition(['put', folder, ...words]);
      t.match(ended, { code: 1, stdout: '', stderr: said }, words.join(' '));
    }
  },
);

t.test('the same on a data folder, where no server runs', async (t) => {
  const cwd = await temporaryFolder();
  const photo = join(ROOT, 'samples/transparency-demo.png');
  const env = { PRESETS_ONLY: '1', PORT: '8099' };
  t.match(await rendition(['status', 'a', '--data', join(cwd, 'here')]), {
    code: 1,
    stderr: /^DATA_DIR=".*here": there is no such folder\n$/,
  });
  const put = await rendition(['put', photo, join(cwd, 'none.png'), '--data', join(cwd, 'here')], { env });
  t.match(put, { code: 1, stderr: /none\.png: ENOENT.*\n1 of 2 failed/s }, put.stderr);
  t.same(
    put.lines,
    ['http://localhost:8099/img/transparency-demo.png?p=card'],
    'what presets make is all that is served',
  );
  const DATA_DIR = join(cwd, 'here');
  const server = await startServer({ ...env, DATA_DIR });
  t.teardown(() => server.close());
  const { pathname, search } = new URL(put.lines[0] ?? '');
  t.equal((await server.get(pathname + search)).status, 200);
  const explained = await rendition(['explain', `${put.lines[0]}`, '--json'], { env: { ...env, DATA_DIR } });
  t.match(JSON.parse(explained.stdout), { id: 'transparency-demo.png', access: 'allowed' });
  const warm = await rendition(['warm', 'transparency-demo.png', '--variants', 'p=card'], {
    env: { ...env, DATA_DIR },
  });
  t.match(warm, { code: 0, stdout: /: processing\n {2}queued/ }, warm.stderr);
  const stats = await rendition(['stats'], { env: { DATA_DIR } });
  t.match(stats, { code: 0, stdout: /images: 1\n.*jobs: [12] waiting/s });
});

t.test('put names a file that cannot be read, and the reason', async (t) => {
  const env = { DATA_DIR: await temporaryFolder(), LOG_LEVEL: 'silent' };
  for (const [path, stderr] of [
    ['none.jpg', /ENOENT.*none\.jpg/],
    ['/dev/null', /null is no file/],
  ] as const)
    t.match(await rendition(['put', path], { env }), { code: 1, stderr }, path);
});

t.test('a token is let in by the line that is printed beside it', async (t) => {
  const made = await rendition(['token', 'newsroom', '--scope', 'read']);
  const [token = '', line = ''] = made.lines;
  const [variable = '', value = ''] = line.split(/=(.*)/s);
  const server = await startServer({ [variable]: value });
  t.teardown(() => server.close());
  const asked = (authorization: string) => server.get('/api/images', { headers: { authorization } });
  t.equal((await asked(`Bearer ${token}`)).status, 200);
  t.equal((await asked(`Bearer ${token}x`)).status, 401);
});
