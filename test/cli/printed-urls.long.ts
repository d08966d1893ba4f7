import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { exampleUrls } from '../../server/cli/first-start.ts';
import { loadConfig } from '../../server/config/settings.ts';
import { rendition } from '../support/cli.ts';
import { API_TOKENS, AUTHORIZED, TOKEN } from '../support/env.ts';
import { removeFolder, temporaryFolder } from '../support/folders.ts';
import { ROOT } from '../support/markdown.ts';
import { folderWithPhoto, spawnServer } from '../support/process.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { workOff } from '../support/warmer.ts';

const PHOTO = join(ROOT, 'samples/ladybug.jpg');

const SIGNED = { SIGNATURES: 'required', SIGNING_KEYS: `main=${'ab'.repeat(16)}` };

t.test('a command in another shell knows where the server is', async (t) => {
  const DATA_DIR = await folderWithPhoto(t);
  const server = await spawnServer({ DATA_DIR });
  t.teardown(() => server.child.kill('SIGKILL'));
  const put = await rendition(['put', PHOTO, '--id', 'a.jpg', '--data', DATA_DIR]);
  t.match(put.lines, [/^http:\/\/localhost:\d+\/img\/a\.jpg$/], put.stderr);
  t.equal((await fetch(put.lines[0] ?? '')).status, 200);
  await server.end('SIGTERM');
  t.notOk((await readdir(DATA_DIR)).includes('server.address'), 'nobody is there any more');
});

/** What limits the URLs that a deployment serves. */
const LIMITS: Readonly<Record<string, Record<string, string>>> = {
  'no limit': {},
  'presets only': { PRESETS_ONLY: '1' },
  'own presets only': { PRESETS_ONLY: '1', PRESETS: 'thumb=w=64&fit=cover&h=64' },
  signatures: SIGNED,
  'signatures and presets only': { ...SIGNED, PRESETS_ONLY: '1' },
  'allowed widths': { ALLOWED_WIDTHS: '160,320' },
  'signatures and allowed widths': { ...SIGNED, ALLOWED_WIDTHS: '160,320' },
};

const ID = 'a b/é+%.jpg';
const IN_URL = 'a%20b/%C3%A9%2B%25.jpg';

/** Command lines, in an order in which each finds what it needs; `query` is one that is served. */
const linesOf = (query: string, folder: string): string[][] => [
  ['put', PHOTO, '--id', ID, '--variants', query],
  ['put', PHOTO, '--id', ID, '--replace', '--variants', query],
  ['put', PHOTO, '--id', 'plain.jpg'],
  ['put', PHOTO, '--id', 'plain.jpg', '--replace'],
  ['warm', ID, '--variants', query],
  ['status', ID, 'plain.jpg'],
  ['explain', `${IN_URL}?${query}`],
  ['sign', `${IN_URL}?${query}`],
  ['sign', `${IN_URL}?${query}`, '--form', 'written', '--expires', '1h'],
  ['stats'],
  ['scan', '--register'],
  ['redrive'],
  ['rewarm'],
  ['backup', join(folder, 'backup.sqlite')],
  ['verify'],
  ['purge', 'plain.jpg', '--warm'],
  ['unwarm', ID, '--variants', query],
  ['token'],
];

/** Commands that work on the stores alone. */
const LOCAL = new Set(['scan', 'redrive', 'backup', 'verify', 'token']);

/** Commands whose answers have addresses, told in both forms. */
const SPEAKING = new Set(['put', 'warm', 'status', 'explain', 'sign']);

/** Limits that are tried on a data folder too, where every command starts the stores anew. */
const AT_HOME = new Set(['no limit', 'signatures and presets only']);

/** Addresses in a text: whole ones, and paths of pictures. */
function addressesIn(text: string, base: string): string[] {
  const found = text.match(/https?:\/\/[^\s"'`,<>]+|(?<![^\s"'])\/(?:img|api)\/[^\s"'`<>]+/g) ?? [];
  return [...new Set(found)].map((address) => (address.startsWith('/') ? base + address : address));
}

async function check(t: Test, text: string, { server, words }: { server: TestServer; words: string[] }) {
  const found = addressesIn(text, server.base);
  for (const address of found) {
    const headers = new URL(address).pathname.startsWith('/api/') ? AUTHORIZED : {};
    const answer = await fetch(address, { headers });
    await answer.body?.cancel();
    t.equal(answer.status, 200, `${words.join(' ')}: ${address}`);
  }
  return found.length;
}

for (const [limit, settings] of Object.entries(LIMITS))
  for (const place of AT_HOME.has(limit) ? ['a deployment', 'a data folder'] : ['a deployment'])
    t.test(`${limit}, on ${place}`, async (t) => {
      const folder = await temporaryFolder();
      t.teardown(() => removeFolder(folder));
      const env = { ...settings, API_TOKENS, DATA_DIR: join(folder, 'data') };
      const server = await startServer(env);
      t.teardown(() => server.close());
      const there = { RENDITION_URL: server.base, RENDITION_TOKEN: TOKEN };
      const here = { ...env, PORT: new URL(server.base).port, LOG_LEVEL: 'silent' };
      const preset = settings['PRESETS'] ? 'p=thumb' : 'p=card';
      const query = settings['PRESETS_ONLY'] ? preset : 'w=160&fmt=webp';
      const counts: Record<string, number> = {};
      for (const words of linesOf(query, folder)) {
        const [name = ''] = words;
        const isSigning = name === 'sign' && settings['SIGNATURES'] === undefined;
        if (isSigning || (place === 'a deployment' && LOCAL.has(name))) continue;
        for (const form of SPEAKING.has(name) ? [[], ['--json']] : [[]]) {
          await rm(join(folder, 'backup.sqlite'), { force: true });
          const ended = await rendition([...words, ...form], {
            env: place === 'a deployment' ? there : here,
          });
          const all = [...words, ...form];
          // Put a second time, to be told in the other form: an id is taken where no deployment compares the bytes.
          const isAgain = name === 'put' && !words.includes('--replace') && form.length > 0;
          if (!isAgain) t.equal(ended.code, 0, `${all.join(' ')}: ${ended.stderr}`);
          counts[name] =
            (counts[name] ?? 0) + (await check(t, ended.stdout + ended.stderr, { server, words: all }));
        }
        if (name === 'warm') await workOff(env);
      }
      const speaking = settings['SIGNATURES'] ? ['put', 'sign'] : ['put', 'explain'];
      t.comment(JSON.stringify(counts));
      for (const name of speaking) t.ok(counts[name], `${name} prints addresses`);
      const shown = await exampleUrls(loadConfig(here), server.base);
      t.ok(shown.length > 0);
      await check(t, shown.join('\n'), { server, words: ['serve'] });
    });
