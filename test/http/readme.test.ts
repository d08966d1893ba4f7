import { execFile } from 'node:child_process';
import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { pages, ROOT, shellLines, words } from '../support/markdown.ts';
import { startServer, type TestServer, temporaryFolder } from '../support/server.ts';

const LINES = shellLines(pages().get('README.md') ?? '');
const SIGNING_KEYS = 'main=00112233445566778899aabbccddeeff';

let server: TestServer;
let folder: string;
t.before(async () => {
  folder = await temporaryFolder();
  await copyFile(join(ROOT, 'samples/flower-macro.jpg'), join(folder, 'photo.jpg'));
  server = await startServer({ DATA_DIR: join(folder, 'data'), SIGNING_KEYS });
  await server.put('samples/ladybug.jpg', await readFile(join(ROOT, 'samples/ladybug.jpg')));
});
t.teardown(() => server.close());

/** Runs `npm run <script> -- …` as npm would, in the folder where the photograph is. */
async function npmRun(line: string): Promise<string> {
  const { scripts }: { scripts: Record<string, string> } = JSON.parse(
    await readFile(join(ROOT, 'package.json'), 'utf8'),
  );
  const all = words(line);
  const variables = all.slice(0, all.indexOf('npm')).map((pair) => pair.split(/=(.*)/s).slice(0, 2));
  const [, , name = ''] = all.slice(all.indexOf('npm'));
  const [, script = ''] = (scripts[name] ?? '').split(' ');
  const env = { ...process.env, DATA_DIR: join(folder, 'data'), ...Object.fromEntries(variables) };
  const given = all.slice(all.indexOf('--') + 1);
  const { stdout } = await promisify(execFile)(process.execPath, [join(ROOT, script), ...given], {
    cwd: folder,
    env,
  });
  return stdout.trim();
}

/** The line that contains `part`; the README must have it. */
function example(part: string): string {
  const line = LINES.find((text) => text.includes(part));
  if (line === undefined) throw new Error(`The README has no example with ${part}.`);
  return line;
}

/** Does what a curl line says: its URL on our port, `-F` fields as a form. */
async function curl(line: string, id = ''): Promise<Response> {
  const all = words(line);
  const form = new FormData();
  for (const [at, word] of all.entries()) {
    if (word !== '-F') continue;
    const [name = '', value = ''] = (all[at + 1] ?? '').split(/=(.*)/s);
    if (value.startsWith('@')) {
      const bytes = await readFile(join(folder, value.slice(1)));
      form.append(name, new Blob([new Uint8Array(bytes)]), value.slice(1));
    } else form.append(name, value);
  }
  const url = new URL((all.find((word) => /^http/.test(word)) ?? '').replace('<id>', id));
  const posted = [...form.keys()].length > 0;
  return server.get(url.pathname + url.search, posted ? { method: 'POST', body: form } : {});
}

t.test('npm run put prints a URL that is served', async (t) => {
  const printed = await npmRun(example('npm run put'));
  t.match(printed, /\/img\/products\/shoe\.jpg\?w=800$/);
  t.equal((await server.get(new URL(printed).pathname)).status, 200);
});

t.test('npm run sign prints a URL that a deployment with required signatures serves', async (t) => {
  const printed = await npmRun(example('npm run sign'));
  t.match(printed, /^\/img\/products\/shoe\.jpg\?w=800&exp=\d+&kid=main&sig=[\w-]{43}$/);
  const strict = await startServer({ SIGNING_KEYS, SIGNATURES: 'required', DATA_DIR: join(folder, 'data') });
  t.equal((await strict.get(printed)).status, 200);
  t.equal((await strict.get('/img/products/shoe.jpg?w=801')).status, 403);
  await strict.close();
});

t.test('the dry run explains', async (t) => {
  const answer = await curl(example('/api/explain/'));
  t.equal(answer.status, 200);
  t.match(await answer.json(), { canonical: 'fmt=webp&w=400', tier: 'miss' });
});

t.test('the upload is accepted and its status can be asked for', async (t) => {
  if (!server.app.hasRoute({ method: 'POST', url: '/api/images' })) {
    t.plan(0, 'the management API is not part of this server yet');
    return;
  }
  const answer = await curl(example('-F file='));
  t.equal(answer.status, 202);
  const { id, variants } = (await answer.json()) as { id: string; variants: unknown[] };
  t.ok(variants.length >= 3);
  const line = example('/status').replace('wait=20', 'wait=0');
  t.match(await (await curl(line, id)).json(), { id, status: String });
});
