import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { shownBase } from '../compose/address-file.ts';
import type { Config } from '../config/settings.ts';
import { command, JSON_OPTION, UsageError } from './command.ts';
import { DEPLOYMENT_OPTIONS } from './deployment.ts';
import { environmentWith, settingsOver } from './environment.ts';
import { exampleUrls, putSamples } from './first-start.ts';
import type { Output } from './output.ts';

const PROGRAM = fileURLToPath(new URL('./rendition.mjs', import.meta.url));

/** How soon an orphan ends. */
const ORPHAN_MS = 1_000;

const PROGRAMS = ['server', 'warmer'] as const;

/** With what the image sets too: two arenas are 20-30 % less memory at the same speed. */
function run(name: string, env: Readonly<Record<string, string>>): ChildProcess {
  return spawn(process.execPath, [PROGRAM, name], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { MALLOC_ARENA_MAX: '2', ...environmentWith(env) },
  });
}

/** Resolves once the server itself says where it listens; undefined when it ends before. */
function addressOf(server: ChildProcess): Promise<string | undefined> {
  return new Promise((resolve) => {
    server.once('message', (message) => {
      const isAddress = typeof message === 'object' && message !== null && 'address' in message;
      resolve(isAddress ? String(message.address) : undefined);
    });
    server.once('exit', () => resolve(undefined));
  });
}

interface Running {
  readonly children: readonly ChildProcess[];
  /** Resolves to the exit code of whatever ended first, 0 after a signal. */
  readonly ended: Promise<number>;
}

/** When one ends, both do. */
function start(env: Readonly<Record<string, string>>): Running {
  const children = PROGRAMS.map((name) => run(name, env));
  const ended = new Promise<number>((resolve) => {
    let isStopping = false;
    const stop = (code: number) => {
      if (isStopping) return;
      isStopping = true;
      for (const child of children) child.kill('SIGTERM');
      resolve(code);
    };
    for (const [index, child] of children.entries()) {
      child.once('exit', (code, signal) => {
        if (!isStopping)
          process.stderr.write(`The ${PROGRAMS[index]} has ended with ${code ?? signal}; so all ends.\n`);
        stop(code ?? 1);
      });
    }
    // Ctrl-C reaches the children by itself, as one group; they end it.
    process.on('SIGINT', () => stop(0));
    process.on('SIGTERM', () => stop(0));
    // A parent that is killed takes nobody along by itself: npm, or the script of whoever tries this.
    const parent = process.ppid;
    setInterval(() => process.ppid === parent || stop(0), ORPHAN_MS).unref();
  });
  return { children, ended };
}

async function tell(config: Config, base: string, output: Output): Promise<void> {
  const urls = await exampleUrls(config, base);
  const lines = [`\nRendition serves at ${base}/`, ...urls.map((url) => `  ${url}`)];
  // A checkout has the sources and no command of its own on the path.
  const put = import.meta.url.endsWith('.ts') ? 'npm run put --' : 'npx rendition put';
  const own = config.originalsFolder
    ? `\nThe files of ${config.originalsFolder}, as they stand.\n`
    : `\nPut your own: ${put} photo.jpg --id products/shoe.jpg\n`;
  output.result({ base: `${base}/`, urls }, [...lines, own].join('\n'));
}

function portOf(text: string | undefined): Record<string, string> {
  if (text === undefined) return {};
  if (!/^\d{1,5}$/.test(text)) throw new UsageError(`--port ${text}: expected a number.`);
  return { PORT: text };
}

/** Records and results of a folder lie apart from those of other originals, which have other bytes under the same ids. */
function placesOf(folder: string, data: string | undefined): Record<string, string> {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    throw new UsageError(`${folder}: there is no such folder.`);
  const path = realpathSync(folder);
  const name = createHash('sha256').update(path).digest('hex').slice(0, 16);
  const dataDir = data ?? join(settingsOver({}).dataDir, 'folders', name);
  return { ORIGINALS_FOLDER: path, DATA_DIR: dataDir };
}

export const serve = command({
  name: 'serve',
  summary: 'Runs server and warmer over a data folder, in one terminal.',
  about:
    'An empty data folder gets a few sample pictures. A FOLDER of pictures is served as it stands: nothing is written to it, what begins with a dot and links are left out, and the rest lies in the data folder. Ctrl-C ends both.',
  operand: { name: 'FOLDER', min: 0, max: 1, doc: 'Pictures to serve as they stand.' },
  options: {
    port: { value: 'PORT', doc: 'In place of the setting PORT; 0 takes a free one.' },
    data: DEPLOYMENT_OPTIONS.data,
    json: JSON_OPTION,
  },
  examples: ['serve', 'serve ./photos', 'serve --port 9000 --data /srv/rendition'],
  run: async ({ operands: [folder], values: { port, data }, output }) => {
    const own = data === undefined ? {} : { DATA_DIR: data };
    const env = { ...portOf(port), ...own, ...(folder === undefined ? {} : placesOf(folder, data)) };
    const config = settingsOver(env);
    await putSamples(config);
    const { children, ended } = start(env);
    const [server] = children;
    const address = server && (await addressOf(server));
    if (address !== undefined) await tell(config, shownBase(address), output);
    process.exitCode = await ended;
  },
});
