import { type ChildProcess, spawn } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openStores } from '../compose/stores.ts';
import { loadConfig } from '../config/settings.ts';
import { idInUrl } from '../core/query/path.ts';
import { exitWithError } from '../shared/error-text.ts';
import { putFile } from './put.ts';
import { signUrl } from './sign.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SAMPLES = join(ROOT, 'samples');

/** Puts the sample originals into an empty store, so that a first start has something to show. */
async function putSamples(config: ReturnType<typeof loadConfig>): Promise<void> {
  const stores = await openStores(config);
  try {
    // A bucket that announces its objects is set up by somebody, for pictures of theirs.
    if (stores.originals.announces) return;
    const { items } = await stores.originals.list({ prefix: '', limit: 1 });
    if (items.length) return;
    const files = (await readdir(SAMPLES)).filter((name) => !name.endsWith('.md')).sort();
    for (const name of files) {
      // Of two first starts at once, each puts the same bytes.
      await putFile(stores, join(SAMPLES, name), { id: `samples/${name}`, replace: true });
    }
  } finally {
    stores.close();
  }
}

/** A URL that this configuration serves: signed, where it serves nothing else. */
function urlOf(
  id: string,
  { port, signatures, signingKeys, presets }: ReturnType<typeof loadConfig>,
): string {
  const url = `${idInUrl(id)}?w=800`;
  const [signer] = signatures === 'required' ? Object.entries(signingKeys) : [];
  const path = signer ? signUrl(url, { kid: signer[0], key: signer[1], presets }) : `/img/${url}`;
  return `http://localhost:${port}${path}`;
}

/** What the stores hold first, for the URLs that are printed. */
async function someIds(config: ReturnType<typeof loadConfig>): Promise<string[]> {
  const stores = await openStores(config);
  try {
    const { items } = await stores.originals.list({ prefix: '', limit: 6 });
    return items.map(({ key }) => key);
  } finally {
    stores.close();
  }
}

/** Before anything else of a program, as the scripts of package.json have it. */
const PRELOAD = join(ROOT, 'server/cli/node-version.mjs');

/** With what the image sets too: two arenas are 20-30 % less memory at the same speed. */
function run(script: string): ChildProcess {
  return spawn(process.execPath, ['--import', PRELOAD, join(ROOT, script)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { MALLOC_ARENA_MAX: '2', ...process.env },
  });
}

/** Resolves once the server itself says that it listens; false when it ends before. */
function ready(server: ChildProcess): Promise<boolean> {
  return new Promise((resolve) => {
    server.once('message', () => resolve(true));
    server.once('exit', () => resolve(false));
  });
}

/** How soon an orphan ends. */
const ORPHAN_MS = 1_000;

/** Server and warmer as two processes over one DATA_DIR, in one terminal. */
async function main(): Promise<void> {
  const config = loadConfig(process.env);
  if (config.port === 0)
    throw new Error('npm start prints its URLs beforehand: set PORT to a number, or use npm run server.');
  await putSamples(config);
  const children = { server: run('server/main.ts'), warmer: run('warmer/main.ts') };
  let stopping = false;
  const stop = (code: number) => {
    if (stopping) return;
    stopping = true;
    process.exitCode = code;
    for (const child of Object.values(children)) child.kill('SIGTERM');
  };
  for (const [name, child] of Object.entries(children)) {
    child.once('exit', (code, signal) => {
      if (!stopping) process.stderr.write(`The ${name} has ended with ${code ?? signal}; so all ends.\n`);
      stop(code ?? 1);
    });
  }
  // Ctrl-C reaches the children by itself, as one group; they end it.
  process.on('SIGINT', () => stop(0));
  process.on('SIGTERM', () => stop(0));
  // A parent that is killed takes nobody along by itself: npm, or the script of whoever tries this.
  const parent = process.ppid;
  setInterval(() => process.ppid === parent || stop(0), ORPHAN_MS).unref();
  if (!(await ready(children.server)) || stopping) return;
  const urls = (await someIds(config)).map((id) => `  ${urlOf(id, config)}`).join('\n');
  process.stdout.write(
    `\nRendition serves at http://localhost:${config.port}/\n${urls}\n\nPut your own: npm run put -- photo.jpg products/shoe.jpg\n\n`,
  );
}

main().catch(exitWithError);
