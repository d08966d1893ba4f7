import { execFile } from 'node:child_process';
import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { curl, words } from '../../docs/curl.ts';
import { UNMEASURED } from '../support/command.ts';
import { API_TOKENS } from '../support/env.ts';
import { temporaryFolder } from '../support/folders.ts';
import { answers, pages, ROOT, shellLines } from '../support/markdown.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { createWarmer } from '../support/warmer.ts';

const README = pages().get('README.md') ?? '';
const LINES = [...pages().values()].flatMap(shellLines);
const SIGNING_KEYS = 'main=00112233445566778899aabbccddeeff';

let server: TestServer;
let folder: string;
t.before(async () => {
  folder = await temporaryFolder();
  await copyFile(join(ROOT, 'samples/flower-macro.jpg'), join(folder, 'photo.jpg'));
  const PUBLIC_URL = 'http://localhost:8080';
  server = await startServer({ DATA_DIR: join(folder, 'data'), SIGNING_KEYS, PUBLIC_URL });
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
  const [, script = '', ...command] = (scripts[name] ?? '').split(' ');
  const env = { ...process.env, DATA_DIR: join(folder, 'data'), ...Object.fromEntries(variables) };
  const own = all.slice(all.indexOf('--') + 1);
  const [program, ...before] = UNMEASURED;
  const { stdout } = await promisify(execFile)(program, [...before, join(ROOT, script), ...command, ...own], {
    cwd: folder,
    env,
  });
  return stdout.trim();
}

/** The line that contains `part`; the documentation must have it. */
function example(part: string): string {
  const line = LINES.find((text) => text.includes(part));
  if (line === undefined) throw new Error(`The documentation has no example with ${part}.`);
  return line;
}

/** What depends on the machine and the hour: how long a render took, how well a codec did. */
const measured = (name: string, value: unknown): unknown =>
  ['bytes', 'ms'].includes(name) ? typeof value : value;

/** What the README shows below the command, and what is answered, both without what is measured. */
async function shownAndAnswered(line: string): Promise<[shown: unknown, answered: unknown]> {
  const answer = await curl(line, server.base, folder);
  return [
    JSON.parse(answers(README).get(line) ?? 'null', measured),
    JSON.parse(await answer.text(), measured),
  ];
}

t.test('npm run put prints a URL that is served', async (t) => {
  const printed = await npmRun(example('npm run put'));
  t.match(printed, /\/img\/products\/shoe\.jpg$/);
  t.equal((await server.get(new URL(printed).pathname)).status, 200);
});

t.test('npm run sign prints a URL that a deployment with required signatures serves', async (t) => {
  const printed = await npmRun(example('npm run sign'));
  const form = /^\/img\/products\/shoe\.jpg\?w=800&exp=\d+&kid=main&sig=[\w-]{43}$/;
  t.match(printed, form);
  t.match(answers(README).get(example('npm run sign'))?.trim(), form, 'and the README shows one like it');
  const strict = await startServer({
    API_TOKENS,
    SIGNING_KEYS,
    SIGNATURES: 'required',
    DATA_DIR: join(folder, 'data'),
  });
  t.equal((await strict.get(printed)).status, 200);
  t.equal((await strict.get('/img/products/shoe.jpg?w=801')).status, 403);
  await strict.close();
});

t.test('upload and status answer what the README shows', async (t) => {
  const [shown, accepted] = await shownAndAnswered(example('-F file='));
  t.same(accepted, shown);
  const warmer = await createWarmer({ DATA_DIR: join(folder, 'data') });
  const { records } = warmer.stores;
  await warmer.until(async () => (await records.images.get('products/boot.jpg'))?.status === 'completed');
  await warmer.close();
  const [wanted, status] = await shownAndAnswered(example('/status?wait=20'));
  t.same(status, wanted);
});
